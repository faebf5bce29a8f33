import type { DatabaseSync } from "node:sqlite";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { Clock } from "@meterbook/core/ports/clock";
import type {
  BatchOutcome,
  Conflict,
  PendingMeter,
  SeriesBatch,
  SeriesStore,
} from "@meterbook/core/ports/series-store";
import { daySealer } from "./day-sealer.ts";
import { dayReads, seriesReads } from "./embedded-series-reader.ts";
import { hotWrites } from "./hot-writes.ts";
import { meterDays } from "./meter-days.ts";
import { type MeterRoll, meterRoll } from "./meter-roll.ts";
import { openSeriesDatabase } from "./series-database.ts";
import { findAll, replaceIn } from "./stored-readings.ts";

/**
 * The series store of one machine, in `<dataDir>/series.db`. One writer per file; readers open
 * `openEmbeddedSeriesReader`. A batch is one transaction with its log position and counts.
 */
export function openEmbeddedSeriesStore(options: { dataDir: string; clock: Clock }): SeriesStore {
  const database = openSeriesDatabase(options.dataDir);
  const reads = seriesReads(database);
  const roll = meterRoll(database);
  const notes = noteWrites(database);
  const sealer = daySealer(database, options.clock);
  const pending = pendingWrites(database);

  return {
    ...reads,
    begin: async () => {
      database.exec("BEGIN IMMEDIATE");
      roll.begin();
      return seriesBatch({ database, roll, notes, sealer, pending });
    },
    async *meters() {
      yield* roll.known();
    },
    pending: async () => pending.list(),
    note: async (name) => notes.get(name),
    settled: async (meterIds) => inTransaction(database, () => pending.drop(meterIds)),
    markPending: async (meters, note) =>
      inTransaction(database, () => {
        pending.add(meters);
        if (note !== undefined) notes.set(note.name, note.value);
      }),
    tidy: async (budgetMs) => sealer.tidy(budgetMs),
    close: async () => {
      if (database.isTransaction) database.exec("ROLLBACK");
      database.close();
    },
  };
}

interface Parts {
  readonly database: DatabaseSync;
  readonly roll: MeterRoll;
  readonly notes: ReturnType<typeof noteWrites>;
  readonly sealer: ReturnType<typeof daySealer>;
  readonly pending: ReturnType<typeof pendingWrites>;
}

function seriesBatch({ database, roll, notes, sealer, pending }: Parts): SeriesBatch {
  const hot = hotWrites(database, sealer);
  const days = dayReads(database);
  const rewrites = meterDays(database);
  const conflicts = conflictWrites(database, roll);

  async function guarded<Answer>(work: () => Answer): Promise<Answer> {
    try {
      return work();
    } catch (cause) {
      throw new AdapterError("store_write_failed", { retryable: true, cause });
    }
  }

  return {
    meet: (meters) => guarded(() => roll.meet(meters)),
    put: (writes) => guarded(() => hot.put(writes)),
    find: (lookups) => guarded(() => findAll(days, lookups)),
    insert: (writes) =>
      guarded(() => {
        hot.put(writes);
        roll.earlier(writes);
      }),
    replace: (writes) =>
      guarded(() => {
        for (const write of writes) replaceIn(days, rewrites, write);
      }),
    conflicts: (found) => guarded(() => conflicts.add(found)),
    commit: (outcome) =>
      guarded(() => {
        notes.add(outcome);
        pending.add(outcome.pending);
        database.exec("COMMIT");
        roll.commit();
      }),
    abandon: async () => {
      if (database.isTransaction) database.exec("ROLLBACK");
      roll.undo();
      sealer.forget();
    },
  };
}

function inTransaction(database: DatabaseSync, work: () => void): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    work();
    database.exec("COMMIT");
  } catch (cause) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw new AdapterError("store_write_failed", { retryable: true, cause });
  }
}

function noteWrites(database: DatabaseSync) {
  const set = database.prepare(
    "INSERT INTO note (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
  );
  const add = database.prepare(
    "INSERT INTO note (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
  );
  const most = database.prepare(
    "INSERT INTO note (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
  );
  const get = database.prepare("SELECT value FROM note WHERE name = ?");
  return {
    get: (name: string): number | undefined => get.get(name)?.["value"] as number | undefined,
    set: (name: string, value: number) => void set.run(name, value),
    add({ partition, position, counts, newestAt }: BatchOutcome): void {
      add.run("stored", counts.stored);
      add.run("duplicates", counts.duplicates);
      add.run("conflicts", counts.conflicts);
      most.run("newestAt", newestAt);
      set.run(`position:${partition}`, position);
    },
  };
}

function pendingWrites(database: DatabaseSync) {
  const add = database.prepare(
    "INSERT INTO pending (meter_id, from_period) VALUES (?, ?) ON CONFLICT (meter_id) DO UPDATE SET from_period = min(from_period, excluded.from_period)",
  );
  const drop = database.prepare("DELETE FROM pending WHERE meter_id IN (SELECT value FROM json_each(?))");
  const list = database.prepare("SELECT meter_id, from_period FROM pending");
  return {
    add: (meters: readonly PendingMeter[]) => {
      for (const { meterId, fromPeriod } of meters) add.run(meterId, fromPeriod);
    },
    drop: (meterIds: readonly string[]) => void drop.run(JSON.stringify(meterIds)),
    list: (): PendingMeter[] =>
      list.all().map((row) => ({ meterId: String(row["meter_id"]), fromPeriod: Number(row["from_period"]) })),
  };
}

function conflictWrites(database: DatabaseSync, roll: MeterRoll) {
  const insert = database.prepare(
    "INSERT OR IGNORE INTO conflict (meter_no, channel, at, kept_value, kept_code, refused_value, refused_code, received_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
  );
  return {
    add(conflicts: readonly Conflict[]): number {
      let added = 0;
      for (const { meterId, channel, at, kept, refused, receivedAtMs } of conflicts) {
        const { register, kind, unit, stepSeconds } = channel;
        const text = JSON.stringify({ register, kind, unit, stepSeconds });
        const values = [at, kept.value, kept.code, refused.value, refused.code, receivedAtMs];
        added += Number(insert.run(roll.noOf(meterId), text, ...values).changes);
      }
      return added;
    },
  };
}
