import type { DatabaseSync } from "node:sqlite";
import type { FoundDamage } from "@meterbook/core/domain/damage/damage";
import type { Clock } from "@meterbook/core/ports/clock";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type { Progress, SeriesBatch, SeriesStore, SeriesStores } from "@meterbook/core/ports/series-store";
import { storeWriteError } from "../database/append-error.ts";
import { shardDirectory } from "../database/shard-directory.ts";
import { conflictWrites } from "./conflict-table.ts";
import { daySealer } from "./days/day-sealer.ts";
import { hotWrites } from "./days/hot-writes.ts";
import { type MeterDays, meterDays } from "./days/meter-days.ts";
import { type DayReads, dayReads, seriesReads } from "./embedded-series-reader.ts";
import { type MeterNumbers, meterNumbers } from "./meter-numbers.ts";
import { seriesEars } from "./series-damage.ts";
import { openSeriesDatabase } from "./series-database.ts";
import { progressWrites } from "./series-progress.ts";
import { seriesRepair } from "./series-repair.ts";
import { findAll, replaceIn } from "./stored-readings.ts";

export interface EmbeddedSeriesOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  /** Told of what is not as it was written, where the work goes on. */
  readonly damaged?: TellDamage;
}

/**
 * The series store of one machine, in `series.db` of each shard's folder. One writer per file; readers open
 * `openEmbeddedSeriesReader`. A batch is one transaction with its progress.
 */
export function openEmbeddedSeriesStores(options: EmbeddedSeriesOptions): SeriesStores {
  return {
    open: async (partition) => openStore(options, partition),
    close: async () => undefined,
  };
}

function openStore(
  { dataDir, clock, damaged = () => undefined }: EmbeddedSeriesOptions,
  partition: number,
): SeriesStore {
  const database = openSeriesDatabase(shardDirectory(dataDir, partition));
  const tell = seriesEars({ tell: damaged, nowMs: () => clock.nowMs() }, partition);
  const { read, readMany } = seriesReads(database, tell);
  const numbers = meterNumbers(database, tell);
  const sealer = daySealer(database, clock);
  const progress = progressWrites(database, tell, partition);
  const met = (damage: FoundDamage) => damaged({ ...damage, foundAtMs: clock.nowMs() });
  // Prepared once, and not with each batch.
  const parts: Parts = {
    database,
    numbers,
    sealer,
    progress,
    met,
    hot: hotWrites(database, sealer),
    days: dayReads(database),
    rewrites: meterDays(database),
    conflicts: conflictWrites(database, numbers),
  };

  return {
    read,
    readMany,
    get progress() {
      return progress.current();
    },
    begin: async () => {
      database.exec("BEGIN IMMEDIATE");
      numbers.begin();
      return seriesBatch(parts);
    },
    async *meters() {
      yield* numbers.known();
    },
    record: async (next) => {
      try {
        progress.record(next);
      } catch (cause) {
        throw storeWriteError(cause, database.location());
      }
    },
    tidy: async (budgetMs) => sealer.tidy(budgetMs),
    // The file is open: what is put in its place is seen at the next start, by the data directory's own marks.
    behind: undefined,
    repair: seriesRepair(database, sealer, tell),
    check: async () => "sound",
    close: async () => {
      if (!database.isOpen) return;
      if (database.isTransaction) database.exec("ROLLBACK");
      database.close();
    },
  };
}

interface Parts {
  readonly database: DatabaseSync;
  readonly numbers: MeterNumbers;
  readonly sealer: ReturnType<typeof daySealer>;
  readonly progress: ReturnType<typeof progressWrites>;
  readonly met: (damage: FoundDamage) => void;
  readonly hot: ReturnType<typeof hotWrites>;
  readonly days: DayReads;
  readonly rewrites: MeterDays;
  readonly conflicts: ReturnType<typeof conflictWrites>;
}

function seriesBatch({ database, numbers, sealer, progress, met, hot, days, rewrites, conflicts }: Parts): SeriesBatch {
  async function guarded<Answer>(work: () => Answer): Promise<Answer> {
    try {
      return work();
    } catch (cause) {
      throw storeWriteError(cause, database.location());
    }
  }

  return {
    meet: (meters) => guarded(() => numbers.meet(meters)),
    put: (writes) => guarded(() => hot.put(writes)),
    find: (lookups) => guarded(() => findAll(days, lookups, met)),
    insert: (writes) =>
      guarded(() => {
        hot.put(writes);
        numbers.earlier(writes);
      }),
    replace: (writes) =>
      guarded(() => {
        for (const write of writes) replaceIn(days, rewrites, write);
      }),
    conflicts: (found) => guarded(() => conflicts.add(found)),
    commit: (next: Progress) =>
      guarded(() => {
        progress.record(next, () => database.exec("COMMIT"));
        numbers.commit();
      }),
    abandon: async () => {
      if (database.isTransaction) database.exec("ROLLBACK");
      numbers.undo();
      sealer.forget();
    },
  };
}
