import type { Channel, Reading } from "@meterbook/core/domain/reading/reading";
import { channelKey } from "@meterbook/core/domain/reading/reading";
import { sharedValues } from "@meterbook/core/domain/reading/shared-values";
import type { StoredMeter } from "@meterbook/core/ports/series-store";
import { slotOf } from "@meterbook/sharding/slot";
import { channelName, escapeKey, meterTags } from "../points/line-protocol.ts";
import { slotTags } from "../points/slot-routes.ts";

/** A meter of the partition as its owner remembers it. */
export interface RememberedMeter {
  stored: StoredMeter;
  /** Index of the server that has its points. */
  readonly server: number;
  readonly tags: string;
  /** Names of its channels, escaped, by their index. */
  fields: readonly string[];
  /** Indexes of channels that have no row yet. */
  fresh: readonly number[];
  /** No line of the meter in `reading` is newer. */
  newestLine: number;
}

/** One for all meters: there are millions, and only new ones have something. */
const none: readonly number[] = [];

/** The channel has its row. */
export function announced(meter: RememberedMeter, channelIndex: number): void {
  const left = meter.fresh.filter((index) => index !== channelIndex);
  meter.fresh = left.length === 0 ? none : left;
}

export type RememberedMeters = ReturnType<typeof rememberMeters>;

/** The numbers of meters and channels are this owner's own; the store knows names. */
export function rememberMeters(serverOfMeter: (meterId: string) => number) {
  const byId = new Map<string, RememberedMeter>();
  const byNo: RememberedMeter[] = [];
  let before = new Map<RememberedMeter, StoredMeter | undefined>();

  function add(stored: StoredMeter, newestLine: number): RememberedMeter {
    const { meterId } = stored;
    const meter = rememberedMeter(stored, newestLine, serverOfMeter(meterId));
    byId.set(meterId, meter);
    byNo.push(meter);
    return meter;
  }

  function change(meter: RememberedMeter, stored: StoredMeter): void {
    if (!before.has(meter)) before.set(meter, meter.stored);
    meter.stored = stored;
  }

  function meetOne({ no, meterId, channels }: StoredMeter): void {
    let meter = byNo[no];
    if (no > byNo.length || channels[0]?.index !== (meter?.stored.channels.length ?? 0))
      throw new Error(`${meterId} is not met in order`);
    if (meter === undefined) {
      // Nobody wrote a line of a meter that is new, but for a batch that has not happened.
      meter = add({ no, meterId, channels: [] }, -1);
      before.set(meter, undefined);
    }
    meter.fresh = [...meter.fresh, ...channels.map(({ index }) => index)];
    change(meter, { ...meter.stored, channels: meter.stored.channels.concat(channels) });
    meter.fields = fieldsOf(meter.stored.channels);
  }

  return {
    get size() {
      return byNo.length;
    },
    /** As found in the store, where lines up to `newestLine` may be. */
    load: (stored: StoredMeter, newestLine: number) => void add(stored, newestLine),
    find: (meterId: string) => byId.get(meterId),
    at(no: number): RememberedMeter {
      const meter = byNo[no];
      if (meter === undefined) throw new Error(`meter ${no} was never met`);
      return meter;
    },
    *pages(): Generator<StoredMeter[]> {
      for (let from = 0; from < byNo.length; from += 5000) {
        yield byNo.slice(from, from + 5000).map(({ stored }) => stored);
      }
    },
    meet: (meters: readonly StoredMeter[]): void => meters.forEach(meetOne),
    /** Meters that this batch met or changed. */
    changed: () => before.keys(),
    firstBecomes(meter: RememberedMeter, channelIndex: number, first: Reading): void {
      const channels = meter.stored.channels.map((channel) =>
        channel.index === channelIndex ? { ...channel, first } : channel,
      );
      change(meter, { ...meter.stored, channels });
    },
    commit(): void {
      before = new Map();
    },
    /** Back to what is recorded, as a new owner would find it. */
    undo(newestAt: number): void {
      for (const [meter, stored] of before) {
        if (stored === undefined) {
          byNo.length = Math.min(byNo.length, meter.stored.no);
          byId.delete(meter.stored.meterId);
          continue;
        }
        meter.stored = stored;
        meter.fields = fieldsOf(stored.channels);
        meter.fresh = none;
      }
      for (const meter of byNo) meter.newestLine = newestAt;
      before = new Map();
    },
  };
}

/** One list for all meters that have the same channels. */
const fieldLists = sharedValues<readonly string[]>(10_000);

function fieldsOf(channels: readonly Channel[]): readonly string[] {
  const key = channels.map(channelKey).join(" ");
  return fieldLists(key, () => channels.map((channel) => escapeKey(channelName(channel))));
}

function rememberedMeter(stored: StoredMeter, newestLine: number, server: number): RememberedMeter {
  const { meterId, channels } = stored;
  return {
    stored,
    server,
    tags: inOnePiece(meterTags(slotTags[slotOf(meterId)] as string, meterId)),
    fields: fieldsOf(channels),
    fresh: none,
    newestLine,
  };
}

/** V8 keeps a text that was put together with all its pieces. */
function inOnePiece(text: string): string {
  return Buffer.from(text).toString();
}
