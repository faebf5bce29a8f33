import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { KeptSeal } from "@meterbook/core/domain/seal/seal";
import { type FileName, fileNames, openToRead, pathOf } from "../directory/directory-files.ts";
import { inspectDirectory } from "../directory/inspect-directory.ts";
import { judgeDirectory, type Trouble } from "../directory/judge-directory.ts";
import { metTogether, nothingMet, type PlacesMet } from "./check-places.ts";
import type { CheckedTable } from "./check-records.ts";
import { checkedTables, fileOfTable, tableCheck } from "./check-records.ts";
import type { WrongRow } from "./wrong-row.ts";

/** A part of the work: the pages of a file, or rows of a table. */
export type VerifyTask =
  | { readonly kind: "pages"; readonly file: FileName }
  | { readonly kind: "rows"; readonly table: CheckedTable; readonly from: number; readonly to: number }
  | { readonly kind: "places"; readonly met: PlacesMet }
  | { readonly kind: "seals"; readonly kept: readonly KeptSeal[] };

export interface VerifyPart {
  readonly rows: number;
  readonly bytes: number;
  readonly wrong: readonly WrongRow[];
  /** Of the ledger; undefined where not all rows could be read. */
  readonly met?: PlacesMet | undefined;
}

export interface Verified extends VerifyPart {
  readonly troubles: readonly Trouble[];
  readonly rowsOf: Readonly<Partial<Record<CheckedTable, number>>>;
}

const partsPerTable = 16;

/**
 * Reads every record of a data directory and holds it against its seals, and those that were kept elsewhere, whether a
 * process works on it or not, and changes nothing.
 */
export async function verifyDirectory(dataDir: string, kept: readonly KeptSeal[] = []): Promise<Verified> {
  const inspection = inspectDirectory(dataDir, { settle: false });
  const readable = fileNames.filter((name) => inspection.files.get(name)?.kind === "there");
  const tasks: VerifyTask[] = readable.map((file) => ({ kind: "pages", file }) as const);
  for (const table of checkedTables.filter((one) => readable.includes(fileOfTable(one))))
    tasks.push(...parts(dataDir, table));
  if (readable.includes("ledger")) tasks.push({ kind: "seals", kept });
  const rowsOf: Partial<Record<CheckedTable, number>> = {};
  const wrong: WrongRow[] = [];
  let [rows, bytes] = [0, 0];
  let met: PlacesMet | undefined = readable.includes("ledger") ? nothingMet : undefined;
  function take(task: VerifyTask, part: VerifyPart): void {
    if (task.kind === "rows") rowsOf[task.table] = (rowsOf[task.table] ?? 0) + part.rows;
    if (task.kind === "rows" && task.table === "ledger")
      met = met === undefined || part.met === undefined ? undefined : metTogether(met, part.met);
    rows += part.rows;
    bytes += part.bytes;
    for (const row of part.wrong) wrong.push(row);
  }
  await inThreads(dataDir, tasks, take);
  if (met !== undefined) await inThreads(dataDir, [{ kind: "places", met }], take);
  return { troubles: judgeDirectory(inspection), rows, bytes, wrong, rowsOf };
}

/** Slices of keys, so that all threads have something to do to the end. */
function parts(dataDir: string, table: CheckedTable): VerifyTask[] {
  const database = openToRead(pathOf(dataDir, fileOfTable(table)));
  try {
    const range = tableCheck(database, table).range();
    if (range === undefined) return [];
    const step = Math.max(1, Math.ceil((range.last - range.first + 1) / partsPerTable));
    const tasks: VerifyTask[] = [];
    for (let from = range.first; from <= range.last; from += step) {
      tasks.push({ kind: "rows", table, from, to: Math.min(from + step - 1, range.last) });
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
