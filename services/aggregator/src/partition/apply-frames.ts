import type { LogFrame } from "@meterbook/core/ports/readings-log";
import type { SeriesStore } from "@meterbook/core/ports/series-store";
import { tallyFrames } from "@meterbook/sharding/tally";
import type { AggregatorOptions } from "../aggregator-options.ts";
import { decideChanges } from "../apply/decide-changes.ts";
import type { keepRefused } from "../apply/keep-refused.ts";
import type { ChangedDays, MarkedDays } from "../groups/changed-days.ts";
import type { PartitionMemory } from "./partition-memory.ts";

export interface Applying {
  readonly series: SeriesStore;
  readonly memory: PartitionMemory;
  readonly options: AggregatorOptions;
  readonly keep: ReturnType<typeof keepRefused>;
  /** What is to be summed again; absent where nobody sums. */
  readonly days?: Pick<ChangedDays, keyof MarkedDays | "note"> | undefined;
}

/** Takes frames that follow what the store has into it, all or none. */
export async function applyFrames(
  { series, memory, options, keep, days }: Applying,
  frames: readonly LogFrame[],
): Promise<void> {
  const { events, crashPoint, limits, damaged } = options;
  const { tally, fresh } = tallyFrames(series.progress.tally, frames);
  const { counts: before, newestAt } = series.progress;
  const started = performance.now();
  try {
    const decided = await decideChanges(
      series,
      { knownMeters: memory.knownMeters, limits },
      fresh,
      { waiting: memory.pending, days },
      damaged,
    );
    await days?.note();
    await keep(decided.refused);
    crashPoint("batch-decided");
    const position = (frames.at(-1)?.offset ?? -1) + 1;
    const counts = {
      stored: before.stored + decided.stored,
      duplicates: before.duplicates + decided.duplicates,
      conflicts: before.conflicts + decided.changes.conflicts.length,
      refused: before.refused + decided.refused.reduce((total, { readings }) => total + readings, 0),
    };
    const notReached = memory.issuedUpTo.reached(position, memory.pending.nextQueueNumber);
    const became = { position, tally, counts, newestAt: Math.max(newestAt, decided.newestAt) };
    await series.apply(decided.changes, memory.progress(became)).catch((error: unknown) => {
      notReached();
      throw error;
    });
    crashPoint("batch-committed");
    const { readings, late, unknown } = decided;
    const seconds = (performance.now() - started) / 1000;
    // As the store has counted them in the end.
    events.batchApplied({ readings, late, unknown, ...since(before, series.progress.counts), seconds });
  } catch (error) {
    await memory.reopen();
    events.batchFailed({ error });
    throw error;
  }
}

type Counts = SeriesStore["progress"]["counts"];

function since(before: Counts, now: Counts): Counts {
  return {
    stored: now.stored - before.stored,
    duplicates: now.duplicates - before.duplicates,
    conflicts: now.conflicts - before.conflicts,
    refused: now.refused - before.refused,
  };
}
