import { emptyColumns } from "../reading/reading.ts";
import type { MeterRecord } from "../registry/meter-record.ts";
import { recordOfMonth } from "../registry/record-of-month.ts";
import { findingsWithin } from "../snapshot/finding.ts";
import type { RegisterSnapshot, SnapshotContent } from "../snapshot/snapshot.ts";
import type { LocalCalendar } from "../time/local-calendar.ts";
import { coverIntervals } from "./cover/cover-intervals.ts";
import { intervalRow } from "./interval-row.ts";
import { judgedLine, judgedProfile } from "./judged-channels.ts";
import type { KnownChannel, KnownMeter } from "./known-meter.ts";
import { registerSpec } from "./known-meter.ts";
import type { Closings, Span } from "./month.ts";
import { partOf } from "./month.ts";
import { registerRow } from "./register-row.ts";
import type { ValuationRules } from "./valuation-rules.ts";
import { valuationRules } from "./valuation-rules.ts";

/**
 * One meter's month: a pure function of what is known of the meter and of what was issued for the month before.
 *
 * @param previous the closings issued for the month before; empty where there are none
 */
export function monthContent(
  known: KnownMeter,
  period: number,
  calendar: LocalCalendar,
  previous: Closings,
  rules: ValuationRules = valuationRules,
): SnapshotContent {
  const month = { period, span: spanOf(calendar, period), previous };
  const meter = { ...known, record: recordOfMonth(known.record, month.span) };
  const present = meter.channels.filter(({ channel, first }) => countsIn(channel, first, { meter, period, calendar }));
  return composeMonth(meter, month, rowsOf(meter.record, present, month, rules), rules);
}

/** All months from one to another, each opening with the one before. */
export function monthsOf(
  meter: KnownMeter,
  { from, to }: { readonly from: number; readonly to: number },
  calendar: LocalCalendar,
  rules: ValuationRules = valuationRules,
): SnapshotContent[] {
  const months: SnapshotContent[] = [];
  for (let period = from; period <= to; period += 1) {
    months.push(monthContent(meter, period, calendar, months.at(-1)?.registers ?? [], rules));
  }
  return months;
}

export function spanOf(calendar: LocalCalendar, period: number): Span {
  return { start: calendar.startOf(period), boundary: calendar.boundaryOf(period) };
}

/** From its first reading on, and a register of an installed meter from the installation on: its opening is known. */
export function countsIn(
  channel: KnownChannel["channel"],
  first: { readonly at: number },
  of: {
    readonly meter: { readonly record: MeterRecord | undefined };
    readonly period: number;
    readonly calendar: LocalCalendar;
  },
): boolean {
  if (of.calendar.periodOf(first.at - channel.stepSeconds) <= of.period) return true;
  const installed = of.meter.record?.installed;
  if (channel.kind !== "register" || installed?.values[channel.register] === undefined) return false;
  return of.calendar.periodOf(installed.at) <= of.period;
}

export interface Month {
  readonly period: number;
  readonly span: Span;
  readonly previous: Closings;
}

/** The rows, and one for each register of the master data that never reported. */
export function composeMonth(
  { meterId, record, recordDamaged }: Pick<KnownMeter, "meterId" | "record" | "recordDamaged">,
  month: Month,
  reported: readonly RegisterSnapshot[],
  rules: ValuationRules = valuationRules,
): SnapshotContent {
  const rows = [...reported];
  for (const { register, unit } of record?.registers ?? []) {
    if (rows.some((row) => row.register === register)) continue;
    const channel = { register, unit, kind: "register", stepSeconds: 0 } as const;
    rows.push(rowOf(record, [{ channel, readings: emptyColumns() }], month, rules));
  }
  rows.sort((a, b) => (a.register < b.register ? -1 : a.register > b.register ? 1 : a.unit < b.unit ? -1 : 1));
  return {
    meterId,
    usagePointId: record?.usagePointId ?? meterId,
    period: month.period,
    boundary: month.span.boundary,
    registers: recordDamaged === true ? rows.map(withoutMasterData) : rows,
  };
}

/** By an unknown multiplier, in an unknown zone: what was read is shown, and nothing is made of it. */
function withoutMasterData(row: RegisterSnapshot): RegisterSnapshot {
  if (row.method === "MISSING") return row;
  const valueQuality = row.value === null ? row.valueQuality : "suspect";
  return {
    ...row,
    valueQuality,
    consumption: null,
    quality: "suspect",
    fault: "master_data_damaged",
    estimate: null,
  };
}

type Stored = Pick<KnownChannel, "channel" | "readings">;

function rowsOf(
  record: MeterRecord | undefined,
  channels: readonly Stored[],
  month: Month,
  rules: ValuationRules,
): RegisterSnapshot[] {
  const groups = Map.groupBy(channels, ({ channel }) => `${channel.register}|${channel.unit}`);
  return [...groups.values()].map((group) => rowOf(record, group, month, rules));
}

/** @param group the channels of one register and unit */
function rowOf(
  record: MeterRecord | undefined,
  group: readonly Stored[],
  { span, previous }: Month,
  rules: ValuationRules,
): RegisterSnapshot {
  const [{ channel }] = group as [Stored];
  const { register, unit } = channel;
  const spec = registerSpec(record, register);
  const by = { record, spec, rules };
  const part = partOf(span, record);
  const profiles = group
    .filter((one) => one.channel.kind === "interval")
    .map((one) => judgedProfile(one.channel, one.readings, by));
  const intervals = profiles.map(({ series }) => series);
  const cover = intervals.length === 0 ? undefined : coverIntervals(intervals, part.from, part.to);
  const totals = group.find((one) => one.channel.kind === "register");
  if (totals === undefined && cover !== undefined) {
    const findings = findingsWithin(profiles.flatMap((one) => one.findings).sort(byTime), part);
    return intervalRow({ register, unit, multiplier: spec.multiplier, cover, findings }, part, span);
  }
  const past = {
    register,
    unit,
    spec,
    record,
    ...judgedLine(totals?.readings ?? emptyColumns(), register, by),
    intervals,
    cover,
    previous: previous.find((row) => row.register === register && row.unit === unit),
    reach: "complete" as const,
  };
  return registerRow(past, span, rules);
}

function byTime(a: { readonly at: number }, b: { readonly at: number }): number {
  return a.at - b.at;
}
