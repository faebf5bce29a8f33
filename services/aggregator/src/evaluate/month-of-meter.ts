import type { Channel, Reading, ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { channelKey, emptyColumns } from "@meterbook/core/domain/reading/reading";
import { isTimed } from "@meterbook/core/domain/registry/record-of-month";
import type { RegisterSnapshot, SnapshotContent } from "@meterbook/core/domain/snapshot/snapshot";
import type { Cover } from "@meterbook/core/domain/valuation/cover/cover-intervals";
import { intervalRow } from "@meterbook/core/domain/valuation/interval-row";
import { courseOf } from "@meterbook/core/domain/valuation/judge/v13-register-decreased";
import type { KnownChannel } from "@meterbook/core/domain/valuation/known-meter";
import { registerSpec } from "@meterbook/core/domain/valuation/known-meter";
import { registerLine } from "@meterbook/core/domain/valuation/line/register-line";
import type { Closings, Month } from "@meterbook/core/domain/valuation/month";
import { partOf, spanOf } from "@meterbook/core/domain/valuation/month";
import { composeMonth, countsIn, monthContent, wantsHistory } from "@meterbook/core/domain/valuation/month-content";
import { registerRow } from "@meterbook/core/domain/valuation/register-row";
import { hasStanding } from "@meterbook/core/domain/valuation/row-quality";
import { linesOf } from "@meterbook/core/domain/valuation/rows-of-meter";
import { valuationRules } from "@meterbook/core/domain/valuation/valuation-rules";
import type { ChannelState } from "../remember/channel-state.ts";
import { firstOf, rememberedAround, rememberedCover } from "../remember/channel-state.ts";
import type { MeterState } from "../remember/meter-state.ts";
import type { HistoryOf } from "./history-of-meter.ts";

/**
 * A meter's month. Memory is a shortcut for the tidy; where it does not tell the whole, the engine makes the month from
 * the store. Both use the same functions for the row, and give the same.
 *
 * Both sources are asked only where memory does not suffice.
 */
export async function monthOf(
  meter: MeterState,
  period: number,
  previous: Closings,
  { stored, history, silentMonths }: MonthSources,
): Promise<SnapshotContent> {
  const month = { period, span: spanOf(meter.calendar, period), previous };
  // What was otherwise in other months is not tidy, and neither is a place whose supply was cut.
  const { meterId, record, recordDamaged, calendar, rules } = meter;
  const isOtherwise = record !== undefined && (record.statuses !== undefined || isTimed(record));
  const isTooLong = silentMonths > silentMonthsMax;
  const rows = meter.needsStore || isOtherwise ? undefined : rememberedRows(meter, month);
  if (rows !== undefined) {
    const content = composeMonth(meter, month, rows, rules);
    if (isTooLong || !wantsHistory(content, { record, previous })) return content;
  }
  const channels = knownChannels(meter.channels.map(pastOf), await stored());
  const known = { meterId, record, recordDamaged, channels };
  const content = monthContent(known, period, calendar, previous, rules);
  if (recordDamaged || isTooLong || !wantsHistory(content, { record, previous })) return content;
  return monthContent({ ...known, history: await history(content) }, period, calendar, previous, rules);
}

export interface MonthSources {
  readonly stored: () => Promise<readonly ReadingSeries[]>;
  readonly history: HistoryOf;
  /** How many months before this one nothing was read in. */
  readonly silentMonths: number;
}

/** As far as the last reading says anything; nothing is looked up for a meter that is silent for longer. */
const silentMonthsMax = 6;

interface ChannelPast {
  readonly channel: Channel;
  readonly first: Reading;
}

function pastOf(state: ChannelState): ChannelPast {
  return { channel: state.channel, first: firstOf(state) };
}

/** The channels of a meter with what the store has of them. */
export function knownChannels(channels: readonly ChannelPast[], stored: readonly ReadingSeries[]): KnownChannel[] {
  const byKey = new Map(stored.map((series) => [channelKey(series.channel), series]));
  return channels.map(({ channel, first }) => ({
    channel,
    first,
    readings: byKey.get(channelKey(channel)) ?? emptyColumns(),
  }));
}

/** Rows without asking the store; undefined where memory does not tell the whole of any register. */
function rememberedRows(meter: MeterState, month: Month): RegisterSnapshot[] | undefined {
  const { period } = month;
  const present = meter.channels.filter((state) =>
    countsIn(state.channel, firstOf(state), { meter, period, calendar: meter.calendar }),
  );
  const rows: RegisterSnapshot[] = [];
  for (const state of present) {
    const { register, unit, kind } = state.channel;
    const siblings = present.filter(({ channel }) => channel.register === register && channel.unit === unit);
    // Registers with one profile at most, and profiles of one length.
    if (siblings.length > 2) return undefined;
    if (kind === "interval" && siblings.length === 2) {
      if (siblings.every(({ channel }) => channel.kind === "interval")) return undefined;
      continue;
    }
    const profile = siblings.find((one) => one !== state);
    const row = kind === "interval" ? profileRow(meter, state, month) : totalRow(meter, state, profile, month);
    if (row === undefined) return undefined;
    rows.push(row);
  }
  return rows;
}

function profileRow(meter: MeterState, state: ChannelState, { span }: Month): RegisterSnapshot | undefined {
  const { register, unit } = state.channel;
  const part = partOf(span, meter.record);
  const cover = part.from === span.start && part.to === span.boundary ? rememberedCover(state, span) : undefined;
  if (cover === undefined || isExplained(cover, meter)) return undefined;
  const spec = registerSpec(meter.record, register);
  return intervalRow({ register, unit, spec, cover, findings: [] }, part, span, valuationRules);
}

function totalRow(
  meter: MeterState,
  state: ChannelState,
  profile: ChannelState | undefined,
  month: Month,
): RegisterSnapshot | undefined {
  const { record } = meter;
  const { register, unit } = state.channel;
  const { span, previous } = month;
  const before = previous.find((row) => row.register === register && row.unit === unit);
  // Intervals may tell what a register showed before its first reading.
  if (before === undefined && profile !== undefined) return undefined;
  const readings = rememberedAround(state, span);
  const cover = profile === undefined ? undefined : rememberedCover(profile, span);
  if (readings === undefined || (profile !== undefined && cover === undefined)) return undefined;
  if (cover !== undefined && isExplained(cover, meter)) return undefined;
  if (!opensAsIssued(state, span.start, before) || !isInPlace(meter, state, readings, span)) return undefined;
  const spec = registerSpec(record, register, meter.rules);
  const line = registerLine(readings, spec.modulus);
  const past = { register, unit, spec, record, line, findings: [], intervals: [], cover, previous: before };
  const row = registerRow({ ...past, outages: record?.outages, reach: { first: firstOf(state) } }, span, meter.rules);
  // Intervals would give a better value, and those of a whole month are not remembered one by one.
  return profile === undefined || row.method === "EXACT" ? row : undefined;
}

/** Whether what is missing may be missing because there was no supply: which intervals it is the store tells. */
function isExplained({ absent }: Pick<Cover, "absent">, { record }: MeterState): boolean {
  return absent > 0 && record?.outages !== undefined;
}

/** What the line shows where the month begins is what was issued; or the register's first reading lies in the month. */
function opensAsIssued(state: ChannelState, start: number, before: Closings[number] | undefined): boolean {
  if (before === undefined) return firstOf(state).at >= start;
  return before.value !== null && hasStanding(before.valueQuality);
}

/** Whether an installation or a removal has no say in the month but for its opening. */
function isInPlace(
  { record, rules }: MeterState,
  state: ChannelState,
  readings: readonly Reading[],
  { boundary }: Month["span"],
): boolean {
  if (record?.removed !== undefined && record.removed.at <= boundary + valuationRules.reachSecondsMax) return false;
  const { installed } = record ?? {};
  if (installed === undefined) return true;
  const value = installed.values[state.channel.register];
  const first = firstOf(state);
  if (first.at < installed.at || (readings[0]?.at ?? Number.POSITIVE_INFINITY) > boundary) return false;
  if (value === undefined) return true;
  const spec = registerSpec(record, state.channel.register, rules);
  return first.at > installed.at && courseOf({ at: installed.at, value }, first, spec, rules) === "rose";
}

/** When the earliest reading of a register before a month was taken that is doubted; undefined if none is. */
export function doubtedBefore(meter: MeterState, stored: readonly ReadingSeries[], start: number): number | undefined {
  const { record, rules } = meter;
  let earliest: number | undefined;
  for (const series of stored) {
    if (series.channel.kind !== "register") continue;
    const from = start - valuationRules.reachSecondsMax;
    const found = linesOf(record, { channel: series.channel, readings: series }, rules).flatMap(
      ({ findings }) => findings,
    );
    const [doubted] = found
      .filter(({ rule, at }) => at >= from && (rule === "V13" || rule === "V15" || rule === "V17"))
      .sort((a, b) => a.at - b.at);
    if (doubted !== undefined && doubted.at < start) earliest = Math.min(earliest ?? doubted.at, doubted.at);
  }
  return earliest;
}
