import {
  type Channel,
  channelKey,
  hasSecondValue,
  type Reading,
  type ReadingSeries,
} from "@meterbook/core/domain/reading/reading";
import { readingRank } from "@meterbook/core/domain/reading/reading-rank";
import {
  type Conflict,
  type MeterWrite,
  noProgress,
  type Progress,
  type SeriesBatch,
  type SeriesReader,
  type SeriesStore,
  type StoredMeter,
} from "@meterbook/core/ports/series-store";

/**
 * The series store of one partition in memory, as it is on InfluxDB: no point is ever written with another value, every
 * line carries the offset that brought it, progress is a row per epoch of which the furthest counts, and nothing is
 * undone. What a former owner still writes is there already.
 */
export interface MemoryPartition {
  open(epoch: number): SeriesStore;
  /** As recorded by whoever is furthest. */
  progress(): Progress;
  readonly reader: Pick<SeriesReader, "read">;
  /** Keeps what it holds, and answers how to put that back. Nobody may have it open then. */
  copy(): () => void;
}

interface Line extends Reading {
  readonly offset: number;
}

interface Row {
  readonly epoch: number;
  readonly progress: Progress;
}

interface Meter {
  readonly meterId: string;
  readonly channels: { readonly channel: Channel; readonly lines: Map<number, Line[]> }[];
}

export function memoryPartition(): MemoryPartition {
  const rows = new Map<number, Row>();
  const meters = new Map<string, Meter>();
  const conflicts = new Map<string, number>();

  /** Of equal positions the newest owner's says what is pending and issued. */
  function best(): Progress {
    let found: Row = { epoch: -1, progress: noProgress };
    for (const row of rows.values()) {
      const ahead = row.progress.position - found.progress.position;
      if (ahead > 0 || (ahead === 0 && row.epoch > found.epoch)) found = row;
    }
    return found.progress;
  }

  function linesOf(meterId: string, channel: Channel): Map<number, Line[]> {
    const meter = meters.get(meterId) ?? { meterId, channels: [] };
    meters.set(meterId, meter);
    const known = meter.channels.find((one) => channelKey(one.channel) === channelKey(channel));
    if (known !== undefined) return known.lines;
    const lines = new Map<number, Line[]>();
    meter.channels.push({ channel, lines });
    return lines;
  }

  function put(meterId: string, channel: Channel, line: Line): void {
    const lines = linesOf(meterId, channel);
    const at = lines.get(line.at) ?? [];
    const same = at.find((one) => one.code === line.code && one.offset === line.offset);
    if (same === undefined) lines.set(line.at, [...at, line]);
    else if (same.value !== line.value) throw new Error(`${meterId} ${line.at}: written again with another value`);
  }

  /** The reading in effect by the frames before an offset, and by those that are seen besides. */
  function inEffect(lines: readonly Line[], isSeen: (line: Line) => boolean): Line | undefined {
    const seen = lines.filter(isSeen);
    const tells = ({ code }: Line) => Number(hasSecondValue(code));
    seen.sort((a, b) => readingRank(a.code) - readingRank(b.code) || tells(b) - tells(a) || a.offset - b.offset);
    return seen[0];
  }

  function storedMeters(before: number): StoredMeter[] {
    const found: StoredMeter[] = [];
    for (const { meterId, channels } of meters.values()) {
      const stored = channels.flatMap(({ channel, lines }) => {
        const own = [...lines.values()].flatMap((at) => inEffect(at, ({ offset }) => offset < before) ?? []);
        const first = own.sort((a, b) => a.at - b.at)[0];
        return first === undefined
          ? []
          : [{ ...channel, first: { at: first.at, value: first.value, code: first.code } }];
      });
      if (stored.length > 0)
        found.push({ no: -1, meterId, channels: stored.map((channel, index) => ({ ...channel, index })) });
    }
    return found;
  }

  function seriesOf(meterId: string, from: number, to: number, before: number): ReadingSeries[] {
    return (meters.get(meterId)?.channels ?? []).flatMap(({ channel, lines }) => {
      const own = [...lines.values()].flatMap((at) => inEffect(at, ({ offset }) => offset < before) ?? []);
      const inRange = own.filter(({ at }) => at >= from && at <= to).sort((a, b) => a.at - b.at);
      if (inRange.length === 0) return [];
      const columns = { at: inRange.map(({ at }) => at), value: inRange.map(({ value }) => value) };
      return [{ channel, ...columns, code: inRange.map(({ code }) => code) }];
    });
  }

  function open(epoch: number): SeriesStore {
    let progress = best();
    rows.set(epoch, { epoch, progress });
    // Numbers are the owner's own.
    const numbered: { meterId: string; channels: Channel[] }[] = [];
    const numbers = new Map<string, number>();

    function meet(stored: Omit<StoredMeter, "no">): StoredMeter {
      let no = numbers.get(stored.meterId);
      if (no === undefined) {
        no = numbered.push({ meterId: stored.meterId, channels: [] }) - 1;
        numbers.set(stored.meterId, no);
      }
      const own = numbered[no] as { channels: Channel[] };
      const channels = stored.channels.map((channel) => {
        let index = own.channels.findIndex((one) => channelKey(one) === channelKey(channel));
        if (index < 0) index = own.channels.push(channel) - 1;
        return { ...channel, index };
      });
      return { no, meterId: stored.meterId, channels };
    }

    for (const stored of storedMeters(progress.position)) meet(stored);

    function record(next: Progress): void {
      rows.set(epoch, { epoch, progress: next });
      progress = next;
    }

    function begin(): SeriesBatch {
      const own = new Set<Line>();
      const placeOf = (meterNo: number, channelIndex: number) => {
        const { meterId, channels } = numbered[meterNo] as (typeof numbered)[number];
        return { meterId, channel: channels[channelIndex] as Channel };
      };
      const write = async (writes: readonly MeterWrite[]) => {
        for (const { meterNo, offset, series } of writes)
          for (const { channelIndex, at, value, code } of series)
            at.forEach((instant, i) => {
              const { meterId, channel } = placeOf(meterNo, channelIndex);
              const line = { at: instant, value: value[i] as number, code: code[i] as number, offset };
              put(meterId, channel, line);
              for (const one of linesOf(meterId, channel).get(instant) ?? []) if (one.offset === offset) own.add(one);
            });
      };
      return {
        async meet(newcomers) {
          return newcomers.map(({ meterId, channels }) =>
            meet({ meterId, channels: channels.map((channel, index) => ({ ...channel, index })) }),
          );
        },
        put: write,
        async find(lookups) {
          return lookups.map(({ meterNo, channelIndex, at }) => {
            const { meterId, channel } = placeOf(meterNo, channelIndex);
            const lines = linesOf(meterId, channel).get(at) ?? [];
            const found = inEffect(lines, (line) => line.offset < progress.position || own.has(line));
            return found === undefined ? undefined : { at, value: found.value, code: found.code };
          });
        },
        insert: write,
        replace: write,
        async conflicts(found: readonly Conflict[]) {
          let fresh = 0;
          for (const { meterId, channel, at, refused, offset } of found) {
            const key = `${meterId} ${channelKey(channel)} ${at} ${refused.value} ${refused.code}`;
            const known = conflicts.get(key);
            // What a batch that came to no end has found counts when its frames are taken again.
            if (known === undefined || known >= progress.position) fresh += 1;
            conflicts.set(key, Math.min(known ?? offset, offset));
          }
          return fresh;
        },
        commit: async (next) => record(next),
        abandon: async () => undefined,
      };
    }

    const readOne = (meterId: string, { from, to }: { from: number; to: number }) => {
      const order = numbered[numbers.get(meterId) ?? -1]?.channels.map(channelKey) ?? [];
      const found = seriesOf(meterId, from, to, progress.position);
      return found.sort((a, b) => order.indexOf(channelKey(a.channel)) - order.indexOf(channelKey(b.channel)));
    };
    return {
      get progress() {
        return progress;
      },
      behind: undefined,
      check: async () => "sound",
      begin: async () => begin(),
      record: async (next) => record(next),
      read: async (meterId, range) => readOne(meterId, range),
      readMany: async (meterIds, range) => meterIds.map((meterId) => readOne(meterId, range)),
      async *meters() {
        yield storedMeters(progress.position).map(meet);
      },
      tidy: async () => false,
      close: async () => undefined,
    };
  }

  return {
    open,
    progress: best,
    copy() {
      const kept = structuredClone({ rows, meters, conflicts });
      return () => {
        putBack<number, Row>(rows, kept.rows);
        putBack<string, Meter>(meters, kept.meters);
        putBack<string, number>(conflicts, kept.conflicts);
      };
    },
    reader: { read: async (meterId, { from, to }) => seriesOf(meterId, from, to, best().position) },
  };
}

function putBack<Key, Value>(into: Map<Key, Value>, kept: ReadonlyMap<Key, Value>): void {
  into.clear();
  for (const [key, value] of structuredClone(kept)) into.set(key, value);
}
