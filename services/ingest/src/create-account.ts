import { createHash, randomBytes } from "node:crypto";
import { idPattern } from "@meterbook/core/domain/reading/identifiers";
import { optionsOrExit, wrongOptions } from "@meterbook/runtime/process/command-options";

const usage = `npm run -s create-account -- --name <meter or concentrator> [--meters <id or beginning*>[,...]]

Prints a new secret for our MQTT endpoint once, and the line for the identities file (METERBOOK_MQTT_IDENTITIES_FILE), which
knows its hash only.`;

const { values } = optionsOrExit({ usage, options: { name: { type: "string" }, meters: { type: "string" } } });
const { name = "", meters } = values;
if (!idPattern.test(name)) wrongOptions("--name: 1 to 64 letters, digits and . _ -", usage);
const secret = `mb_${randomBytes(32).toString("base64url")}`;
const sha256 = createHash("sha256").update(secret).digest("hex");
const line = { name, sha256, ...(meters === undefined ? {} : { meters: meters.split(",") }) };
process.stdout.write(
  `Password, shown this once:\n${secret}\n\nLine for the file that METERBOOK_MQTT_IDENTITIES_FILE names:\n${JSON.stringify(line)}\n`,
);
