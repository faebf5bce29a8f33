import type { MeterGaps } from "@meterbook/core/domain/gap/meter-gaps";
import type { Clock } from "@meterbook/core/ports/clock";
import type { GapLog } from "@meterbook/core/ports/gap-log";
import type { ReadingsLog } from "@meterbook/core/ports/readings-log";
import type { SeriesStore } from "@meterbook/core/ports/series-store";
import type { AggregatorOptions } from "../aggregator-options.ts";
import type { KnownMeters } from "../remember/known-meters.ts";
import type { MeterState } from "../remember/meter-state.ts";
import { type Periodic, periodic } from "../watch/periodic.ts";
import type { TaskQueue } from "../watch/task-queue.ts";
import { askingBudget, chooseAskings } from "./choose-askings.ts";
import { examineMeters } from "./examine-meters.ts";
import { countsOf, type GapMemory, gapMemory, isNews, openIn } from "./gap-memory.ts";
import { isReadInTurn, suspicionOf } from "./suspect-meter.ts";

/** What a look needs to know of the partition's memory. */
interface WatchedMemory {
  readonly knownMeters: Pick<KnownMeters, "all" | "find">;
  /** The next offset to take from the log. */
  readonly position: number;
  readonly isReadingAgain: boolean;
}

export interface WatchedPartition {
  readonly gaps?: Pick<GapLog, "put" | "follow">;
  readonly series: Pick<SeriesStore, "readMany" | "progress">;
  readonly log: Pick<ReadingsLog, "ends">;
  readonly work: { readonly memory: WatchedMemory };
  readonly queue: TaskQueue;
  readonly clock: Clock;
  readonly partition: number;
  readonly partitions: number;
  readonly wants: (meterId: string) => boolean;
}

/** A reading that is due may be on its way for so long. */
const waySeconds = 600;
/** A look holds up the next batch for no longer, in milliseconds. */
const sliceMs = 10;
/** Meters that are read together, and at one look. What is more waits for the next. */
const readTogetherMax = 4;
const examinedMax = 2000;
/** Of meters of which memory cannot tell what is missing so many are read at each look, all of them in turn. */
const readInTurn = 20;
const recordsPerPut = 500;

/** Keeps the gap log of a partition: finds what is missing beside all other work, and orders that meters are asked. */
export function gapWatch(parts: WatchedPartition, { gaps: rules, events }: AggregatorOptions): Pick<Periodic, "close"> {
  const { gaps: log, work, queue, clock, partition } = parts;
  if (log === undefined || rules === undefined) return { close: () => Promise.resolve() };
  const { silentSeconds, ...asking } = rules;
  const memory = gapMemory(parts.wants);
  const suspects = suspectMeters(parts, memory);
  const budget = askingBudget(rules.asksPerSecond / parts.partitions, rules.lookMs);
  const isClosed = () => watch.isClosed();

  /** What is known now of those of the meters of which something has changed. */
  async function examine(meters: readonly MeterState[], dueAt: number, nowMs: number): Promise<MeterGaps[]> {
    const changed: MeterGaps[] = [];
    const read = { series: parts.series, dueAt, silentSeconds, nowMs };
    for (let from = 0; from < meters.length && !isClosed(); from += readTogetherMax) {
      const some = meters.slice(from, from + readTogetherMax);
      const found = await queue.run(() => examineMeters(some, (meterId) => memory.known.get(meterId), read));
      changed.push(...found.filter((one) => isNews(memory.known.get(one.meterId), one)));
    }
    return changed;
  }

  async function look(into: Pick<GapLog, "put" | "follow">): Promise<void> {
    if (work.memory.isReadingAgain) return;
    await memory.load(into);
    const nowMs = clock.nowMs();
    const dueAt = (await takenInUpTo(parts, nowMs / 1000)) - waySeconds;
    const suspected = [...(await suspects(dueAt, silentSeconds, isClosed))];
    const meters = suspected.map(([meter]) => meter);
    const examined = await examine(meters, dueAt, nowMs);
    if (isClosed()) return;
    const changed = new Map(examined.map((one) => [one.meterId, one]));
    const all = new Map([...memory.known, ...changed]).values();
    const meterOf = (meterId: string) => work.memory.knownMeters.find(meterId);
    const chosen = await chooseAskings(all, meterOf, asking, { nowMs, askedMax: budget.room(nowMs) });
    for (const one of chosen) changed.set(one.meterId, one);
    const counts = { ...countsOf(memory, [...changed.values()], nowMs), reports: missedReports(meters) };
    // What comes meanwhile is missed anew.
    for (const meter of meters) meter.numbers = { ...meter.numbers, missed: undefined };
    await put(into, [...changed.values()]);
    budget.spend(counts.asked);
    memory.take(changed);
    memory.wereRead(suspected);
    events.gapsLooked({ partition, ...openIn(memory.known.values()), ...counts });
  }

  const watch = periodic(rules.lookMs, () =>
    look(log).catch((error: unknown) => {
      if (!isClosed()) events.housekeepingFailed({ error });
    }),
  );
  return {
    async close() {
      await watch.close();
      events.gapsLeft({ partition });
    },
  };
}

function missedReports(meters: readonly MeterState[]): number {
  return meters.reduce((sum, { numbers }) => sum + (numbers.missed?.missing ?? 0), 0);
}

/** Meters of which something else seems to be missing than when they were read, and some in turn. */
function suspectMeters({ work, queue }: Pick<WatchedPartition, "work" | "queue">, memory: GapMemory) {
  const inTurn = metersInTurn();
  return async (dueAt: number, silentSeconds: number, isClosed: () => boolean): Promise<Map<MeterState, string>> => {
    const found = new Map<MeterState, string>();
    const meters = work.memory.knownMeters.all();
    let isDone = false;
    while (!isDone && found.size < examinedMax && !isClosed()) {
      isDone = await queue.run(async () => {
        const until = performance.now() + sliceMs;
        for (let next = meters.next(); next.done !== true; next = meters.next()) {
          const suspicion = suspicionOf(next.value, dueAt, silentSeconds);
          const isChanged = suspicion !== undefined && memory.isChanged(next.value.meterId, suspicion);
          if (isChanged) found.set(next.value, suspicion);
          if (performance.now() >= until || found.size >= examinedMax) return false;
        }
        return true;
      });
    }
    for (const meter of inTurn(() => work.memory.knownMeters.all(), readInTurn))
      if (!found.has(meter)) found.set(meter, suspicionOf(meter, dueAt, silentSeconds) ?? "");
    return found;
  };
}

async function put(into: Pick<GapLog, "put">, records: readonly MeterGaps[]): Promise<void> {
  for (let from = 0; from < records.length; from += recordsPerPut)
    await into.put(records.slice(from, from + recordsPerPut));
}

/** Up to when all that has come is in the store, seconds: what waits in the log is not missing. */
async function takenInUpTo({ log, work, series, partition }: WatchedPartition, now: number): Promise<number> {
  const end = (await log.ends()).get(partition) ?? 0;
  return work.memory.position >= end ? now : Math.min(now, series.progress.newestAt);
}

/** Some at each call, and all of them in turn. */
function metersInTurn() {
  let meters: Iterator<MeterState> | undefined;
  return (all: () => Iterator<MeterState>, max: number): readonly MeterState[] => {
    const found: MeterState[] = [];
    meters ??= all();
    // A round, and no more: there may be fewer than so many.
    while (found.length < max && meters !== undefined) {
      const next: IteratorResult<MeterState> = meters.next();
      if (next.done === true) meters = undefined;
      else if (isReadInTurn(next.value)) found.push(next.value);
    }
    return found;
  };
}
