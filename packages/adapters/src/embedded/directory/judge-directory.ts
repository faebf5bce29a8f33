import { directoryFiles, type Facts, type FileName, fileNames } from "./directory-files.ts";
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
  const present = fileNames.filter((name) => files.get(name)?.kind !== "absent");
  if (marks.kind === "absent" && present.length === 0) return [];
  if (marks.kind !== "there") return [marksTrouble(marks.kind === "absent" ? "is missing or empty" : marks.detail)];
  const { id, members, marks: known } = marks.known;
  const judged = fileNames.flatMap((name) => {
    const state = files.get(name) as FileState;
    // Not made whole yet: whatever stands there is nobody's.
    if (!members.has(name)) return [];
    const what = whatIsWrong(name, { state, id, marks: known.get(name) ?? {} });
    return what === undefined ? [] : [trouble(name, what, { files, known })];
  });
  if (judged.length > 0) return judged;
  return logAgainstSeries(factsOf(files, "log"), factsOf(files, "series"));
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
  if (state.id === undefined) return "is not the file that was made here: it belongs to no data directory";
  if (state.id !== id) return `is from another data directory (its id is ${state.id}, this one's is ${id})`;
  const facts = state.facts;
  for (const [fact, words] of Object.entries(directoryFiles[name].marks)) {
    const [is, was] = [facts[fact] ?? 0, marks[fact] ?? 0];
    if (is < was) return `is older than the files beside it: it holds ${words} up to ${is}, and held them up to ${was}`;
  }
  return undefined;
}

interface Around {
  readonly files: ReadonlyMap<FileName, FileState>;
  readonly known: ReadonlyMap<FileName, Facts>;
}

function trouble(file: FileName, what: string, around: Around): Trouble {
  if (file === "log") return logTrouble(what, around);
  if (file === "series") return seriesTrouble(what, around);
  const { marks, place } = directoryFiles[file];
  const [fact, words] = Object.entries(marks)[0] as [string, string];
  const [is, was] = [factsOf(around.files, file)[fact] ?? 0, around.known.get(file)?.[fact] ?? 0];
  const lostCount = was - is;
  const lost = lostCount === 0 ? `no ${words} were in it` : `${lostCount} ${words} (numbers ${is + 1} to ${was})`;
  return { file, what, lost: `${lost}, of the ${place}`, lostCount, help: [restore, accept(file)] };
}

/** What the store has taken in from the log is not lost with it. */
function logTrouble(what: string, { files, known }: Around): Trouble {
  const was = known.get("log")?.["readings"] ?? 0;
  const has = Math.max(factsOf(files, "log")["readings"] ?? 0, factsOf(files, "series")["readings"] ?? 0);
  const lostCount = Math.max(0, was - has);
  const lost =
    lostCount === 0
      ? `no reading: the store has taken in all ${was} that the log held`
      : `${lostCount} readings that were acknowledged (numbers ${has + 1} to ${was}); the store has those before`;
  return { file: "log", what, lost, lostCount, help: [restore, accept("log")] };
}

function seriesTrouble(what: string, { files, known }: Around): Trouble {
  const log = factsOf(files, "log");
  const had = known.get("series")?.["readings"] ?? 0;
  if (Object.keys(log).length > 0 && log["first"] === 0) {
    const lost = `nothing for good: the log still holds all ${log["readings"] ?? 0} readings from the first on`;
    return { file: "series", what, lost, lostCount: 0, help: [rebuild, restore] };
  }
  const firstReadings = log["firstReadings"];
  const lostCount = firstReadings ?? had;
  const lost = `about ${lostCount} readings that the log holds no more; those after them are in the log`;
  return { file: "series", what, lost, lostCount, help: [restore, accept("series")] };
}

/** Files that are each whole and yet do not belong to the same time. */
function logAgainstSeries(log: Facts, series: Facts): Trouble[] {
  const number = (facts: Facts, fact: string) => facts[fact] ?? 0;
  const position = number(series, "position");
  if (position > number(log, "end")) {
    const what = `ends at position ${number(log, "end")}, and the store has taken it in up to ${position}: it is older`;
    const lost = "no reading that the store has; what else was acknowledged is not known";
    return [{ file: "log", what, lost, lostCount: null, help: [restore, accept("log")] }];
  }
  if (position >= number(log, "first")) return [];
  const lostCount = number(log, "firstReadings") - number(series, "readings");
  const what = `is older than the log reaches back: it ends at position ${position}, the log begins at ${number(log, "first")}`;
  const lost = `about ${lostCount} readings between the two (numbers ${number(series, "readings") + 1} to ${number(log, "firstReadings")})`;
  return [{ file: "series", what, lost, lostCount, help: [restore, accept("series")] }];
}

function factsOf(files: Around["files"], name: FileName): Facts {
  const state = files.get(name);
  return state?.kind === "there" ? state.facts : {};
}

/** For the one who starts Meterbook: which file, what is lost, what can be done. */
export function describeTroubles(dataDir: string, troubles: readonly Trouble[]): string {
  const lines = troubles.flatMap(({ file, what, lost, help }) => [
    `  ${file}.db ${what}`,
    `    lost: ${lost}`,
    ...help.map((one) => `    ${one}`),
  ]);
  return [`the data directory ${dataDir} (METERBOOK_DATA_DIR) holds less than it held:`, ...lines].join("\n");
}
