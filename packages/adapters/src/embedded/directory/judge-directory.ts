import {
  directoryFiles,
  type Facts,
  type FileName,
  factOf,
  fileOfShard,
  kindOf,
  shardOf,
  shardsOf,
} from "./directory-files.ts";
import type { FileState, Inspection } from "./inspect-directory.ts";

/** One file that holds less than it did, or cannot say what it holds. */
export interface Trouble {
  readonly file: FileName | "directory";
  /** What is wrong with the file. */
  readonly what: string;
  /** What is lost by it, in words. */
  readonly lost: string;
  /** How many of them; null where nobody knows. */
  readonly lostCount: number | null;
  /** What an operator can do, best first. */
  readonly help: readonly string[];
}

const restore = "restore a backup: npm run restore -- --from BACKUP";
const rebuild = "make it again from the log: npm run repair -- --rebuild-series";
const accept = (file: string) =>
  `or go on without (the loss stays named until it is acknowledged): npm run repair -- --accept-loss ${file} --reason WHY`;

/** What keeps a data directory from being used; empty where it holds all that it was known to hold. */
export function judgeDirectory({ marks, files }: Inspection): readonly Trouble[] {
  const present = [...files.values()].filter(({ kind }) => kind !== "absent");
  if (marks.kind === "absent" && present.length === 0) return [];
  if (marks.kind !== "there") return [marksTrouble(marks.kind === "absent" ? "is missing or empty" : marks.detail)];
  const { id, shards, members, marks: known } = marks.known;
  const around: Around = { files, known, shards };
  const judged = [...files].flatMap(([name, state]) => {
    // Not made whole yet: whatever stands there is nobody's.
    if (!members.has(name)) return [];
    const what = whatIsWrong(name, { state, id, marks: known.get(name) ?? {} });
    return what === undefined ? [] : [trouble(name, what, around)];
  });
  if (judged.length > 0) return judged;
  return shardsOf(shards).flatMap((shard) => logAgainstSeries(around, shard));
}

function marksTrouble(what: string): Trouble {
  return {
    file: "directory",
    what,
    lost: "how much the other files held is no longer known; by this file alone no reading and no snapshot is lost",
    lostCount: null,
    help: [restore, accept("directory")],
  };
}

interface Seen {
  readonly state: FileState;
  readonly id: string;
  readonly marks: Facts;
}

function whatIsWrong(name: FileName, { state, id, marks }: Seen): string | undefined {
  if (state.kind === "absent") return "is missing";
  if (state.kind === "empty") return "is empty (0 bytes)";
  if (state.kind === "unreadable") return `cannot be read (${state.detail})`;
  if (state.of === undefined) return "is not the file that was made here: it belongs to no data directory";
  if (state.of.id !== id) return `is from another data directory (its id is ${state.of.id}, this one's is ${id})`;
  for (const [fact, was] of Object.entries(marks)) {
    const words = wordsOf(name, fact);
    const is = state.facts[fact] ?? 0;
    if (words === undefined) continue;
    if (is < was) return `is older than the files beside it: it holds ${words} up to ${is}, and held them up to ${was}`;
  }
  return undefined;
}

/** What one of a fact is called that a start compares; undefined for others. */
function wordsOf(name: FileName, fact: string): string | undefined {
  const [of, shard] = fact.split("-");
  const words = directoryFiles[kindOf(name)].marks[String(of)];
  return words === undefined || shard === undefined ? words : `${words} of shard ${shard}`;
}

interface Around {
  readonly files: ReadonlyMap<FileName, FileState>;
  readonly known: ReadonlyMap<FileName, Facts>;
  readonly shards: number;
}

function trouble(file: FileName, what: string, around: Around): Trouble {
  if (file === "log") return logTrouble(what, around);
  if (kindOf(file) === "series") return seriesTrouble(file, what, around);
  const { marks, place } = directoryFiles[kindOf(file)];
  const [fact, words] = Object.entries(marks)[0] as [string, string];
  const [is, was] = [factsOf(around.files, file)[fact] ?? 0, around.known.get(file)?.[fact] ?? 0];
  const lostCount = was - is;
  const lost = lostCount === 0 ? `no ${words} were in it` : `${lostCount} ${words} (numbers ${is + 1} to ${was})`;
  return { file, what, lost: `${lost}, of the ${place}`, lostCount, help: [restore, accept(file)] };
}

/** What the store has taken in from the log is not lost with it. */
function logTrouble(what: string, around: Around): Trouble {
  const { files, known, shards } = around;
  const readings = (facts: Facts | undefined, shard: number) => facts?.[factOf("readings", shard)] ?? 0;
  const parts = shardsOf(shards).map((shard) => {
    const was = readings(known.get("log"), shard);
    const stored = factsOf(files, fileOfShard("series", shard))["readings"] ?? 0;
    return { shard, was, has: Math.max(readings(factsOf(files, "log"), shard), stored) };
  });
  const lacking = parts.filter(({ was, has }) => was > has);
  const lostCount = lacking.reduce((sum, { was, has }) => sum + was - has, 0);
  const numbers = lacking.map(({ shard, was, has }) => `${has + 1} to ${was}${shards > 1 ? ` of shard ${shard}` : ""}`);
  const all = parts.reduce((sum, { was }) => sum + was, 0);
  const lost =
    lostCount === 0
      ? `no reading: the store has taken in all ${all} that the log held`
      : `${lostCount} readings that were acknowledged (numbers ${numbers.join(", ")}); the store has those before`;
  return { file: "log", what, lost, lostCount, help: [restore, accept("log")] };
}

function seriesTrouble(file: FileName, what: string, { files, known }: Around): Trouble {
  const log = logFactsOf(files, shardOf(file));
  const had = known.get(file)?.["readings"] ?? 0;
  if (Object.keys(factsOf(files, "log")).length > 0 && log.first === 0) {
    const lost = `nothing for good: the log still holds all ${log.readings} readings from the first on`;
    return { file, what, lost, lostCount: 0, help: [rebuild, restore] };
  }
  const lostCount = Object.keys(factsOf(files, "log")).length > 0 ? log.firstReadings : had;
  const lost = `about ${lostCount} readings that the log holds no more; those after them are in the log`;
  return { file, what, lost, lostCount, help: [restore, accept(file)] };
}

/** Files that are each whole and yet do not belong to the same time. */
function logAgainstSeries({ files, shards }: Around, shard: number): Trouble[] {
  const file = fileOfShard("series", shard);
  const log = logFactsOf(files, shard);
  const { position = 0, readings = 0 } = factsOf(files, file);
  const named = shards > 1 ? `shard ${shard} of it ` : "";
  if (position > log.end) {
    const what = `${named}ends at position ${log.end}, and the store has taken it in up to ${position}: it is older`;
    const lost = "no reading that the store has; what else was acknowledged is not known";
    return [{ file: "log", what, lost, lostCount: null, help: [restore, accept("log")] }];
  }
  if (position >= log.first) return [];
  const lostCount = log.firstReadings - readings;
  const what = `is older than the log reaches back: it ends at position ${position}, the log begins at ${log.first}`;
  const lost = `about ${lostCount} readings between the two (numbers ${readings + 1} to ${log.firstReadings})`;
  return [{ file, what, lost, lostCount, help: [restore, accept(file)] }];
}

function logFactsOf(files: Around["files"], shard: number) {
  const facts = factsOf(files, "log");
  const of = (fact: string) => facts[factOf(fact, shard)] ?? 0;
  return { end: of("end"), readings: of("readings"), first: of("first"), firstReadings: of("firstReadings") };
}

function factsOf(files: Around["files"], name: FileName): Facts {
  const state = files.get(name);
  return state?.kind === "there" ? state.facts : {};
}

/** For the one who starts Meterbook: which file, what is lost, what can be done. */
export function describeTroubles(
  dataDir: string,
  troubles: readonly (Omit<Trouble, "file"> & { readonly file: string })[],
): string {
  const lines = troubles.flatMap(({ file, what, lost, help }) => [
    `  ${file}.db ${what}`,
    `    lost: ${lost}`,
    ...help.map((one) => `    ${one}`),
  ]);
  return [`the data directory ${dataDir} (METERBOOK_DATA_DIR) holds less than it held:`, ...lines].join("\n");
}
