import { Worker } from "node:worker_threads";
import { appendError } from "./append-error.ts";

/** What a writer thread answers, one per request and in order. `errcode` is SQLite's. */
export type WriterAnswer<Result> =
  | { readonly ok: true; readonly result: Result }
  | { readonly ok: false; readonly message: string; readonly errcode: number | undefined };

/**
 * The caller's end of a thread that writes a file, so that a slow fsync delays nobody else. It starts with the first
 * request.
 */
export interface WriterThread<Request> {
  /** Rejects with an AdapterError where nothing was written. */
  ask<Result>(request: Request, transfer?: readonly ArrayBuffer[]): Promise<Result>;
  /** After the requests before it. */
  close(): Promise<void>;
}

export function writerThread<Request>(
  module: URL,
  { name, data }: { readonly name: string; readonly data: { readonly dataDir: string } },
): WriterThread<Request | { readonly kind: "close" }> {
  const waiting: { resolve(answer: WriterAnswer<unknown>): void }[] = [];
  let worker: Worker | undefined;

  function start(): Worker {
    const started = new Worker(module, { name, workerData: data });
    started.on("message", (answer: WriterAnswer<unknown>) => waiting.shift()?.resolve(answer));
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

  return {
    async ask<Result>(request: Request | { readonly kind: "close" }, transfer: readonly ArrayBuffer[] = []) {
      worker ??= start();
      const { promise, resolve } = Promise.withResolvers<WriterAnswer<unknown>>();
      waiting.push({ resolve });
      worker.postMessage(request, transfer);
      const answer = await promise;
      if (answer.ok) return answer.result as Result;
      throw appendError(Object.assign(new Error(answer.message), { errcode: answer.errcode }), data.dataDir);
    },
    async close() {
      const closing = worker;
      if (closing === undefined) return;
      const exited = new Promise<void>((resolve) => closing.once("exit", () => resolve()));
      closing.postMessage({ kind: "close" });
      await exited;
    },
  };
}
