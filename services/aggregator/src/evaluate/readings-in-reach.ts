import type { Columns, ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { lowerBound } from "@meterbook/core/domain/reading/reading";
import type { RegisterLine } from "@meterbook/core/domain/valuation/line/register-line";
import { linesOf } from "@meterbook/core/domain/valuation/rows-of-meter";
import { valuationRules } from "@meterbook/core/domain/valuation/valuation-rules";
import type { SeriesReader } from "@meterbook/core/ports/series-store";
import { firstOf, newestAtOf } from "../remember/channel-state.ts";
import type { IssuedPeriod, MeterState, SharedBetween } from "../remember/meter-state.ts";
import { channelOf } from "../remember/meter-state.ts";
import { remember } from "../remember/rebuild-memory.ts";
import { doubtedBefore } from "./month-of-meter.ts";

const { reachSecondsMax, betweenSecondsMax } = valuationRules;

/** What the months from one to another can depend on, but for the reading before a long silence. */
export function rangeOf(
  { calendar }: MeterState,
  fromPeriod: number,
  lastPeriod: number,
): { from: number; to: number } {
  return {
    from: calendar.startOf(fromPeriod) - reachSecondsMax,
    to: calendar.boundaryOf(lastPeriod) + reachSecondsMax,
  };
}

interface Sources {
  /** May have been read before, for the range of these months alone. */
  readonly near: Pick<SeriesReader, "read">;
  readonly whole: Pick<SeriesReader, "read">;
}

/** The meter's readings in reach of the periods, read at most once and only when memory does not suffice. */
export function storedReadings(
  { near, whole }: Sources,
  meter: MeterState,
  { from, last }: { readonly from: number; readonly last: number },
) {
  const range = rangeOf(meter, from, last);
  const start = meter.calendar.startOf(from);
  let series: Promise<readonly ReadingSeries[]> | undefined;
  const read = () => {
    series ??= near.read(meter.meterId, range).then((found) => readBack(whole, meter, found, start));
    return series;
  };
  return {
    read,
    /** The first month whose bill what is doubted before `from` can change; undefined if there is none. */
    async doubtedPeriod(): Promise<number | undefined> {
      if (series === undefined) return undefined;
      const at = doubtedBefore(meter, await series, start);
      return at === undefined ? undefined : meter.calendar.periodOf(at) - 1;
    },
    /**
     * The month of the last reading before `from`, if nothing was read from there to the month `until`, and something
     * is since: what lies between is known now. Or it was known, and the reading that told it is no longer believed.
     * Undefined where neither is so.
     *
     * @param issued the month before `from`, if there is one
     */
    async silentPeriod(until: number, issued: Pick<IssuedPeriod, "shared"> | undefined): Promise<number | undefined> {
      const untilAt = meter.calendar.startOf(until);
      if (series === undefined && (issued !== undefined || !mayBeReadFrom(meter, untilAt))) return undefined;
      const found = await read();
      const shared = issued?.shared.filter(({ afterAt }) => afterAt >= start) ?? [];
      const lost = shared.filter((one) => isDisbelieved(meter, found, one)).map(({ beforeAt }) => beforeAt);
      const since = linesIn(meter, found).flatMap((line) => {
        const next = lowerBound(line, start);
        const [before, after] = [line.at[next - 1], line.at[next]];
        if (before === undefined || after === undefined || after < untilAt) return [];
        return after - before <= betweenSecondsMax ? [before] : [];
      });
      const all = [...lost, ...since];
      return all.length === 0 ? undefined : meter.calendar.periodOf(Math.min(...all));
    },
    /** What was read of a meter of which memory tells nothing is remembered. */
    async rebuild(nowMs: number): Promise<void> {
      if (series === undefined || !meter.needsStore || range.to * 1000 < nowMs + aheadMsMax) return;
      remember(meter, await series, range.from);
    },
  };
}

/** No reading lies further ahead of log time. */
const aheadMsMax = 2 * 86_400_000;

/**
 * With the registers' readings of as long before as it takes: where one was silent for longer than readings reach, and
 * is read again, the reading before the silence counts too.
 */
async function readBack(
  whole: Pick<SeriesReader, "read">,
  meter: MeterState,
  found: readonly ReadingSeries[],
  start: number,
): Promise<readonly ReadingSeries[]> {
  let known = found;
  for (let from = start - reachSecondsMax; from > start - betweenSecondsMax; from -= reachSecondsMax) {
    const silent = known.filter((one) => wantsEarlier(meter, one, { from, start }));
    if (silent.length === 0) break;
    const channels = silent.map(({ channel }) => channelOf(meter, channel)?.channel.index ?? 0);
    const earlier = await whole.read(meter.meterId, { from: from - reachSecondsMax, to: from - 1, channels });
    known = known.map((one) => (silent.includes(one) ? behind(one, earlier) : one));
  }
  return known;
}

/**
 * Whether a register has readings from `start` on that are believed, and none before it, but earlier ones. What master
 * data tell of a time before `from` does not count: readings may lie between.
 */
function wantsEarlier(
  meter: MeterState,
  series: ReadingSeries,
  { from, start }: { readonly from: number; readonly start: number },
): boolean {
  const state = series.channel.kind === "register" ? channelOf(meter, series.channel) : undefined;
  if (state === undefined || firstOf(state).at >= from) return false;
  return linesIn(meter, [series]).some((line) => {
    const next = lowerBound(line, start);
    return next < line.at.length && (line.at[next - 1] ?? Number.NEGATIVE_INFINITY) < from;
  });
}

/** Whether a register may have readings from then on, as far as memory knows. */
function mayBeReadFrom({ channels }: MeterState, fromAt: number): boolean {
  return channels.some((state) => state.channel.kind === "register" && newestAtOf(state) >= fromAt);
}

/** Whether the later reading is there, and may not be billed. */
function isDisbelieved(
  meter: MeterState,
  found: readonly ReadingSeries[],
  { register, unit, afterAt }: SharedBetween,
): boolean {
  const series = found.filter(({ channel }) => channel.register === register && channel.unit === unit);
  const isIn = (one: Columns) => one.at[lowerBound(one, afterAt)] === afterAt;
  return series.some((one) => one.channel.kind === "register" && isIn(one)) && !linesIn(meter, series).some(isIn);
}

function linesIn({ record, rules }: MeterState, series: readonly ReadingSeries[]): readonly RegisterLine[] {
  return series
    .filter(({ channel }) => channel.kind === "register")
    .flatMap((one) => linesOf(record, { channel: one.channel, readings: one }, rules).map(({ line }) => line));
}

function behind(one: ReadingSeries, earlier: readonly ReadingSeries[]): ReadingSeries {
  const { register, unit } = one.channel;
  const before = earlier.find(({ channel }) => channel.register === register && channel.unit === unit);
  if (before === undefined) return one;
  return {
    channel: one.channel,
    at: [...before.at, ...one.at],
    value: [...before.value, ...one.value],
    code: [...before.code, ...one.code],
  };
}
