import type { Span } from "../closing/period-facts.ts";
import { checkedAmount } from "../quantity/amount.ts";
import type { Columns, ReadingSeries } from "../reading/reading.ts";
import { emptyColumns, lowerBound, readingQualities } from "../reading/reading.ts";
import type { SnapshotContent } from "../snapshot/snapshot.ts";
import { withoutReadings } from "../snapshot/snapshot.ts";
import type { LocalCalendar } from "../time/local-calendar.ts";
import { coverIntervals } from "./cover/cover-intervals.ts";
import { judgeRegister } from "./judge/judge-register.ts";
import type { KnownChannel, KnownMeter } from "./known-meter.ts";
import { registerSpec } from "./known-meter.ts";
import { registerLine } from "./line/register-line.ts";
import type { MonthRow } from "./month-row.ts";
import type { IssuedClosing } from "./register-row.ts";
import { partOf, registerRow } from "./register-row.ts";
import type { ValuationRules } from "./valuation-rules.ts";
import { valuationRules } from "./valuation-rules.ts";

/** A month as the engine makes it. */
export interface MonthContent extends Omit<SnapshotContent, "registers"> {
  readonly registers: readonly MonthRow[];
}

/**
 * One meter's month: a pure function of what is known of the meter and of what was issued for the month before.
 *
 * @param previous the closings issued for the month before; empty where there are none
 */
export function monthContent(
  meter: KnownMeter,
  period: number,
  calendar: LocalCalendar,
  previous: readonly IssuedClosing[],
  rules: ValuationRules = valuationRules,
): MonthContent {
  const span = { start: calendar.startOf(period), boundary: calendar.boundaryOf(period) };
  const present = meter.channels.filter((channel) => countsIn(meter, channel, period, calendar));
  const rows = groupsOf(present).map((group) => rowOf(meter, group, { span, previous }, rules));
  for (const { register, unit } of meter.record?.registers ?? []) {
    if (rows.some((row) => row.register === register)) continue;
    const channel = { register, unit, kind: "register", stepSeconds: 0 } as const;
    rows.push(rowOf(meter, [{ channel, readings: emptyColumns() }], { span, previous }, rules));
  }
  rows.sort((a, b) => (a.register < b.register ? -1 : a.register > b.register ? 1 : a.unit < b.unit ? -1 : 1));
  return {
    meterId: meter.meterId,
    usagePointId: meter.record?.usagePointId ?? meter.meterId,
    period,
    boundary: span.boundary,
    registers: meter.recordDamaged === true ? rows.map(withoutMasterData) : rows,
  };
}

/** All months from one to another, each opening with the one before. */
export function monthsOf(
  meter: KnownMeter,
  { from, to }: { readonly from: number; readonly to: number },
  calendar: LocalCalendar,
  rules: ValuationRules = valuationRules,
): MonthContent[] {
  const months: MonthContent[] = [];
  for (let period = from; period <= to; period += 1) {
    months.push(monthContent(meter, period, calendar, months.at(-1)?.registers ?? [], rules));
  }
  return months;
}

/** From its first reading on, and a register of an installed meter from the installation on: its opening is known. */
function countsIn(
  { record }: KnownMeter,
  { channel, first }: KnownChannel,
  period: number,
  calendar: LocalCalendar,
): boolean {
  if (calendar.periodOf(first.at - channel.stepSeconds) <= period) return true;
  const installed = record?.installed;
  if (channel.kind !== "register" || installed?.values[channel.register] === undefined) return false;
  return calendar.periodOf(installed.at) <= period;
}

/** One channel, or several of one register and unit. */
type Group = readonly Pick<KnownChannel, "channel" | "readings">[];

function groupsOf(channels: readonly KnownChannel[]): Group[] {
  return [...Map.groupBy(channels, ({ channel }) => `${channel.register}|${channel.unit}`).values()];
}

interface Month {
  readonly span: Span;
  readonly previous: readonly IssuedClosing[];
}

function rowOf({ record }: KnownMeter, group: Group, { span, previous }: Month, rules: ValuationRules): MonthRow {
  const [{ channel }] = group as [Group[number]];
  const { register, unit } = channel;
  const spec = registerSpec(record, register);
  const [from, to] = [span.start - rules.reachSecondsMax, span.boundary + rules.reachSecondsMax];
  const intervals = group.flatMap((one) => (one.channel.kind === "interval" ? [seriesOf(one)] : []));
  const totals = group.find((one) => one.channel.kind === "register");
  if (totals === undefined)
    return intervalRow(intervals, { register, unit, multiplier: spec.multiplier }, partOf(span, record), span);
  const judged = judgeRegister(sliced(totals.readings, from, to), { register, record, spec }, rules);
  const line = registerLine(judged.readings, spec.modulus);
  const before = previous.find((row) => row.register === register && row.unit === unit);
  return registerRow(
    { register, unit, spec, line, intervals, findings: judged.findings, previous: before, record },
    span,
    rules,
  );
}

function seriesOf({ channel, readings }: Group[number]): ReadingSeries {
  return { channel, ...readings };
}

function sliced(columns: Columns, from: number, to: number): Columns {
  const [start, end] = [lowerBound(columns, from), lowerBound(columns, to + 1)];
  if (start === 0 && end === columns.at.length) return columns;
  return {
    at: columns.at.slice(start, end),
    value: columns.value.slice(start, end),
    code: columns.code.slice(start, end),
  };
}

/** The row of a register that comes as intervals only. */
function intervalRow(
  series: readonly ReadingSeries[],
  {
    register,
    unit,
    multiplier,
  }: { readonly register: string; readonly unit: MonthRow["unit"]; readonly multiplier: number },
  part: { readonly from: number; readonly to: number },
  span: Span,
): MonthRow {
  const { present, absent, sum, worst, lastAt } = coverIntervals(series, part.from, part.to);
  const none = present === 0;
  const consumption = none ? null : checkedAmount(sum * multiplier);
  const isOutOfRange = !none && consumption === null;
  const known = absent > 0 ? "incomplete" : (readingQualities[worst] ?? "suspect");
  return {
    ...withoutReadings(register, unit),
    openingAt: null,
    carried: null,
    from: part.from === span.start ? null : part.from,
    to: part.to === span.boundary ? null : part.to,
    findings: [],
    estimate: null,
    consumption,
    quality: none ? "missing" : isOutOfRange ? "suspect" : known,
    method: none ? "MISSING" : "INTERVAL_SUM",
    origin: none ? null : "remote",
    readAt: none ? null : lastAt,
    intervals: { expected: present + absent, present },
    fault: isOutOfRange ? "amount_out_of_range" : null,
  };
}

/** By an unknown multiplier, in an unknown zone: what was read is shown, and nothing is made of it. */
function withoutMasterData(row: MonthRow): MonthRow {
  if (row.method === "MISSING") return row;
  const valueQuality = row.value === null ? row.valueQuality : "suspect";
  return { ...row, valueQuality, consumption: null, quality: "suspect", fault: "master_data_damaged" };
}
