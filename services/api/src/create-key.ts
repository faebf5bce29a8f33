import { parseArgs } from "node:util";
import { z } from "zod";
import { makeKey } from "./api-keys.ts";
import { scopes } from "./scope-table.ts";

const usage = `node services/api/src/create-key.ts --name <name> --scopes <${scopes.join("|")}>[,...]`;

/** Prints a new API key once, and the line for the keys file that knows its hash only. */
function main(args: readonly string[]): number {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { name: { type: "string" }, scopes: { type: "string" } },
    });
    const { key, stored } = makeKey(
      values.name ?? "",
      (values.scopes ?? "").split(",").filter((scope) => scope !== ""),
    );
    process.stdout.write(
      `Key, shown this once:\n${key}\n\nLine for the file that METERBOOK_API_KEYS_FILE names:\n${JSON.stringify(stored)}\n`,
    );
    return 0;
  } catch (error) {
    const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    process.stderr.write(`${reason}\nUsage: ${usage}\n`);
    return 1;
  }
}

process.exitCode = main(process.argv.slice(2));
