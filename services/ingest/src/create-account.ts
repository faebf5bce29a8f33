import { createHash, randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { idPattern } from "@meterbook/core/domain/identifiers";

const usage = `npm run create-account -- --name <meter or concentrator> [--meters <id or beginning*>[,...]]`;

/** Prints a new secret for our MQTT endpoint once, and the line for the identities file that knows its hash only. */
function main(args: readonly string[]): number {
  try {
    const options = { name: { type: "string" }, meters: { type: "string" } } as const;
    const { name = "", meters } = parseArgs({ args: [...args], options }).values;
    if (!idPattern.test(name)) throw new Error("--name: 1 to 64 letters, digits and . _ -");
    const secret = `mb_${randomBytes(32).toString("base64url")}`;
    const sha256 = createHash("sha256").update(secret).digest("hex");
    const line = { name, sha256, ...(meters === undefined ? {} : { meters: meters.split(",") }) };
    process.stdout.write(
      `Password, shown this once:\n${secret}\n\nLine for the file that METERBOOK_MQTT_IDENTITIES_FILE names:\n${JSON.stringify(line)}\n`,
    );
    return 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\nUsage: ${usage}\n`);
    return 1;
  }
}

process.exitCode = main(process.argv.slice(2));
