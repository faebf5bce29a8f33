import { besideFiles } from "@meterbook/adapters/embedded/directory/beside-files";
import { lockDataDirectory, unfit } from "@meterbook/adapters/embedded/directory/data-directory";
import { fileKinds, fileNameOf } from "@meterbook/adapters/embedded/directory/directory-files";
import { inspectDirectory, isNoDataDirectory } from "@meterbook/adapters/embedded/directory/inspect-directory";
import { describeTroubles } from "@meterbook/adapters/embedded/directory/judge-directory";
import { acceptLoss, rebuildSeries, troublesOf } from "@meterbook/adapters/embedded/directory/repair-directory";
import { wrongOptions } from "@meterbook/runtime/process/command-options";
import { settingsOrExit } from "@meterbook/runtime/settings/load-settings";
import { runCommand } from "./run-command.ts";

const files = [...fileKinds, "directory", ...besideFiles].join(", ");

const usage = `npm run repair [-- --rebuild-series | --accept-loss FILE --reason WHY]

Says what keeps the data directory (METERBOOK_DATA_DIR) from a start; Meterbook must not run on it. Restoring a backup comes first
(npm run restore); otherwise:
  --rebuild-series     makes the store of readings again from the log, where that still holds all of them
  --accept-loss FILE   goes on without what FILE (${files}; shard-1/ledger of a further
                       shard) has lost: the loss is kept in GET /v1/damage, and named by /readyz until an operator acknowledges it
  --reason WHY         kept with it`;

const options = {
  "rebuild-series": { type: "boolean" },
  "accept-loss": { type: "string" },
  reason: { type: "string" },
} as const;

await runCommand({ usage, options }, async (values, say) => {
  const [wanted, reason] = [values["accept-loss"], values["reason"]];
  const file = ["directory" as const, ...besideFiles].find((one) => one === wanted) ?? fileNameOf(String(wanted));
  if (wanted !== undefined && file === undefined) return wrongOptions(`--accept-loss: ${files}`, usage);
  if (file !== undefined && (typeof reason !== "string" || reason.trim() === "")) {
    return wrongOptions("--reason is missing: why it is right to go on without", usage);
  }
  const { dataDir } = settingsOrExit();
  if (isNoDataDirectory(inspectDirectory(dataDir, { settle: false }))) {
    const words = `${dataDir} (METERBOOK_DATA_DIR) is no data directory of Meterbook`;
    if (file !== undefined || values["rebuild-series"] === true) throw unfit(words);
    say(`${words}: a start makes one there`);
    return 0;
  }
  const lock = lockDataDirectory(dataDir);
  try {
    if (file !== undefined) {
      const loss = { file, reason: String(reason), nowMs: Date.now() };
      for (const line of await acceptLoss(dataDir, loss)) say(line);
    } else if (values["rebuild-series"] === true) {
      for (const line of await rebuildSeries(dataDir, Date.now())) say(line);
    }
    return report(dataDir, say);
  } finally {
    lock.close();
  }
});

/** Exit 1 while a start would refuse. */
function report(dataDir: string, say: (line: string) => void): number {
  const troubles = troublesOf(dataDir);
  say(troubles.length === 0 ? `nothing keeps ${dataDir} from a start` : describeTroubles(dataDir, troubles));
  return troubles.length === 0 ? 0 : 1;
}
