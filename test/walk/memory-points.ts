import {
  type Channel,
  channelKey,
  hasSecondValue,
  type Reading,
  type ReadingSeries,
} from "@meterbook/core/domain/reading/reading";
import { readingRank } from "@meterbook/core/domain/reading/reading-rank";
import { type Conflict, noProgress, type Progress, type StoredMeter } from "@meterbook/core/ports/series-store";

export interface Line extends Reading {
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

/** What the store of a partition holds, whoever has it open. */
export interface MemoryPoints {
  readonly conflicts: ReadonlyMap<string, Conflict>;
  /** Of equal positions the newest owner's says what is pending and issued. */
  best(): Progress;
  record(ownerNo: number, progress: Progress): void;
  put(meterId: string, channel: Channel, line: Line): void;
  /** Answers how many were not recorded before this position. */
  putConflicts(found: readonly Conflict[], position: number): number;
  metersAt(position: number): Omit<StoredMeter, "no">[];
  /** Of these channels, in their order. */
  seriesOf(
    meterId: string,
    wanted: readonly Channel[],
    range: { readonly from: number; readonly to: number },
    position: number,
  ): ReadingSeries[];
  copy(): () => void;
}

export function memoryPoints(): MemoryPoints {
  const rows = new Map<number, Row>();
  const meters = new Map<string, Meter>();
  const conflicts = new Map<string, Conflict>();
  return {
    conflicts,
    best: () => bestOf(rows.values()),
    record: (ownerNo, progress) => void rows.set(ownerNo, { ownerNo, progress }),
    put: (meterId, channel, line) => putLine(meters, meterId, channel, line),
    putConflicts: (found, position) => putConflicts(conflicts, found, position),
    metersAt: (position) => metersAt(meters, position),
    seriesOf(meterId, wanted, { from, to }, position) {
      return wanted.flatMap(({ register, kind, unit, stepSeconds }) => {
        const channel = { register, kind, unit, stepSeconds };
        const own = meters.get(meterId)?.channels.find((one) => channelKey(one.channel) === channelKey(channel));
        const found = inEffect(own?.lines ?? new Map(), position).filter(({ at }) => at >= from && at <= to);
        if (found.length === 0) return [];
        const [at, value] = [found.map((one) => one.at), found.map((one) => one.value)];
        return [{ channel, at, value, code: found.map(({ code }) => code) }];
      });
    },
    copy() {
      const kept = structuredClone({ rows, meters, conflicts });
      return () => {
        putBack<number, Row>(rows, kept.rows);
        putBack<string, Meter>(meters, kept.meters);
        putBack<string, Conflict>(conflicts, kept.conflicts);
      };
    },
  };
}

function bestOf(rows: Iterable<Row>): Progress {
  let found: Row = { ownerNo: -1, progress: noProgress };
  for (const row of rows) {
    const ahead = row.progress.position - found.progress.position;
    if (ahead > 0 || (ahead === 0 && row.ownerNo > found.ownerNo)) found = row;
  }
  return found.progress;
}

function putLine(
  meters: Map<string, Meter>,
  meterId: string,
  { register, kind, unit, stepSeconds }: Channel,
  line: Line,
): void {
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

function putConflicts(conflicts: Map<string, Conflict>, found: readonly Conflict[], position: number): number {
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

function metersAt(meters: ReadonlyMap<string, Meter>, position: number): Omit<StoredMeter, "no">[] {
  return [...meters.values()].flatMap(({ meterId, channels }) => {
    const own = channels.flatMap(({ channel, lines }) => {
      const [first] = inEffect(lines, position);
      return first === undefined ? [] : [{ ...channel, first }];
    });
    return own.length === 0 ? [] : [{ meterId, channels: own.map((channel, index) => ({ ...channel, index })) }];
  });
}

export function conflictId({ position, index }: Pick<Conflict, "position" | "index">): number {
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
