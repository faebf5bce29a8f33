import { backUpDirectory } from "@meterbook/adapters/embedded/directory/back-up-directory";
import { wrongOptions } from "@meterbook/runtime/process/command-options";
import { settingsOrExit } from "@meterbook/runtime/settings/load-settings";
import { runCommand } from "./run-command.ts";

const usage = `npm run backup -- --to DIRECTORY

Copies the data directory (METERBOOK_DATA_DIR) into DIRECTORY, which must be empty or missing. Meterbook may run meanwhile: what was
acknowledged before the command began is in the copy. Back with: npm run restore -- --from DIRECTORY (docs/backup.md)`;

await runCommand({ usage, options: { to: { type: "string" } } }, async (values, say) => {
  const to = values["to"];
  if (typeof to !== "string" || to === "") return wrongOptions("--to is missing: where the copy goes", usage);
  const { dataDir } = settingsOrExit();
  const { files, madeAt } = await backUpDirectory(dataDir, to, Date.now());
  for (const [file, { bytes, facts }] of Object.entries(files)) {
    const holds = Object.entries(facts).map(([name, value]) => `${name} ${value}`);
    say(`${file.padEnd(14)}${String(bytes).padStart(14)} bytes  ${holds.join(", ")}`);
  }
  say(`backup of ${dataDir} in ${to}, made at ${madeAt}`);
  return 0;
});
