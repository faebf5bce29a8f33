import type { RegisterSnapshot, SnapshotContent } from "../snapshot/snapshot.ts";
import type { LocalCalendar } from "../time/local-calendar.ts";
import type { Closings } from "./month.ts";
import { spanOf } from "./month.ts";
import { highOrLow, withHighLow } from "./month-rules/judge-month.ts";
import type { ValuationRules } from "./valuation-rules.ts";
import { valuationRules } from "./valuation-rules.ts";

/** The rows of a month whose use is far from that of the month before (V19). */
export function unusualRows(
  { period, registers }: SnapshotContent,
  before: Closings,
  calendar: LocalCalendar,
  rules: ValuationRules = valuationRules,
): readonly RegisterSnapshot[] {
  if (before.length === 0) return [];
  const seconds = calendar.startOf(period) - calendar.startOf(period - 1);
  return highOrLow(registers, { span: spanOf(calendar, period), before, seconds }, rules);
}

/** The month that says so of them, but for those that are as they were in the same month of the year before. */
export function withUnusual(
  content: SnapshotContent,
  unusual: readonly RegisterSnapshot[],
  yearBefore: Closings,
  calendar: LocalCalendar,
  rules: ValuationRules = valuationRules,
): SnapshotContent {
  if (unusual.length === 0) return content;
  const { period, registers } = content;
  const span = spanOf(calendar, period);
  const seconds = calendar.boundaryOf(period - 12) - calendar.startOf(period - 12);
  const unlike = highOrLow(unusual, { span, before: yearBefore, seconds }, rules);
  const isKnown = (row: RegisterSnapshot) =>
    yearBefore.some((one) => one.register === row.register && one.unit === row.unit && typeof one.whole === "number");
  const found = unusual.filter((row) => unlike.includes(row) || !isKnown(row));
  return { ...content, registers: withHighLow(registers, found, span) };
}
