import { optionsOrExit, wrongOptions } from "@meterbook/runtime/process/command-options";
import { z } from "zod";
import { makeKey } from "./http/access/api-keys.ts";
import { scopes } from "./http/access/scope-table.ts";

const usage = `npm run -s create-key -- --name <name> --scopes <${scopes.join("|")}>[,...] [--until 2027-01-01T00:00:00Z]

Prints a new API key once, and the line for the keys file (METERBOOK_API_KEYS_FILE), which knows its hash only.`;

const { values } = optionsOrExit({
  usage,
  options: { name: { type: "string" }, scopes: { type: "string" }, until: { type: "string" } },
});
if (Date.parse(values.until ?? "") <= Date.now()) wrongOptions(`--until: ${values.until} is past`, usage);
try {
  const wanted = (values.scopes ?? "").split(",").filter((scope) => scope !== "");
  const { key, stored } = makeKey(values.name ?? "", wanted, values.until);
  process.stdout.write(
    `Key, shown this once:\n${key}\n\nLine for the file that METERBOOK_API_KEYS_FILE names:\n${JSON.stringify(stored)}\n`,
  );
} catch (error) {
  wrongOptions(error instanceof z.ZodError ? z.prettifyError(error) : String(error), usage);
}
