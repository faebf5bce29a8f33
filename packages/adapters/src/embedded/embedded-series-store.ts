import type { DatabaseSync } from "node:sqlite";
import type { Reading } from "@meterbook/core/domain/reading";
import { channelKey, lowerBound, readingAt } from "@meterbook/core/domain/reading";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { Clock } from "@meterbook/core/ports/clock";
import type {
  BatchOutcome,
  ChannelWrite,
  Conflict,
  Lookup,
  MeterWrite,
  PendingMeter,
  SeriesBatch,
  SeriesStore,
  StoredChannel,
  StoredMeter,
} from "@meterbook/core/ports/series-store";
import { daySealer } from "./day-sealer.ts";
import { dayReads, seriesReads, storedMeter } from "./embedded-series-reader.ts";
import { meterDays } from "./meter-days.ts";
import { packBlock } from "./reading-block.ts";
import { dayOf, hotId, meterNoMax, openSeriesDatabase } from "./series-database.ts";

type Meet = Parameters<SeriesBatch["meet"]>[0];

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

type MeterRoll = ReturnType<typeof meterRoll>;

/** Numbers of meters and their channels, in memory and in the file. */
function meterRoll(database: DatabaseSync) {
  const insert = database.prepare("INSERT INTO meter (no, meter_id, channels) VALUES (?, ?, ?)");
  const update = database.prepare("UPDATE meter SET channels = ? WHERE no = ?");
  const page = database.prepare("SELECT no, meter_id, channels FROM meter WHERE no > ? ORDER BY no LIMIT 5000");
  const byId = new Map<string, StoredMeter>();
  const byNo: StoredMeter[] = [];
  let before = new Map<string, StoredMeter | undefined>();
  for (const found of pages()) for (const meter of found) remember(meter);

  function* pages(): Generator<StoredMeter[]> {
    let after = -1;
    for (;;) {
      const rows = page.all(after);
      if (rows.length === 0) return;
      after = Number(rows.at(-1)?.["no"]);
      yield rows.map(storedMeter);
    }
  }

  function remember(meter: StoredMeter): void {
    byId.set(meter.meterId, meter);
    byNo[meter.no] = meter;
  }

  function save(meter: StoredMeter, isNew: boolean): void {
    if (!before.has(meter.meterId)) before.set(meter.meterId, byId.get(meter.meterId));
    if (isNew) insert.run(meter.no, meter.meterId, JSON.stringify(meter.channels));
    else update.run(JSON.stringify(meter.channels), meter.no);
    remember(meter);
  }

  return {
    /** All meters in memory, a page at a time. */
    *known(): Generator<StoredMeter[]> {
      for (let from = 0; from < byNo.length; from += 5000) yield byNo.slice(from, from + 5000);
    },
    begin: () => {
      before = new Map();
    },
    commit: () => {
      before = new Map();
    },
    /** Back to what the file holds after a rollback. */
    undo: () => {
      for (const [meterId, meter] of before) {
        if (meter !== undefined) remember(meter);
        else {
          byNo.length = Math.min(byNo.length, byId.get(meterId)?.no ?? byNo.length);
          byId.delete(meterId);
        }
      }
    },
    noOf: (meterId: string): number => byId.get(meterId)?.no ?? -1,
    meet: (meters: Meet): StoredMeter[] =>
      meters.map(({ meterId, channels }) => {
        const known = byId.get(meterId);
        const no = known?.no ?? byNo.length;
        if (no > meterNoMax) throw new Error(`the embedded store holds ${meterNoMax} meters at most`);
        const all: StoredChannel[] = [...(known?.channels ?? [])];
        for (const channel of channels) {
          if (all.some((other) => channelKey(other) === channelKey(channel))) continue;
          all.push({ ...channel, index: all.length });
        }
        const met = { no, meterId, channels: all };
        save(met, known === undefined);
        return met;
      }),
    /** Late readings may be earlier than the first one known. */
    earlier: (writes: readonly MeterWrite[]): void => {
      for (const { meterNo, series } of writes) {
        const meter = byNo[meterNo];
        if (meter === undefined || !series.some((write) => isEarlier(meter, write))) continue;
        const channels = meter.channels.map((channel) => {
          const write = series.find((one) => one.channelIndex === channel.index && isEarlier(meter, one));
          return write === undefined ? channel : { ...channel, first: readingAt(write, 0) };
        });
        save({ ...meter, channels }, false);
      }
    },
  };
}

function isEarlier(meter: StoredMeter, write: ChannelWrite): boolean {
  const first = meter.channels[write.channelIndex]?.first;
  return first !== undefined && (write.at[0] as number) < first.at;
}

function hotWrites(database: DatabaseSync, sealer: ReturnType<typeof daySealer>) {
  const insert = database.prepare("INSERT OR IGNORE INTO hot (id, data) VALUES (?, ?)");
  const select = database.prepare("SELECT data FROM hot WHERE id = ?");
  const update = database.prepare("UPDATE hot SET data = ? WHERE id = ?");

  function putBlock(meterNo: number, series: readonly ChannelWrite[]): void {
    let first = Number.POSITIVE_INFINITY;
    for (const { at } of series) first = Math.min(first, at[0] as number);
    const id = hotId(meterNo, first);
    const block = packBlock(series);
    sealer.wrote(dayOf(first));
    if (insert.run(id, block).changes === 1) return;
    // Another report began at the same second: sections may repeat, so the two blocks are simply joined.
    const there = select.get(id)?.["data"] as Uint8Array;
    update.run(Buffer.concat([there, block]), id);
  }

  return {
    put(writes: readonly MeterWrite[]): void {
      for (const { meterNo, series } of writes) {
        if (isOneDay(series)) putBlock(meterNo, series);
        else for (const part of byDay(series)) putBlock(meterNo, part);
      }
    },
  };
}

function isOneDay(series: readonly ChannelWrite[]): boolean {
  const day = dayOf(series[0]?.at[0] as number);
  return series.every(({ at }) => dayOf(at[0] as number) === day && dayOf(at[at.length - 1] as number) === day);
}

/** A block never reaches over midnight UTC, so that a day is sealed without its neighbours. */
function byDay(series: readonly ChannelWrite[]): ChannelWrite[][] {
  const days = new Map<number, ChannelWrite[]>();
  for (const { channelIndex, at, value, code } of series) {
    let from = 0;
    while (from < at.length) {
      const day = dayOf(at[from] as number);
      let to = from + 1;
      while (to < at.length && dayOf(at[to] as number) === day) to += 1;
      const part = { channelIndex, at: at.slice(from, to), value: value.slice(from, to), code: code.slice(from, to) };
      const parts = days.get(day);
      if (parts === undefined) days.set(day, [part]);
      else parts.push(part);
      from = to;
    }
  }
  return [...days.values()];
}

/** Looks up key by key; meter-days are unpacked once for all lookups that fall into them. */
function findAll(days: ReturnType<typeof dayReads>, lookups: readonly Lookup[]): (Reading | undefined)[] {
  const unpacked = new Map<string, ReturnType<typeof days.day>>();
  return lookups.map(({ meterNo, channelIndex, at }) => {
    const key = `${meterNo}/${dayOf(at)}`;
    let day = unpacked.get(key);
    if (day === undefined) {
      day = days.day(meterNo, dayOf(at));
      unpacked.set(key, day);
    }
    const columns = day.get(channelIndex);
    if (columns === undefined) return undefined;
    const index = lowerBound(columns, at);
    return columns.at[index] === at ? readingAt(columns, index) : undefined;
  });
}

function replaceIn(
  days: ReturnType<typeof dayReads>,
  rewrites: ReturnType<typeof meterDays>,
  { meterNo, series }: MeterWrite,
): void {
  for (const part of byDay(series)) {
    const day = dayOf(part[0]?.at[0] as number);
    const columns = days.day(meterNo, day);
    for (const { channelIndex, at, value, code } of part) {
      const stored = columns.get(channelIndex);
      if (stored === undefined) throw new Error("only stored readings can be replaced");
      at.forEach((instant, i) => {
        const index = lowerBound(stored, instant);
        if (stored.at[index] !== instant) throw new Error("only stored readings can be replaced");
        stored.value[index] = value[i] as number;
        stored.code[index] = code[i] as number;
      });
    }
    rewrites.rewrite(meterNo, day, columns);
  }
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
