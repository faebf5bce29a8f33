import { Worker } from "node:worker_threads";
import type { Chunk } from "./chunk.ts";
import type { TableAnswer, TableOrder, TableRequest } from "./table-messages.ts";

/** It holds a row group at most. */
const heapMbMax = 512;

/**
 * The chunks of a CSV as a file of another format, made by a thread of its own while the next chunk is read. Nothing
 * starts before the first chunk is there: until then a failure can be told as one.
 */
export async function* tableChunks(order: TableOrder, csv: AsyncIterable<Chunk>): AsyncGenerator<Chunk> {
  let thread: TableThread | undefined;
  let pending: { readonly answer: Promise<Uint8Array>; readonly rows: number } | undefined;
  try {
    for await (const { bytes, rows } of csv) {
      if (pending !== undefined) yield { bytes: Buffer.from(await pending.answer), rows: pending.rows };
      thread ??= tableThread(order);
      const answer = thread.ask({ csv: bytes });
      // It may fail while the next chunk is read, when nobody waits for it yet: it is told when it is asked for.
      answer.catch(() => undefined);
      pending = { answer, rows };
    }
    if (pending === undefined || thread === undefined) return;
    yield { bytes: Buffer.from(await pending.answer), rows: pending.rows };
    yield { bytes: Buffer.from(await thread.ask({})), rows: 0 };
  } finally {
    await thread?.end();
  }
}

interface TableThread {
  ask(request: TableRequest): Promise<Uint8Array>;
  end(): Promise<unknown>;
}

function tableThread(order: TableOrder): TableThread {
  const url = new URL("./table-thread.ts", import.meta.url);
  const resourceLimits = { maxOldGenerationSizeMb: heapMbMax };
  const worker = new Worker(url, { name: "table", workerData: order, resourceLimits });
  let waiting: PromiseWithResolvers<Uint8Array> | undefined;
  let fault: Error | undefined;
  function fail(error: unknown): void {
    fault ??= error instanceof Error ? error : new Error(String(error));
    waiting?.reject(fault);
  }
  worker.on("message", ({ bytes }: TableAnswer) => waiting?.resolve(bytes));
  worker.on("error", fail);
  worker.on("exit", () => fail("the thread that makes the table has ended"));
  return {
    async ask(request) {
      if (fault !== undefined) throw fault;
      waiting = Promise.withResolvers();
      worker.postMessage(request);
      return waiting.promise;
    },
    end: () => worker.terminate(),
  };
}
