import type { Clock } from "@meterbook/core/ports/clock";
import type { LogFrame } from "@meterbook/core/ports/readings-log";
import type { Progress, SeriesStore } from "@meterbook/core/ports/series-store";
import type { AggregatorOptions } from "./aggregator-options.ts";
import { type LowWater, lowWater } from "./low-water.ts";
import { type MeterBook, openMeterBook } from "./meter-book.ts";
import { type PendingMeters, pendingMeters } from "./pending-meters.ts";

/** What an aggregator remembers of a partition; all of it can be had again from the store and the log. */
export interface PartitionMemory {
  readonly book: MeterBook;
  readonly pending: PendingMeters;
  readonly water: LowWater;
  /** Whether all that is due by now is marked as pending; until then nobody can say that nothing waits. */
  isMarked: boolean;
  /** The next offset to take from the log. */
  readonly position: number;
  /** What is to be recorded now. */
  progress(over?: Partial<Progress>): Progress;
  /** Records it, where it is news. */
  record(): Promise<void>;
  /** Of frames from the log, hands those that are in the store already to `look`; answers the others. */
  readAgain(frames: readonly LogFrame[], look: (frames: readonly LogFrame[]) => void): readonly LogFrame[];
  /** The log holds nothing before this offset any more. */
  passOver(to: number): void;
  /** After a failure memory is a guess: begins again from the store. What waits waits on. */
  reopen(): Promise<void>;
}

export async function openPartitionMemory(
  series: SeriesStore,
  clock: Clock,
  { timeZone, settleSeconds }: Pick<AggregatorOptions, "timeZone" | "settleSeconds">,
): Promise<PartitionMemory> {
  const found = series.progress;
  const water = lowWater(found);
  const pending = pendingMeters(settleSeconds, () => clock.nowMs());
  let book = await openMeterBook(series, timeZone);
  // Frames from here to `found.position` are in the store, and read again for what they touched.
  let readAgainTo = found.issuedPosition;
  const isReadingAgain = () => readAgainTo < found.position;

  function progress(over: Partial<Progress> = {}): Progress {
    water.complete(pending.oldestTicket);
    const { issuedPosition, notes } = water;
    const waiting = pending.size + (isReadingAgain() || !memory.isMarked ? 1 : 0);
    return { ...series.progress, issuedPosition, notes, pending: waiting, ...over };
  }

  /** The log no longer holds what was to be read again: nobody knows what that had touched. */
  function touchAll(): void {
    for (const meter of book.all()) pending.gather(meter, 0);
    readAgainTo = found.position;
    water.reached(readAgainTo, pending.nextTicket);
  }

  const memory: PartitionMemory = {
    get book() {
      return book;
    },
    pending,
    water,
    isMarked: false,
    get position() {
      return isReadingAgain() ? readAgainTo : series.progress.position;
    },
    progress,
    async record() {
      const next = progress();
      const { issuedPosition, notes, pending: waiting } = series.progress;
      const isNews = next.issuedPosition !== issuedPosition || next.pending !== waiting || !isSame(next.notes, notes);
      if (isNews) await series.record(next);
    },
    readAgain(frames, look) {
      if (isReadingAgain() && (frames[0]?.offset ?? 0) > readAgainTo) touchAll();
      const again = frames.filter(({ offset }) => offset < found.position);
      const last = again.at(-1);
      if (last === undefined) return frames;
      look(again);
      readAgainTo = last.offset + 1;
      water.reached(readAgainTo, pending.nextTicket);
      return frames.slice(again.length);
    },
    passOver(to) {
      if (isReadingAgain() && to > readAgainTo) touchAll();
      water.reached(to, pending.nextTicket);
    },
    async reopen() {
      const records = [...book.all()].flatMap(({ record }) => record ?? []);
      const opened = await openMeterBook(series, timeZone);
      for (const record of records) opened.register(record);
      pending.moveTo(opened.meet);
      book = opened;
    },
  };
  return memory;
}

function isSame(a: Progress["notes"], b: Progress["notes"]): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
