import { restoreDirectory } from "@meterbook/adapters/embedded/directory/restore-directory";
import { wrongOptions } from "@meterbook/runtime/process/command-options";
import { settingsOrExit } from "@meterbook/runtime/settings/load-settings";
import { runCommand } from "./run-command.ts";

const usage = `npm run restore -- --from DIRECTORY [--replace]

Checks a backup byte by byte and puts it into the data directory (METERBOOK_DATA_DIR), which must be empty or missing. Meterbook must
not run on it.
  --replace   keeps a data directory that is not empty under another name beside it, and restores`;

const options = { from: { type: "string" }, replace: { type: "boolean" } } as const;

await runCommand({ usage, options }, async (values, say) => {
  const from = values["from"];
  if (typeof from !== "string" || from === "") return wrongOptions("--from is missing: the backup's directory", usage);
  const { dataDir } = settingsOrExit();
  const occupied = values["replace"] === true ? "move aside" : "refuse";
  const { manifest, movedTo } = await restoreDirectory(from, dataDir, { occupied, nowMs: Date.now() });
  if (movedTo !== undefined) say(`what was there is kept in ${movedTo}`);
  say(`restored the backup of ${manifest.madeAt} into ${dataDir}: start Meterbook as ever`);
  return 0;
});
