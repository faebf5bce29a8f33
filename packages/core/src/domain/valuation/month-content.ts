import { emptyColumns } from "../reading/reading.ts";
import { installationsOf } from "../registry/installations.ts";
import type { MeterRecord } from "../registry/meter-record.ts";
import { recordOfMonth } from "../registry/record-of-month.ts";
import type { RegisterSnapshot, SnapshotContent } from "../snapshot/snapshot.ts";
import type { LocalCalendar } from "../time/local-calendar.ts";
import type { PastMonth } from "./estimation/past-month.ts";
import { pastMonths } from "./estimation/past-month.ts";
import type { KnownChannel, KnownMeter } from "./known-meter.ts";
import type { Closings, Month } from "./month.ts";
import { closingsOf, spanOf } from "./month.ts";
import { judgeMonth } from "./month-rules/judge-month.ts";
import { rowsOf, rowsOfRegister } from "./rows-of-meter.ts";
import { unusualRows, withUnusual } from "./unusual-use.ts";
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
  const { history, outages } = known;
  const month = { period, span: spanOf(calendar, period), previous, history, outages };
  const present = known.channels.filter(({ channel, first }) =>
    countsIn(channel, first, { meter: known, period, calendar }),
  );
  return composeMonth(known, month, rowsOf(known.record, present, month, rules), rules);
}

/** All months from one to another, each opening with the one before. */
export function monthsOf(
  meter: KnownMeter,
  { from, to }: { readonly from: number; readonly to: number },
  calendar: LocalCalendar,
  rules: ValuationRules = valuationRules,
): SnapshotContent[] {
  const months: SnapshotContent[] = [];
  const history: PastMonth[] = [];
  for (let period = from; period <= to; period += 1) {
    const previous = closingsOf(months.at(-1)?.registers ?? []);
    const content = monthContent({ ...meter, history }, period, calendar, previous, rules);
    const odd = unusualRows(content, previous, calendar, rules);
    const month = withUnusual(content, odd, closingsOf(months.at(-12)?.registers ?? []), calendar, rules);
    months.push(month);
    history.push(...pastMonths({ ...month, revision: 1 }, calendar));
  }
  return months;
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
  const { record } = of.meter;
  if (channel.kind !== "register" || record === undefined) return false;
  return installationsOf(record).some(
    ({ installed }) =>
      installed?.values[channel.register] !== undefined && of.calendar.periodOf(installed.at) <= of.period,
  );
}

/** Whether what was issued before may say something of a month of which nothing credible was read at its end. */
export function wantsHistory(content: SnapshotContent, { record, previous }: Wants): boolean {
  return content.registers.some(({ register, method, quality, fault, before, openingAt }) => {
    const isDoubted = fault === "readings_suspect" && before !== null;
    if (method !== "MISSING" || (quality !== "missing" && !isDoubted)) return false;
    if (previous.length > 0) return true;
    const isCounted = before !== null && openingAt !== null && before.at > openingAt;
    return isCounted || record?.registers.find((one) => one.register === register)?.annualUse !== undefined;
  });
}

interface Wants {
  readonly record: MeterRecord | undefined;
  readonly previous: Closings;
}

/** The rows, and those of each register of the master data that never reported. */
export function composeMonth(
  { meterId, record: known, recordDamaged }: Pick<KnownMeter, "meterId" | "record" | "recordDamaged">,
  month: Month,
  reported: readonly RegisterSnapshot[],
  rules: ValuationRules = valuationRules,
): SnapshotContent {
  const rows = [...reported];
  const { span } = month;
  const record = recordOfMonth(known, span);
  for (const { register, unit } of record?.registers ?? []) {
    if (rows.some((row) => row.register === register)) continue;
    const channel = { register, unit, kind: "register", stepSeconds: 0 } as const;
    rows.push(...rowsOfRegister(known, [{ channel, readings: emptyColumns() }], month, rules));
  }
  rows.sort((a, b) => (a.register < b.register ? -1 : a.register > b.register ? 1 : a.unit < b.unit ? -1 : 1));
  return {
    meterId,
    usagePointId: record?.usagePointId ?? meterId,
    period: month.period,
    boundary: span.boundary,
    registers: recordDamaged === true ? rows.map(withoutMasterData) : judgeMonth(rows, { record, span }, rules),
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
