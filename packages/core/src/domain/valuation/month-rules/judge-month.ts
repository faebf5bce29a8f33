import { type RegisteredMeter, supplyAt } from "../../registry/registered-meter.ts";
import { isActive } from "../../registry/supply-status.ts";
import type { Finding, RuleCode } from "../../snapshot/finding.ts";
import { findingsMax } from "../../snapshot/finding.ts";
import type { RegisterSnapshot } from "../../snapshot/snapshot.ts";
import { registerSpec } from "../known-meter.ts";
import type { Closings, Span } from "../month.ts";
import { wholeUse } from "../month.ts";
import type { ValuationRules } from "../valuation-rules.ts";
import { isHighOrLow } from "./v19-high-low.ts";
import { tariffsThatDiffer } from "./v21-tariff-sum.ts";
import { absentSiblings } from "./v22-sibling.ts";
import { isZeroUse } from "./v23-zero-use.ts";
import { isUnexpectedExport } from "./v27-export.ts";

export interface JudgedMonth {
  readonly record: RegisteredMeter | undefined;
  readonly span: Span;
}

/** The rows with what the rules say of the month as a whole (V21, V22, V23, V27). None of it changes a number. */
export function judgeMonth(
  rows: readonly RegisterSnapshot[],
  { record, span }: JudgedMonth,
  rules: ValuationRules,
): readonly RegisterSnapshot[] {
  const registers = record?.registers ?? [];
  const multiplierOf = (register: string) => registerSpec(record, register).multiplier;
  const differ = rows.length < 3 ? [] : tariffsThatDiffer(rows, multiplierOf, rules);
  const absent =
    registers.length < 2
      ? []
      : absentSiblings(
          rows,
          registers.map(({ register }) => register),
        );
  const statusesAt = ({ usagePointId }: RegisterSnapshot) =>
    usagePointId === null || record === undefined ? record?.statuses : supplyAt(record, usagePointId).statuses;
  return rows.map((row) => {
    const said: RuleCode[] = [];
    if (differ.includes(row)) said.push("V21");
    if (absent.includes(row)) said.push("V22");
    const part = { from: row.openingAt ?? row.from ?? span.start, to: row.to ?? span.boundary };
    if (isZeroUse(row, part.to - part.from, rules) && isActive(statusesAt(row), part)) said.push("V23");
    if (isUnexpectedExport(row, registers)) said.push("V27");
    return withFindings(row, said, span);
  });
}

/**
 * V19: the rows whose use of a day is far from that of the month before. Where the same month of the year before is
 * known and is like it, it is the season.
 */
export function highOrLow(
  rows: readonly RegisterSnapshot[],
  { span, before, seconds }: { readonly span: Span; readonly before: Closings; readonly seconds: number },
  rules: ValuationRules,
): readonly RegisterSnapshot[] {
  return rows.filter((row) => {
    const [now, known] = [wholeUse(row), closingBefore(before, row)?.whole ?? null];
    // An estimate is nobody's use.
    if (now === null || known === null || row.quality === "estimated") return false;
    return isHighOrLow({ amount: now, seconds: span.boundary - span.start }, { amount: known, seconds }, rules);
  });
}

export function withHighLow(
  rows: readonly RegisterSnapshot[],
  found: readonly RegisterSnapshot[],
  span: Span,
): readonly RegisterSnapshot[] {
  return found.length === 0 ? rows : rows.map((row) => (found.includes(row) ? withFindings(row, ["V19"], span) : row));
}

function closingBefore(closings: Closings, { register, unit }: RegisterSnapshot) {
  return closings.find((one) => one.register === register && one.unit === unit);
}

function withFindings(row: RegisterSnapshot, said: readonly RuleCode[], span: Span): RegisterSnapshot {
  if (said.length === 0) return row;
  const at = row.to ?? span.boundary;
  const findings: Finding[] = said.map((rule) => ({ rule, at }));
  return { ...row, findings: [...row.findings.slice(0, findingsMax - said.length), ...findings] };
}
