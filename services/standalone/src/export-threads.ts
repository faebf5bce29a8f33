import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { RowThreads } from "@meterbook/api/billing/csv/shard-rows";

/** It holds a page or two of records, and of rows. */
const heapMbMax = 256;

/** The API's own and one that takes readings in. */
const busyCores = 2;

/**
 * Threads that write exports of a data directory: one for each shard, and no more than there are cores to spare. Where
 * there are two cores, threads take more than they give: 266 000 rows/s instead of 326 000 (docs/figures.md).
 */
export function exportThreads(dataDir: string, shards: number): RowThreads {
  return {
    shards,
    threadsMax: Math.max(0, availableParallelism() - busyCores),
    start: () =>
      new Worker(new URL("./export-thread.ts", import.meta.url), {
        name: "export",
        workerData: { dataDir },
        resourceLimits: { maxOldGenerationSizeMb: heapMbMax },
      }),
  };
}
