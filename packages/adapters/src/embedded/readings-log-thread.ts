import type { DatabaseSync } from "node:sqlite";
import { BroadcastChannel, parentPort, workerData } from "node:worker_threads";
import type { FrameToWrite } from "../frames/report-batcher.ts";
import type { FrameWrites } from "./readings-log-database.ts";
import { frameWrites, openReadingsLogDatabase } from "./readings-log-database.ts";
import type { WriterAnswer } from "./writer-thread.ts";

/** The thread in which the readings log is written, so that a slow fsync holds up no connection of a meter. */
export type WriterRequest =
  | { readonly kind: "append"; readonly frames: readonly FrameToWrite[]; readonly atMs: number }
  | { readonly kind: "trim"; readonly position: number; readonly beforeMs: number }
  | { readonly kind: "close" };

export interface WriterData {
  readonly dataDir: string;
  /** Where those who wait for frames listen. */
  readonly hints: string;
}

const port = parentPort;
if (port === null) throw new Error("this module is the readings log's writer thread");
const { dataDir, hints } = workerData as WriterData;
const channel = new BroadcastChannel(hints);
let open: { readonly database: DatabaseSync; readonly writes: FrameWrites } | undefined;

port.on("message", (request: WriterRequest) => {
  if (request.kind === "close") {
    release();
    channel.close();
    port.close();
    return;
  }
  port.postMessage(answer(request));
});

function answer(request: Exclude<WriterRequest, { kind: "close" }>): WriterAnswer<number> {
  try {
    open ??= connect();
    if (request.kind === "trim") return { ok: true, result: open.writes.trim(request.position, request.beforeMs) };
    const { end } = open.writes.append(request.frames, request.atMs);
    channel.postMessage(end);
    return { ok: true, result: 0 };
  } catch (error) {
    release();
    const errcode = (error as { errcode?: number }).errcode;
    return { ok: false, message: error instanceof Error ? error.message : String(error), errcode };
  }
}

function connect() {
  const database = openReadingsLogDatabase(dataDir);
  return { database, writes: frameWrites(database) };
}

/** After a fault of the disk the next request begins with a new connection: what the old one believes is a guess. */
function release(): void {
  const closing = open;
  open = undefined;
  try {
    closing?.database.close();
  } catch {
    // It was of no use any more.
  }
}
