import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { KeptSeal } from "@meterbook/core/domain/seal/seal";
import { type BesideTrouble, besideTroubles } from "../directory/beside-files.ts";
import { unfit } from "../directory/data-directory.ts";
import { type FileName, kindOf, openToRead, pathOf, shardOf } from "../directory/directory-files.ts";
import { inspectDirectory, isNoDataDirectory } from "../directory/inspect-directory.ts";
import { judgeDirectory, type Trouble } from "../directory/judge-directory.ts";
import { metTogether, nothingMet, type PlacesMet } from "./check-places.ts";
import type { CheckedTable, TableIn } from "./check-records.ts";
import { tableCheck, tablesIn } from "./check-records.ts";
import type { WrongRow } from "./wrong-row.ts";

/** A part of the work: the pages of a file, or rows of a table in it. */
export type VerifyTask = { readonly file: FileName } & (
  | { readonly kind: "pages" }
  | { readonly kind: "rows"; readonly table: CheckedTable; readonly from: number; readonly to: number }
  | { readonly kind: "places"; readonly met: PlacesMet }
  | { readonly kind: "seals"; readonly kept: readonly KeptSeal[] }
);

export interface VerifyPart {
  readonly rows: number;
  readonly bytes: number;
  readonly wrong: readonly WrongRow[];
  /** Of the ledger; undefined where not all rows could be read. */
  readonly met?: PlacesMet | undefined;
}

export interface Verified extends VerifyPart {
  readonly troubles: readonly (Trouble | BesideTrouble)[];
  readonly rowsOf: Readonly<Partial<Record<CheckedTable, number>>>;
}

const partsPerTable = 16;

/**
 * Reads every record of a data directory and holds it against its seals, and those that were kept elsewhere, whether a
 * process works on it or not, and changes nothing.
 *
 * @throws an AdapterError where no data directory is: that nothing is wrong in it would be no news.
 */
export async function verifyDirectory(dataDir: string, kept: readonly KeptSeal[] = []): Promise<Verified> {
  const inspection = inspectDirectory(dataDir, { settle: false });
  if (isNoDataDirectory(inspection)) throw unfit(`${dataDir} is no data directory of Meterbook`);
  const readable = [...inspection.files].flatMap(([name, { kind }]) => (kind === "there" ? [name] : []));
  const ledgers = readable.filter((name) => kindOf(name) === "ledger");
  const tasks: VerifyTask[] = readable.map((file) => ({ kind: "pages", file }) as const);
  for (const part of tablesIn(readable)) tasks.push(...parts(dataDir, part));
  for (const file of ledgers) tasks.push({ kind: "seals", file, kept: keptOf(file, ledgers, kept) });
  const rowsOf: Partial<Record<CheckedTable, number>> = {};
  const wrong: WrongRow[] = [];
  let [rows, bytes] = [0, 0];
  const met = new Map<FileName, PlacesMet | undefined>(ledgers.map((file) => [file, nothingMet]));
  function take(task: VerifyTask, part: VerifyPart): void {
    if (task.kind === "rows") rowsOf[task.table] = (rowsOf[task.table] ?? 0) + part.rows;
    if (task.kind === "rows" && task.table === "ledger") {
      const before = met.get(task.file);
      met.set(task.file, before === undefined || part.met === undefined ? undefined : metTogether(before, part.met));
    }
    rows += part.rows;
    bytes += part.bytes;
    for (const row of part.wrong) wrong.push(row);
  }
  await inThreads(dataDir, tasks, take);
  const places = [...met].flatMap(([file, sum]): VerifyTask[] =>
    sum === undefined ? [] : [{ kind: "places", file, met: sum }],
  );
  await inThreads(dataDir, places, take);
  return { troubles: [...judgeDirectory(inspection), ...besideTroubles(dataDir)], rows, bytes, wrong, rowsOf };
}

/** Those of the file's shard; the first file is asked for those of shards that there are not. */
function keptOf(file: FileName, ledgers: readonly FileName[], kept: readonly KeptSeal[]): KeptSeal[] {
  const shards = ledgers.map(shardOf);
  return kept.filter(({ shard }) => shard === shardOf(file) || (file === ledgers[0] && !shards.includes(shard)));
}

/** Slices of keys, so that all threads have something to do to the end. */
function parts(dataDir: string, { file, table }: TableIn): VerifyTask[] {
  const database = openToRead(pathOf(dataDir, file));
  try {
    const range = tableCheck(database, { file, table }).range();
    if (range === undefined) return [];
    const step = Math.max(1, Math.ceil((range.last - range.first + 1) / partsPerTable));
    const tasks: VerifyTask[] = [];
    for (let from = range.first; from <= range.last; from += step) {
      tasks.push({ kind: "rows", file, table, from, to: Math.min(from + step - 1, range.last) });
    }
    return tasks;
  } catch {
    // Unreadable pages are told by the check of the pages.
    return [];
  } finally {
    database.close();
  }
}

async function inThreads(
  dataDir: string,
  tasks: readonly VerifyTask[],
  take: (task: VerifyTask, part: VerifyPart) => void,
): Promise<void> {
  let next = 0;
  async function work(): Promise<void> {
    const worker = new Worker(new URL("./verify-thread.ts", import.meta.url), { workerData: { dataDir } });
    try {
      for (let task = tasks[next++]; task !== undefined; task = tasks[next++]) take(task, await answerOf(worker, task));
    } finally {
      await ended(worker);
    }
  }
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), tasks.length) }, work));
}

/** By itself, with its files closed: what is torn down in the middle of native code can take the process with it. */
async function ended(worker: Worker): Promise<void> {
  const exited = new Promise((resolve) => worker.once("exit", resolve));
  // Its error was told to whoever waits for the answer, and is not told to the process too.
  worker.on("error", () => undefined);
  worker.postMessage(null);
  await exited;
}

function answerOf(worker: Worker, task: VerifyTask): Promise<VerifyPart> {
  return new Promise((resolve, reject) => {
    worker.once("error", reject);
    worker.once("message", (part: VerifyPart) => {
      worker.off("error", reject);
      resolve(part);
    });
    worker.postMessage(task);
  });
}
