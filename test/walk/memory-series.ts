import { type Channel, channelKey, readingAt } from "@meterbook/core/domain/reading/reading";
import type { MeterWrite, Progress, SeriesReader, SeriesStore, StoredMeter } from "@meterbook/core/ports/series-store";
import type { Through } from "./held-calls.ts";
import { conflictId, type MemoryPoints, memoryPoints } from "./memory-points.ts";

/**
 * The series store of one partition in memory, as it is on InfluxDB: no point is ever written with another value, every
 * line carries the position that brought it, progress is a row per owner of which the furthest counts, and nothing is
 * undone. What a former owner still writes is there already.
 */
export interface MemoryPartition {
  /** `through` is asked before each part of a batch is written: an owner may fail or end between them. */
  open(ownerNo: number, through?: Through): SeriesStore;
  /** As recorded by whoever is furthest. */
  progress(): Progress;
  readonly reader: SeriesReader;
  /** Keeps what it holds, and answers how to put that back. Nobody may have it open then. */
  copy(): () => void;
}

const atOnce: Through = (_, work) => work();

export function memoryPartition(partition = 0): MemoryPartition {
  const points = memoryPoints();
  return {
    open: (ownerNo, through = atOnce) => openStore(points, ownerNo, through),
    progress: points.best,
    copy: points.copy,
    reader: readerOf(points, partition),
  };
}

function openStore(points: MemoryPoints, ownerNo: number, through: Through): SeriesStore {
  let progress = points.best();
  points.record(ownerNo, progress);
  // Numbers are the owner's own.
  let numbered: StoredMeter[] = points.metersAt(progress.position).map((meter, no) => ({ ...meter, no }));

  function meet(met: readonly StoredMeter[]): void {
    for (const { no, meterId, channels } of met) {
      const known = numbered[no]?.channels ?? [];
      if (no > numbered.length || channels[0]?.index !== known.length) throw new Error("not met in order");
      numbered[no] = { no, meterId, channels: [...known, ...channels] };
    }
  }

  async function write(writes: readonly MeterWrite[]): Promise<void> {
    for (const { meterNo, position, series } of writes)
      for (const one of series) {
        const { meterId, channels } = numbered[meterNo] as StoredMeter;
        const channel = channels[one.channelIndex] as Channel;
        for (const index of one.at.keys()) points.put(meterId, channel, { ...readingAt(one, index), position });
      }
  }

  async function record(next: Progress): Promise<void> {
    const kept = structuredClone(next);
    await through("record", async () => points.record(ownerNo, kept));
    progress = next;
  }

  async function read(meterId: string, range: { from: number; to: number; channels?: readonly number[] }) {
    const own = numbered.find((meter) => meter.meterId === meterId)?.channels ?? [];
    const wanted = own.filter(({ index }) => range.channels?.includes(index) ?? true);
    return through("read", async () => points.seriesOf(meterId, wanted, range, progress.position));
  }

  return {
    get progress() {
      return progress;
    },
    behind: undefined,
    check: async () => "sound",
    get meterNoNext() {
      return numbered.length;
    },
    find: (lookups) =>
      through("find", async () =>
        lookups.map(({ meterNo, channelIndex, at }) => {
          const meter = numbered[meterNo];
          const wanted = meter?.channels.slice(channelIndex, channelIndex + 1) ?? [];
          const [found] = points.seriesOf(meter?.meterId ?? "", wanted, { from: at, to: at }, progress.position);
          return found === undefined ? undefined : readingAt(found, 0);
        }),
      ),
    async apply({ met, newer, late, conflicts: found }, next) {
      const before = [...numbered];
      try {
        meet(met);
        await through("newer", () => write(newer));
        if (late.length > 0) await through("late", () => write(late));
        const repeated = found.length - points.putConflicts(found, progress.position);
        const { counts } = next;
        const [duplicates, recorded] = [counts.duplicates + repeated, counts.conflicts - repeated];
        await record({ ...next, counts: { ...counts, duplicates, conflicts: recorded } });
      } catch (error) {
        numbered = before;
        throw error;
      }
    },
    record,
    read,
    readMany: (meterIds, range) => Promise.all(meterIds.map((meterId) => read(meterId, range))),
    async *meters() {
      const now = new Map(points.metersAt(progress.position).map(({ meterId, channels }) => [meterId, channels]));
      yield numbered.map((meter) => {
        const firsts = new Map(now.get(meter.meterId)?.map((channel) => [channelKey(channel), channel.first]));
        const channels = meter.channels.map((one) => ({ ...one, first: firsts.get(channelKey(one)) ?? one.first }));
        return { ...meter, channels };
      });
    },
    close: async () => undefined,
  };
}

function readerOf(points: MemoryPoints, partition: number): SeriesReader {
  function meterNow(meterId: string): StoredMeter | undefined {
    const all = points.metersAt(points.best().position);
    const no = all.findIndex((one) => one.meterId === meterId);
    return no < 0 ? undefined : { ...(all[no] as Omit<StoredMeter, "no">), no };
  }

  const reader: SeriesReader = {
    meter: async (meterId) => meterNow(meterId),
    async read(meterId, range) {
      const wanted = meterNow(meterId)?.channels.filter(({ index }) => range.channels?.includes(index) ?? true);
      return points.seriesOf(meterId, wanted ?? [], range, points.best().position);
    },
    readMany: (meterIds, range) => Promise.all(meterIds.map((meterId) => reader.read(meterId, range))),
    async conflictsOf(meterId, { afterId, limit }) {
      const own = [...points.conflicts.values()].filter(
        (one) => one.meterId === meterId && one.position < points.best().position,
      );
      const listed = own.map(({ position, index, ...conflict }) => ({
        ...conflict,
        id: conflictId({ position, index }),
      }));
      return listed
        .filter(({ id }) => id > afterId)
        .sort((a, b) => a.id - b.id)
        .slice(0, limit);
    },
    async totals() {
      const { position, counts, tally, newestAt, pending } = points.best();
      const [positions, tallies] = [new Map([[partition, position]]), new Map([[partition, tally]])];
      return { ...counts, newestAt, pending, positions, tallies };
    },
  };
  return reader;
}
