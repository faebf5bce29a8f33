import { readFileSync } from "node:fs";
import { verifyDirectory } from "@meterbook/adapters/embedded/verify/verify-directory";
import type { KeptSeal } from "@meterbook/core/domain/seal/seal";
import { wrongOptions } from "@meterbook/runtime/process/command-options";
import type { KafkaSettings } from "@meterbook/runtime/settings/kafka-settings";
import { settingsOrExit } from "@meterbook/runtime/settings/load-settings";
import { keptSeals } from "./kept-seals.ts";
import { runCommand } from "./run-command.ts";
import { verifyApi } from "./verify-api.ts";
import { verifyKafka } from "./verify-kafka.ts";

const usage = `npm run verify [-- [--data DIRECTORY | --kafka | --api URL [--key-file FILE]] [--seals FILE]]

Reads every record, holds it against its hash and its seal, and says which is not what it was. Exit 0: all is well;
1: something is wrong, named line by line.
Nothing is changed, and Meterbook may work meanwhile.
  (nothing)           the data directory (METERBOOK_DATA_DIR)
  --data DIRECTORY    another one, for example a backup that was restored for a look
  --kafka             the topics of METERBOOK_KAFKA_BROKERS; the settings of the services, from the environment or .env
  --api URL           every issued snapshot that an API tells of, its hash computed from the answer; works for any form
  --key-file FILE     holds the API key, on its first line
  --seals FILE        answers of GET /v1/periods/{period}/seal that were kept elsewhere, one in each line`;

const options = {
  data: { type: "string" },
  kafka: { type: "boolean" },
  api: { type: "string" },
  "key-file": { type: "string" },
  seals: { type: "string" },
} as const;
const linesMax = 1000;
/** A client that could not reach its servers may go on trying. */
const goodByeMsMax = 3000;

const words = {
  ledger: "snapshots",
  frame: "frames of readings",
  sealed: "days of meters",
  hot: "reports of today",
  record: "records of master data",
  meter: "meters",
  meter_copy: "copies of them",
  conflict: "conflicts",
  progress: "row of progress",
  progress_copy: "copy of it",
  refused_message: "refused messages",
  refusal: "refusals",
  damage: "entries about damage",
  acknowledgement: "words about them",
  repair_order: "orders to mend",
  mending: "mendings",
  personal_read: "reads of people's data",
};

type Say = (line: string) => void;

await runCommand({ usage, options }, async ({ data, kafka, api, "key-file": keyFile, seals }, say) => {
  if ([data, kafka, api].filter((given) => given !== undefined).length > 1)
    wrongOptions("one of --data, --kafka and --api at a time", usage);
  if (typeof api === "string" && !/^https?:$/.test(URL.parse(api)?.protocol ?? ""))
    wrongOptions("--api: an address such as http://127.0.0.1:8080", usage);
  if (keyFile !== undefined && api === undefined) wrongOptions("--key-file is for --api", usage);
  const kept = typeof seals === "string" ? keptSeals(seals) : [];
  if (kafka === true) return ofKafka(kept, say);
  if (typeof api === "string") return ofApi(api, { key: keyFrom(keyFile), kept }, say);
  return ofDirectory(typeof data === "string" ? data : settingsOrExit().dataDir, kept, say);
});

async function ofKafka(kept: readonly KeptSeal[], say: Say): Promise<number> {
  const took = stopwatch();
  const lines = lineTeller(say);
  try {
    const { what, bytes } = await verifyKafka(settingsOrExit("verify").kafka as KafkaSettings, lines.tell, kept);
    return lines.ended(`${what}, ${Math.round(bytes / 1e6)} MB in ${took()}`);
  } finally {
    setTimeout(() => process.exit(), goodByeMsMax).unref();
  }
}

async function ofApi(
  api: string,
  { key, kept }: { readonly key: string | undefined; readonly kept: readonly KeptSeal[] },
  say: Say,
): Promise<number> {
  const took = stopwatch();
  const { rows, wrong } = await verifyApi(api, key, kept);
  const lines = lineTeller(say);
  for (const line of wrong) lines.tell(line);
  return lines.ended(`${rows} snapshots of ${api} in ${took()}`, "all give their hash, and their seals");
}

async function ofDirectory(dataDir: string, kept: readonly KeptSeal[], say: Say): Promise<number> {
  const took = stopwatch();
  const { troubles, wrong, rowsOf, bytes } = await verifyDirectory(dataDir, kept);
  const lines = lineTeller(say);
  for (const { file, what, lost } of troubles) lines.tell(`${file}.db ${what}; lost: ${lost}`);
  for (const { file, where, code, detail } of wrong) lines.tell(`${file}.db ${where} ${code}: ${detail}`);
  const counts = Object.entries(rowsOf).map(([table, rows]) => `${rows} ${words[table as keyof typeof words]}`);
  return lines.ended(`${dataDir}: ${counts.join(", ") || "no records"}, ${Math.round(bytes / 1e6)} MB in ${took()}`);
}

/** Says the first lines as they come, counts them all, and says at the end what it comes to. */
function lineTeller(say: Say) {
  let told = 0;
  return {
    tell(line: string): void {
      told += 1;
      if (told <= linesMax) say(line);
    },
    /** Answers the exit code. */
    ended(what: string, praise = "all is well"): number {
      if (told > linesMax) say(`and ${told - linesMax} more`);
      say(what);
      say(told === 0 ? praise : `${told} are wrong`);
      return told === 0 ? 0 : 1;
    },
  };
}

function stopwatch(): () => string {
  const begun = performance.now();
  return () => `${((performance.now() - begun) / 1000).toFixed(1)} s`;
}

function keyFrom(file: string | boolean | undefined): string | undefined {
  return typeof file === "string" ? readFileSync(file, "utf8").split("\n")[0]?.trim() : undefined;
}
