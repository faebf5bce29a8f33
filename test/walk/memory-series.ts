import {
  type Channel,
  channelKey,
  hasSecondValue,
  type Reading,
  type ReadingSeries,
  readingAt,
} from "@meterbook/core/domain/reading/reading";
import { readingRank } from "@meterbook/core/domain/reading/reading-rank";
import {
  type Conflict,
  type MeterWrite,
  noProgress,
  type Progress,
  type SeriesReader,
  type SeriesStore,
  type StoredMeter,
} from "@meterbook/core/ports/series-store";
import type { Through } from "./held-calls.ts";

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

interface Line extends Reading {
  readonly position: number;
}

interface Row {
  readonly ownerNo: number;
  readonly progress: Progress;
}

interface Meter {
  readonly meterId: string;
  readonly channels: { readonly channel: Channel; readonly lines: Map<number, Line[]> }[];
}

const atOnce: Through = (_, work) => work();

export function memoryPartition(partition = 0): MemoryPartition {
  const rows = new Map<number, Row>();
  const meters = new Map<string, Meter>();
  const conflicts = new Map<string, Conflict>();

  /** Of equal positions the newest owner's says what is pending and issued. */
  function best(): Progress {
    let found: Row = { ownerNo: -1, progress: noProgress };
    for (const row of rows.values()) {
      const ahead = row.progress.position - found.progress.position;
      if (ahead > 0 || (ahead === 0 && row.ownerNo > found.ownerNo)) found = row;
    }
    return found.progress;
  }

  function put(meterId: string, { register, kind, unit, stepSeconds }: Channel, line: Line): void {
    const channel = { register, kind, unit, stepSeconds };
    const meter = meters.get(meterId) ?? { meterId, channels: [] };
    meters.set(meterId, meter);
    let known = meter.channels.find((one) => channelKey(one.channel) === channelKey(channel));
    if (known === undefined) {
      known = { channel, lines: new Map() };
      meter.channels.push(known);
    }
    const at = known.lines.get(line.at) ?? [];
    const same = at.find((one) => one.code === line.code && one.position === line.position);
    if (same === undefined) known.lines.set(line.at, [...at, line]);
    else if (same.value !== line.value) throw new Error(`${meterId} ${line.at}: written again with another value`);
  }

  /** Answers how many were not recorded before this position. */
  function putConflicts(found: readonly Conflict[], position: number): number {
    let fresh = 0;
    for (const one of found.toSorted((a, b) => conflictId(a) - conflictId(b))) {
      const key = `${one.meterId} ${channelKey(one.channel)} ${one.at} ${one.refused.value}`;
      const known = conflicts.get(key);
      // What a batch that came to no end has found counts when its frames are taken again.
      if (known === undefined || known.position >= position) fresh += 1;
      if (known === undefined || known.position > one.position) conflicts.set(key, one);
    }
    return fresh;
  }

  function metersAt(position: number): Omit<StoredMeter, "no">[] {
    return [...meters.values()].flatMap(({ meterId, channels }) => {
      const own = channels.flatMap(({ channel, lines }) => {
        const [first] = inEffect(lines, position);
        return first === undefined ? [] : [{ ...channel, first }];
      });
      return own.length === 0 ? [] : [{ meterId, channels: own.map((channel, index) => ({ ...channel, index })) }];
    });
  }

  /** Of these channels, in their order. */
  function seriesOf(
    meterId: string,
    wanted: readonly Channel[],
    { from, to }: { from: number; to: number },
    position: number,
  ): ReadingSeries[] {
    return wanted.flatMap(({ register, kind, unit, stepSeconds }) => {
      const channel = { register, kind, unit, stepSeconds };
      const own = meters.get(meterId)?.channels.find((one) => channelKey(one.channel) === channelKey(channel));
      const found = inEffect(own?.lines ?? new Map(), position).filter(({ at }) => at >= from && at <= to);
      if (found.length === 0) return [];
      const [at, value] = [found.map((one) => one.at), found.map((one) => one.value)];
      return [{ channel, at, value, code: found.map(({ code }) => code) }];
    });
  }

  function open(ownerNo: number, through = atOnce): SeriesStore {
    let progress = best();
    rows.set(ownerNo, { ownerNo, progress });
    // Numbers are the owner's own.
    let numbered: StoredMeter[] = metersAt(progress.position).map((meter, no) => ({ ...meter, no }));

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
          for (const index of one.at.keys()) put(meterId, channel, { ...readingAt(one, index), position });
        }
    }

    async function record(next: Progress): Promise<void> {
      const row = structuredClone({ ownerNo, progress: next });
      await through("record", async () => void rows.set(ownerNo, row));
      progress = next;
    }

    async function read(meterId: string, range: { from: number; to: number; channels?: readonly number[] }) {
      const own = numbered.find((meter) => meter.meterId === meterId)?.channels ?? [];
      const wanted = own.filter(({ index }) => range.channels?.includes(index) ?? true);
      return through("read", async () => seriesOf(meterId, wanted, range, progress.position));
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
            const [found] = seriesOf(meter?.meterId ?? "", wanted, { from: at, to: at }, progress.position);
            return found === undefined ? undefined : readingAt(found, 0);
          }),
        ),
      async apply({ met, newer, late, conflicts: found }, next) {
        const before = [...numbered];
        try {
          meet(met);
          await through("newer", () => write(newer));
          if (late.length > 0) await through("late", () => write(late));
          const repeated = found.length - putConflicts(found, progress.position);
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
        const now = new Map(metersAt(progress.position).map(({ meterId, channels }) => [meterId, channels]));
        yield numbered.map((meter) => {
          const firsts = new Map(now.get(meter.meterId)?.map((channel) => [channelKey(channel), channel.first]));
          const channels = meter.channels.map((one) => ({ ...one, first: firsts.get(channelKey(one)) ?? one.first }));
          return { ...meter, channels };
        });
      },
      close: async () => undefined,
    };
  }

  function meterNow(meterId: string): StoredMeter | undefined {
    const all = metersAt(best().position);
    const no = all.findIndex((one) => one.meterId === meterId);
    return no < 0 ? undefined : { ...(all[no] as Omit<StoredMeter, "no">), no };
  }

  const reader: SeriesReader = {
    meter: async (meterId) => meterNow(meterId),
    async read(meterId, range) {
      const wanted = meterNow(meterId)?.channels.filter(({ index }) => range.channels?.includes(index) ?? true);
      return seriesOf(meterId, wanted ?? [], range, best().position);
    },
    readMany: (meterIds, range) => Promise.all(meterIds.map((meterId) => reader.read(meterId, range))),
    async conflictsOf(meterId, { afterId, limit }) {
      const own = [...conflicts.values()].filter((one) => one.meterId === meterId && one.position < best().position);
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
      const { position, counts, tally, newestAt, pending } = best();
      const [positions, tallies] = [new Map([[partition, position]]), new Map([[partition, tally]])];
      return { ...counts, newestAt, pending, positions, tallies };
    },
  };

  return {
    open,
    progress: best,
    copy() {
      const kept = structuredClone({ rows, meters, conflicts });
      return () => {
        putBack<number, Row>(rows, kept.rows);
        putBack<string, Meter>(meters, kept.meters);
        putBack<string, Conflict>(conflicts, kept.conflicts);
      };
    },
    reader,
  };
}

function conflictId({ position, index }: Pick<Conflict, "position" | "index">): number {
  return position * 1000 + index + 1;
}

/** The readings in effect by the frames before a position, ascending. */
function inEffect(lines: ReadonlyMap<number, readonly Line[]>, before: number): Reading[] {
  const found = [...lines.values()].flatMap((at) => {
    const seen = at.filter(({ position }) => position < before);
    const [first] = seen.sort(byEffect);
    return first === undefined ? [] : [{ at: first.at, value: first.value, code: first.code }];
  });
  return found.sort((a, b) => a.at - b.at);
}

/** Of two of equal rank the one marked V12: it is the same reading, written again when another value came. */
function byEffect(a: Line, b: Line): number {
  const tells = Number(hasSecondValue(b.code)) - Number(hasSecondValue(a.code));
  return readingRank(a.code) - readingRank(b.code) || tells || a.position - b.position;
}

function putBack<Key, Value>(into: Map<Key, Value>, kept: ReadonlyMap<Key, Value>): void {
  into.clear();
  for (const [key, value] of structuredClone(kept)) into.set(key, value);
}
