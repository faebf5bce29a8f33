import { Worker } from "node:worker_threads";
import type { FrameToWrite } from "../frames/report-batcher.ts";
import { appendError } from "./append-error.ts";
import type { WriterAnswer, WriterData, WriterRequest } from "./readings-log-thread.ts";

/** The caller's end of the writer thread, which starts with the first request. */
export interface ReadingsLogWriter {
  /** Resolves when all frames are on disk; rejects with an AdapterError when none is. */
  append(frames: readonly FrameToWrite[], atMs: number): Promise<void>;
  /** Answers how many frames were deleted; 0 = there is no more to delete. */
  trim(position: number, beforeMs: number): Promise<number>;
  /** After the requests before it. */
  close(): Promise<void>;
}

export function readingsLogWriter(data: WriterData): ReadingsLogWriter {
  const waiting: { resolve(answer: WriterAnswer): void }[] = [];
  let worker: Worker | undefined;

  function start(): Worker {
    const url = new URL("./readings-log-thread.ts", import.meta.url);
    const started = new Worker(url, { name: "readings-log", workerData: data });
    started.on("message", (answer: WriterAnswer) => waiting.shift()?.resolve(answer));
    started.on("error", (error) => lose(started, error.message));
    started.on("exit", () => lose(started, "the writer thread ended"));
    return started;
  }

  /** What it had not answered is not known to be on disk; the next request starts another. */
  function lose(lost: Worker, message: string): void {
    if (worker !== lost) return;
    worker = undefined;
    for (const request of waiting.splice(0)) request.resolve({ ok: false, message, errcode: undefined });
  }

  async function ask(request: WriterRequest, transfer: readonly ArrayBuffer[]): Promise<number> {
    worker ??= start();
    const { promise, resolve } = Promise.withResolvers<WriterAnswer>();
    waiting.push({ resolve });
    worker.postMessage(request, transfer);
    const answer = await promise;
    if (answer.ok) return answer.trimmed;
    throw appendError(Object.assign(new Error(answer.message), { errcode: answer.errcode }));
  }

  return {
    async append(frames, atMs) {
      const buffers = frames.map(({ bytes }) => bytes.buffer as ArrayBuffer);
      await ask({ kind: "append", frames, atMs }, buffers);
    },
    trim: (position, beforeMs) => ask({ kind: "trim", position, beforeMs }, []),
    async close() {
      const closing = worker;
      if (closing === undefined) return;
      const exited = new Promise<void>((resolve) => closing.once("exit", () => resolve()));
      closing.postMessage({ kind: "close" } satisfies WriterRequest);
      await exited;
    },
  };
}
