import type { Clock } from "@meterbook/core/ports/clock";
import type { Progress, SeriesStore } from "@meterbook/core/ports/series-store";
import type { AggregatorOptions } from "../aggregator-options.ts";
import { type IssuedUpTo, trackIssued } from "../issue/issued-up-to.ts";
import { type LogTime, logTime } from "../issue/log-time.ts";
import { type PendingMeters, pendingMeters } from "../issue/pending-meters.ts";
import { type KnownMeters, openKnownMeters } from "../remember/known-meters.ts";
import { appendTime } from "./append-time.ts";

/** Whether a barrier has said that somebody believed a clock (time-witnesses.ts). */
export interface BelievedClock {
  readonly isThere: boolean;
  /** When the first barrier was appended; undefined before. */
  readonly logBeganMs: number | undefined;
  /** A barrier was appended, by a believed clock or not. */
  note(appendedAtMs: number, isBelieved: boolean): void;
}

/** What an aggregator remembers of a partition; all of it can be had again from the store and the log. */
export interface PartitionMemory {
  readonly knownMeters: KnownMeters;
  readonly pending: PendingMeters;
  readonly issuedUpTo: IssuedUpTo;
  readonly time: LogTime;
  /** The next offset to take from the log. */
  readonly position: number;
  readonly believed: BelievedClock;
  /** Whether records of the log are taken again that the store has already. */
  readonly isReadingAgain: boolean;
  /** What is to be recorded now. */
  progress(over?: Partial<Progress>): Progress;
  /** Records it, where it is news. */
  record(): Promise<void>;
  /** Whether what a barrier at this offset issues is issued already. */
  isCarriedOut(offset: number): boolean;
  /** A record was taken that the store has already. */
  tookAgain(offset: number): void;
  /** All that the barrier at this offset issues is issued. */
  carriedOut(offset: number): Promise<void>;
  /**
   * Frames that should be read again are no longer in the log. Their meters wait, because it is not known which ones
   * they changed.
   */
  missed(first: number): void;
  /** The log holds nothing before this offset any more. */
  passOver(to: number): void;
  /** After a failure memory is a guess: begins again from the store. What waits waits on. */
  reopen(): Promise<void>;
}

/**
 * In the partition's notes: log time, how far barriers are carried out, when the first was appended, and whether a
 * clock was believed.
 */
const [timeNote, carried, beganNote, believedNote] = ["time", "carried", "began", "believed"];

/** @param waitsBesides what waits to be recomputed and is no meter that waits yet */
export async function openPartitionMemory(
  series: SeriesStore,
  clock: Clock,
  options: Pick<AggregatorOptions, "timeZone" | "settleSeconds" | "rules" | "witnesses">,
  waitsBesides: () => number,
): Promise<PartitionMemory> {
  const { timeZone, settleSeconds, rules, witnesses } = options;
  const found = series.progress;
  const issuedUpTo = trackIssued(found);
  const time = logTime(found.notes[timeNote] ?? 0);
  let carriedTo = found.notes[carried] ?? 0;
  const pending = pendingMeters(settleSeconds, () => time.ms, appendTime(clock, witnesses));
  let knownMeters = await openKnownMeters(series, timeZone, rules);
  // Records from here to `found.position` are in the store, and read again for what they changed.
  let readAgainTo = found.issuedPosition;
  const isReadingAgain = () => readAgainTo < found.position;

  const notesNow = sameNotes();

  function progress(over: Partial<Progress> = {}): Progress {
    issuedUpTo.complete(pending.oldestQueueNumber);
    const { issuedPosition } = issuedUpTo;
    const notes = notesNow(issuedUpTo.notes, carriedTo);
    const waiting = pending.size + waitsBesides() + (isReadingAgain() ? 1 : 0);
    return { ...series.progress, issuedPosition, notes, pending: waiting, ...over };
  }

  /** The log no longer holds what was to be read again: nobody knows what that had changed. */
  function gatherAll(): void {
    const by = { offset: found.position - 1, appendedAtMs: clock.nowMs() };
    for (const meter of knownMeters.all()) pending.gather(meter, 0, by);
    readAgainTo = found.position;
    issuedUpTo.reached(readAgainTo, pending.nextQueueNumber);
  }

  const memory: PartitionMemory = {
    get knownMeters() {
      return knownMeters;
    },
    pending,
    issuedUpTo,
    time,
    believed: believedClock(issuedUpTo, pending),
    get isReadingAgain() {
      return isReadingAgain();
    },
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
    isCarriedOut: (offset) => offset < carriedTo,
    tookAgain(offset) {
      readAgainTo = offset + 1;
      issuedUpTo.reached(readAgainTo, pending.nextQueueNumber);
    },
    async carriedOut(offset) {
      carriedTo = Math.max(carriedTo, offset + 1);
      if (isReadingAgain()) {
        memory.tookAgain(offset);
        issuedUpTo.noted(timeNote, time.ms, pending.nextQueueNumber);
        return;
      }
      // The time that is noted is that of the last barrier before the position, so both are taken back.
      const notReached = issuedUpTo.reached(offset + 1, pending.nextQueueNumber);
      issuedUpTo.noted(timeNote, time.ms, pending.nextQueueNumber);
      await series.record(progress({ position: offset + 1 })).catch((error: unknown) => {
        notReached();
        throw error;
      });
    },
    missed(first) {
      if (isReadingAgain() && first > readAgainTo) gatherAll();
    },
    passOver(to) {
      if (isReadingAgain() && to > readAgainTo) gatherAll();
      issuedUpTo.reached(to, pending.nextQueueNumber);
    },
    async reopen() {
      const opened = openedAgain(knownMeters, await openKnownMeters(series, timeZone, rules));
      pending.moveTo(opened.meet);
      knownMeters = opened;
    },
  };
  return memory;
}

/** The same object as long as nothing has changed, so that what is recorded already is told without comparing. */
function sameNotes(): (complete: Progress["notes"], carriedTo: number) => Progress["notes"] {
  let [of, notes]: [Progress["notes"], Progress["notes"]] = [{}, {}];
  return (complete, carriedTo) => {
    if (complete !== of || notes[carried] !== carriedTo) {
      of = complete;
      notes = { ...complete, [carried]: carriedTo };
    }
    return notes;
  };
}

function believedClock(issuedUpTo: IssuedUpTo, pending: PendingMeters): BelievedClock {
  let logBeganMs: number | undefined = issuedUpTo.notes[beganNote];
  let isThere = issuedUpTo.notes[believedNote] !== undefined;
  return {
    get isThere() {
      return isThere;
    },
    get logBeganMs() {
      return logBeganMs;
    },
    note(appendedAtMs, isBelieved) {
      if (logBeganMs === undefined) {
        logBeganMs = appendedAtMs;
        issuedUpTo.noted(beganNote, appendedAtMs, pending.nextQueueNumber);
      }
      if (!isBelieved || isThere) return;
      isThere = true;
      issuedUpTo.noted(believedNote, 1, pending.nextQueueNumber);
    },
  };
}

/** Master data are known, and what counts of them: the store does not have them. */
function openedAgain(knownMeters: KnownMeters, opened: KnownMeters): KnownMeters {
  for (const { meterId, record, recordDamaged } of knownMeters.all()) {
    if (record !== undefined) opened.register(record);
    if (recordDamaged) opened.registerDamaged(meterId);
  }
  for (const meterId of knownMeters.announced) opened.announce(meterId);
  return opened;
}

function isSame(a: Progress["notes"], b: Progress["notes"]): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
