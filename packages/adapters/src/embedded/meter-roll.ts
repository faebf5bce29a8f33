import type { DatabaseSync } from "node:sqlite";
import { channelKey, readingAt } from "@meterbook/core/domain/reading";
import type {
  ChannelWrite,
  MeterWrite,
  SeriesBatch,
  StoredChannel,
  StoredMeter,
} from "@meterbook/core/ports/series-store";
import { storedMeter } from "./embedded-series-reader.ts";
import { meterNoMax } from "./series-database.ts";

type Meet = Parameters<SeriesBatch["meet"]>[0];

export type MeterRoll = ReturnType<typeof meterRoll>;

/** Numbers of meters and their channels, in memory and in the file. */
export function meterRoll(database: DatabaseSync) {
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
