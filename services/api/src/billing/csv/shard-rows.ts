import type { Worker } from "node:worker_threads";

/** What a thread is asked for: rows of the export, of the next meters of a shard of the ledger. */
export interface RowsRequest {
  readonly shard: number;
  readonly period: number;
  readonly afterMeterId: string;
  readonly metersMax: number;
}

/** The meters in order, and where in `bytes` the rows of each end. Without rows it is one that has none. */
export interface RowsAnswer {
  readonly shard: number;
  readonly meterIds: readonly string[];
  readonly ends: readonly number[];
  readonly bytes: Uint8Array;
  /** Whether the shard has no more behind them. */
  readonly isLast: boolean;
  /** Meters whose record cannot be read, and so is not in the rows. */
  readonly leftOut: readonly string[];
}

/** Threads that read the ledger by themselves and write rows of exports: a process gives them to its API. */
export interface RowThreads {
  /** Of the ledger. */
  readonly shards: number;
  /** How many may run at a time, over all exports. */
  readonly threadsMax: number;
  /** Starts one that does as `answerRows` does. */
  start(): Worker;
}

/** One of them, at work for an export. */
export interface RowThread {
  /** Whether it has started and is there; one that cannot start never is. */
  isReady(): boolean;
  /** One request of a shard at a time. */
  ask(request: RowsRequest): Promise<RowsAnswer>;
  /** After what it is at; resolves once it is gone. */
  end(): Promise<void>;
}

export function rowThread(worker: Worker): RowThread {
  const waiting = new Map<number, PromiseWithResolvers<RowsAnswer>>();
  const gone = Promise.withResolvers<void>();
  let fault: Error | undefined;
  let isStarted = false;
  function fail(error: unknown): void {
    fault ??= error instanceof Error ? error : new Error(String(error));
    for (const { reject } of waiting.values()) reject(fault);
    waiting.clear();
  }
  worker.on("message", (answer: RowsAnswer | null) => {
    isStarted = true;
    if (answer === null) return;
    waiting.get(answer.shard)?.resolve(answer);
    waiting.delete(answer.shard);
  });
  worker.on("error", fail);
  worker.on("exit", () => {
    fail("a thread that writes rows of an export has ended");
    gone.resolve();
  });
  return {
    isReady: () => isStarted && fault === undefined,
    async ask(request) {
      if (fault !== undefined) throw fault;
      const answer = Promise.withResolvers<RowsAnswer>();
      waiting.set(request.shard, answer);
      worker.postMessage(request);
      return answer.promise;
    },
    end() {
      worker.postMessage(null);
      return gone.promise;
    },
  };
}
