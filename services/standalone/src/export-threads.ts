import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { RowThreads } from "@meterbook/api/billing/csv/shard-rows";

/** It holds a page or two of records, and of rows. */
const heapMbMax = 256;

/** Threads that write exports of a data directory: one for each shard, and no more than there are cores. */
export function exportThreads(dataDir: string, shards: number): RowThreads {
  return {
    shards,
    threadsMax: availableParallelism(),
    start: () =>
      new Worker(new URL("./export-thread.ts", import.meta.url), {
        name: "export",
        workerData: { dataDir },
        resourceLimits: { maxOldGenerationSizeMb: heapMbMax },
      }),
  };
}
