import type { DatabaseSync } from "node:sqlite";
import { beginsEarlier } from "@meterbook/core/domain/reading/first-reading";
import type { Reading } from "@meterbook/core/domain/reading/reading";
import { readingAt } from "@meterbook/core/domain/reading/reading";
import type { ChannelWrite, MeterWrite, StoredChannel, StoredMeter } from "@meterbook/core/ports/series-store";
import { meterTable } from "./meter-table.ts";
import type { TellSeriesRow } from "./series-damage.ts";
import { meterNoMax } from "./series-database.ts";

const pageMeters = 5000;

/**
 * Numbers of meters and their channels, in memory and in the file. If the meter of a number cannot be read, the number
 * is not given to another.
 */
export function meterNumbers(database: DatabaseSync, tell: TellSeriesRow) {
  const table = meterTable(database, tell);
  const byId = new Map<string, StoredMeter>();
  const byNo: (StoredMeter | undefined)[] = [];
  let before = new Map<string, StoredMeter | undefined>();
  byNo.length = table.count();
  for (let from = 0; from < byNo.length; from += pageMeters)
    for (const meter of table.range(from, Math.min(from + pageMeters, byNo.length))) remember(meter);

  function remember(meter: StoredMeter): void {
    byId.set(meter.meterId, meter);
    byNo[meter.no] = meter;
  }

  function save(meter: StoredMeter): void {
    if (!before.has(meter.meterId)) before.set(meter.meterId, byId.get(meter.meterId));
    table.put(meter);
    remember(meter);
  }

  return {
    /** All meters in memory, a page at a time. */
    *known(): Generator<StoredMeter[]> {
      // Of a meter that was met anew, its last number is its own.
      const isOwn = (meter: StoredMeter | undefined) => meter !== undefined && byId.get(meter.meterId) === meter;
      for (let from = 0; from < byNo.length; from += pageMeters)
        yield byNo.slice(from, from + pageMeters).filter((meter): meter is StoredMeter => isOwn(meter));
    },
    next: () => byNo.length,
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
      before = new Map();
    },
    find: (meterId: string): StoredMeter | undefined => byId.get(meterId),
    noOf: (meterId: string): number => byId.get(meterId)?.no ?? -1,
    meet: (meters: readonly StoredMeter[]): void => {
      for (const { no, meterId, channels } of meters) {
        if (no > meterNoMax) throw new Error(`the embedded store holds ${meterNoMax} meters at most`);
        const known = byNo[no]?.channels ?? [];
        if (no > byNo.length || channels[0]?.index !== known.length) throw new Error(`${meterId} is not met in order`);
        save({ no, meterId, channels: known.concat(channels) });
      }
    },
    /** Late readings may be earlier than the first one known, or in its place. */
    earlier: (writes: readonly MeterWrite[]): void => {
      for (const { meterNo, series } of writes) {
        const meter = byNo[meterNo];
        if (meter === undefined) continue;
        if (!meter.channels.some((channel) => earlierFirst(channel, series) !== undefined)) continue;
        const channels = meter.channels.map((channel) => {
          const first = earlierFirst(channel, series);
          return first === undefined ? channel : { ...channel, first };
        });
        save({ ...meter, channels });
      }
    },
  };
}

/** What a channel begins with now; undefined if that is what it was. */
function earlierFirst({ index, first }: StoredChannel, series: readonly ChannelWrite[]): Reading | undefined {
  let found: Reading | undefined;
  for (const write of series) {
    if (write.channelIndex !== index) continue;
    for (let i = 0; i < write.at.length; i += 1) {
      const reading = readingAt(write, i);
      if (reading.at === first.at || beginsEarlier(reading, found ?? first)) found = reading;
    }
  }
  return found;
}
