import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "@meterbook/core/ports/clock";
import { inTransaction } from "../../../sqlite-views/file/in-transaction.ts";
import { storeWriteError } from "../../database/append-error.ts";
import { daySeconds, meterNoMax } from "../series-database.ts";
import { meterDays } from "./meter-days.ts";
import { epoch } from "./reading-block.ts";

/** A day is sealed when it ended this long ago: meters that report once a day have done so. */
const sealAfterSeconds = 6 * 3600;
/** And when nothing was written to it for this long, so that a backfill seals each day once. */
const quietMs = 5_000;
/** So many days may be hot at once (a backfill of years); beyond, the longest quiet is sealed all the same. */
const hotDaysMax = 48;
const metersPerSlice = 400;

interface Progress {
  readonly day: number;
  readonly nextMeter: number;
  readonly lastMeter: number;
  /** When the day was last written to as its sealing began. */
  readonly wroteAtMs: number | undefined;
}

/** Seals finished days slice by slice between batches, so that no batch waits longer than one slice. */
export function daySealer(database: DatabaseSync, clock: Clock) {
  const lastMeter = database.prepare("SELECT max(no) AS no FROM meter WHERE no <= ?");
  const days = meterDays(database);
  const wroteAtMs = new Map<number, number>();
  let progress: Progress | undefined;
  forget();

  /** Forgets what a rolled-back transaction may have said; the file tells the hot days. */
  function forget(): void {
    wroteAtMs.clear();
    for (const { day } of database.prepare("SELECT day FROM hot_day").all()) wroteAtMs.set(day as number, 0);
  }

  function isOver(day: number): boolean {
    return epoch + (day + 1) * daySeconds + sealAfterSeconds <= clock.nowMs() / 1000;
  }

  /** The day to seal next: over and quiet, or, when too many are hot, over and the longest quiet. */
  function due(): number | undefined {
    let longestQuiet: number | undefined;
    for (const [day, wrote] of wroteAtMs) {
      if (!isOver(day)) continue;
      if (clock.nowMs() - wrote >= quietMs) return day;
      if (wrote < (wroteAtMs.get(longestQuiet ?? -1) ?? Number.POSITIVE_INFINITY)) longestQuiet = day;
    }
    return wroteAtMs.size > hotDaysMax ? longestQuiet : undefined;
  }

  function begin(day: number): Progress {
    const meters = Number(lastMeter.get(meterNoMax)?.["no"] ?? -1);
    return { day, nextMeter: 0, lastMeter: meters, wroteAtMs: wroteAtMs.get(day) };
  }

  /** Seals some meters of the day in hand; answers false when no day is due. */
  function sealSlice(): boolean {
    if (progress === undefined) {
      const day = due();
      if (day === undefined) return false;
      progress = begin(day);
    }
    const { day, nextMeter } = progress;
    const last = nextMeter + metersPerSlice > progress.lastMeter;
    // Written to meanwhile: the day stays hot and has its turn again.
    const finished = last && wroteAtMs.get(day) === progress.wroteAtMs;
    try {
      inTransaction(database, () => days.seal(day, nextMeter, metersPerSlice));
    } catch (cause) {
      throw storeWriteError(cause, database.location());
    }
    // A day with damage has blocks that stay hot, because reads of the day must still find them. It is not tried again
    // before the next start.
    if (finished) wroteAtMs.delete(day);
    progress = last ? undefined : { ...progress, nextMeter: nextMeter + metersPerSlice };
    return true;
  }

  return {
    forget,
    wrote(day: number): void {
      wroteAtMs.set(day, clock.nowMs());
    },
    tidy(budgetMs: number): boolean {
      const until = performance.now() + budgetMs;
      while (sealSlice()) if (performance.now() >= until) return true;
      return false;
    },
  };
}
