import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { Clock } from "@meterbook/core/ports/clock";
import type { GroupSums } from "@meterbook/core/ports/group-sums";
import type { SeriesStore } from "@meterbook/core/ports/series-store";
import type { AggregatorOptions } from "../aggregator-options.ts";
import type { MeterState } from "../remember/meter-state.ts";
import type { Periodic } from "../watch/periodic.ts";
import { type ChangedDays, changedDays } from "./changed-days.ts";
import { groupWatch, type SummedPartition, usualSumming } from "./group-watch.ts";

export interface GroupPorts {
  readonly groups?: Pick<GroupSums, "open"> | undefined;
  readonly series: Pick<SeriesStore, "readMany" | "progress" | "behind" | "meters">;
  readonly clock: Clock;
  readonly partition: number;
  readonly ownerNo: number;
}

/** The summing of a partition: what is to be told of changes from now on, and its work once there are meters. */
export interface PartitionGroups {
  readonly days: ChangedDays | undefined;
  watch(memory: SummedMemory, queue: Pick<SummedPartition, "run">): Pick<Periodic, "close">;
}

interface SummedMemory {
  readonly knownMeters: { all(): Iterable<MeterState> };
}

/** Sums of which nobody knows how far they are, or of a store that was put back, are all made again. */
export async function openGroups(
  { groups, series, clock, partition, ownerNo }: GroupPorts,
  { timeZone, events, summing = usualSumming }: Pick<AggregatorOptions, "timeZone" | "events" | "summing">,
): Promise<PartitionGroups> {
  if (groups === undefined) return { days: undefined, watch: () => ({ close: () => Promise.resolve() }) };
  const calendar = localCalendar(timeZone);
  const writer = await groups.open(partition, ownerNo);
  const left = series.behind === undefined ? await writer.pending() : undefined;
  const pending = left ?? (await everyDay(series));
  if (left === undefined) await writer.changed(pending);
  const { newestAt } = series.progress;
  const times = { nowMs: () => clock.nowMs(), steadyMs: () => performance.now(), newestAt };
  const days = changedDays({ writer, calendar, ...times }, pending);
  return {
    days,
    watch: (memory, { run }) =>
      groupWatch({
        ...{ partition, writer, changed: days, calendar, series, clock, events, pace: summing, run },
        meters: () => memory.knownMeters.all(),
        readings: () => series.progress.counts.stored + series.progress.counts.duplicates,
      }),
  };
}

/** All days from the first reading on. */
async function everyDay(series: Pick<SeriesStore, "meters" | "progress">) {
  const { newestAt } = series.progress;
  let first = Number.POSITIVE_INFINITY;
  for await (const page of series.meters()) {
    for (const { channels } of page) {
      for (const { first: reading, stepSeconds } of channels) first = Math.min(first, reading.at - stepSeconds);
    }
  }
  return first > newestAt ? [] : [{ from: Math.max(0, first), to: newestAt }];
}
