import type { LogFrame } from "@meterbook/core/ports/readings-log";
import type { Progress, SeriesStore } from "@meterbook/core/ports/series-store";
import { tallyFrames } from "@meterbook/sharding/tally";
import type { AggregatorOptions } from "../aggregator-options.ts";
import { applyBatch } from "../apply/apply-batch.ts";
import type { keepRefused } from "../apply/keep-refused.ts";
import type { ChangedDays, TouchedDays } from "../groups/changed-days.ts";
import type { PartitionMemory } from "./partition-memory.ts";

export interface Applying {
  readonly series: SeriesStore;
  readonly memory: PartitionMemory;
  readonly options: AggregatorOptions;
  readonly keep: ReturnType<typeof keepRefused>;
  /** What is to be summed again; absent where nobody sums. */
  readonly days?: Pick<ChangedDays, keyof TouchedDays | "note"> | undefined;
}

/** Takes frames that follow what the store has into it, all or none. */
export async function applyFrames(
  { series, memory, options, keep, days }: Applying,
  frames: readonly LogFrame[],
): Promise<void> {
  const { events, crashPoint, limits } = options;
  const { tally, fresh } = tallyFrames(series.progress.tally, frames);
  const started = performance.now();
  const unit = await series.begin();
  try {
    const result = await applyBatch(
      unit,
      { knownMeters: memory.knownMeters, limits },
      fresh,
      memory.pending,
      options,
      days,
    );
    await days?.note();
    await keep(result.refused);
    const position = (frames.at(-1)?.offset ?? -1) + 1;
    const { counts, newestAt } = series.progress;
    const notReached = memory.issuedUpTo.reached(position, memory.pending.nextQueueNumber);
    const refused = result.refused.reduce((total, { readings }) => total + readings, 0);
    const became = { counts: sum(counts, { ...result, refused }), newestAt: Math.max(newestAt, result.newestAt) };
    await unit.commit(memory.progress({ position, tally, ...became })).catch((error: unknown) => {
      notReached();
      throw error;
    });
    crashPoint("batch-committed");
    events.batchApplied({ ...result, refused, seconds: (performance.now() - started) / 1000 });
  } catch (error) {
    await unit.abandon();
    await memory.reopen();
    events.batchFailed({ error });
    throw error;
  }
}

function sum(counts: Progress["counts"], more: Progress["counts"]): Progress["counts"] {
  return {
    stored: counts.stored + more.stored,
    duplicates: counts.duplicates + more.duplicates,
    conflicts: counts.conflicts + more.conflicts,
    refused: counts.refused + more.refused,
  };
}
