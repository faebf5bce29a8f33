import { join } from "node:path";
import { BroadcastChannel, workerData } from "node:worker_threads";
import type { FrameToWrite } from "../../report-batches/report-batcher.ts";
import { type OpenedAs, openedFile } from "../database/opened-file.ts";
import { serveWrites } from "../database/serve-writes.ts";
import { frameWrites, openReadingsLogDatabase } from "./readings-log-database.ts";

/** The thread in which the readings log is written, so that a slow fsync holds up no connection of a meter. */
export type WriterRequest =
  | { readonly kind: "append"; readonly frames: readonly FrameToWrite[]; readonly atMs: number }
  | { readonly kind: "trim"; readonly partition: number; readonly offset: number; readonly beforeMs: number }
  | { readonly kind: "close" };

export interface WriterData {
  readonly dataDir: string;
  /** Where those who wait for frames listen: they are told which partitions have grown. */
  readonly hints: string;
  /** The file that those who read have open. */
  readonly opened: OpenedAs;
}

const { dataDir, hints, opened } = workerData as WriterData;
const file = openedFile(join(dataDir, "log.db"), opened);
const channel = new BroadcastChannel(hints);

serveWrites<ReturnType<typeof connect>, WriterRequest>({ connect, file, closed: () => channel.close() }, carryOut);

function carryOut({ writes }: ReturnType<typeof connect>, request: Exclude<WriterRequest, { kind: "close" }>): number {
  if (request.kind === "trim") return writes.trim(request.partition, request.offset, request.beforeMs);
  const ends = writes.append(request.frames, request.atMs);
  channel.postMessage([...ends.keys()]);
  return 0;
}

function connect() {
  const database = openReadingsLogDatabase(dataDir);
  return { database, writes: frameWrites(database) };
}
