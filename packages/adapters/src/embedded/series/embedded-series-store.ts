import type { FoundDamage } from "@meterbook/core/domain/damage/damage";
import type { Clock } from "@meterbook/core/ports/clock";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type { Progress, SeriesChanges, SeriesStore, SeriesStores } from "@meterbook/core/ports/series-store";
import { storeWriteError } from "../database/append-error.ts";
import { shardDirectory } from "../database/shard-directory.ts";
import { conflictWrites } from "./conflict-table.ts";
import { dayReads } from "./days/day-reads.ts";
import { daySealer } from "./days/day-sealer.ts";
import { hotWrites } from "./days/hot-writes.ts";
import { meterDays } from "./days/meter-days.ts";
import { seriesReads } from "./embedded-series-reader.ts";
import { meterNumbers } from "./meter-numbers.ts";
import { seriesEars } from "./series-damage.ts";
import { openSeriesDatabase } from "./series-database.ts";
import { progressWrites } from "./series-progress.ts";
import { seriesRepair } from "./series-repair.ts";
import { findAll, lateWrites } from "./stored-readings.ts";

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
  const numbers = meterNumbers(database, tell);
  const { read, readMany } = seriesReads(database, tell, partition, numbers.find);
  const sealer = daySealer(database, clock);
  const progress = progressWrites(database, tell, partition);
  const met = (damage: FoundDamage) => damaged({ ...damage, foundAtMs: clock.nowMs() });
  const hot = hotWrites(database, sealer);
  const days = dayReads(database);
  const late = lateWrites({ days, hot, rewrites: meterDays(database), met });
  const conflicts = conflictWrites(database, numbers);

  function write(changes: SeriesChanges, next: Progress): void {
    numbers.meet(changes.met);
    hot.put(changes.newer);
    late.put(changes.late);
    numbers.earlier(changes.late);
    const repeated = changes.conflicts.length - conflicts.add(changes.conflicts);
    const { counts } = next;
    const counted = {
      ...counts,
      duplicates: counts.duplicates + repeated,
      conflicts: counts.conflicts - repeated,
    };
    progress.record({ ...next, counts: counted }, () => database.exec("COMMIT"));
  }

  return {
    read,
    readMany,
    get progress() {
      return progress.current();
    },
    get meterNoNext() {
      return numbers.next();
    },
    find: async (lookups) => findAll(days, lookups, met),
    async apply(changes, next) {
      try {
        database.exec("BEGIN IMMEDIATE");
        write(changes, next);
        numbers.commit();
      } catch (cause) {
        if (database.isTransaction) database.exec("ROLLBACK");
        numbers.undo();
        sealer.forget();
        throw storeWriteError(cause, database.location());
      }
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
    upkeep: async (budgetMs) => sealer.tidy(budgetMs),
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
