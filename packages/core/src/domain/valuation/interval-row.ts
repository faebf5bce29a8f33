import { checkedAmount } from "../quantity/amount.ts";
import { readingQualities } from "../reading/reading.ts";
import type { Finding } from "../snapshot/finding.ts";
import { isDoubt } from "../snapshot/finding.ts";
import type { RegisterSnapshot } from "../snapshot/snapshot.ts";
import { withoutReadings } from "../snapshot/snapshot.ts";
import type { Cover } from "./cover/cover-intervals.ts";
import { worstOfCover } from "./cover/cover-intervals.ts";
import { withoutIntervals } from "./estimation/carried-on.ts";
import { darkIntervals } from "./estimation/dark-intervals.ts";
import type { RegisterSpec } from "./known-meter.ts";
import type { Part, Span } from "./month.ts";
import type { EstimatedFrom } from "./register-row.ts";
import type { ValuationRules } from "./valuation-rules.ts";

export interface IntervalPast {
  readonly register: string;
  readonly unit: RegisterSnapshot["unit"];
  readonly spec: RegisterSpec;
  readonly cover: Cover;
  readonly findings: readonly Finding[];
  /** Times without supply, ascending; none touches another. */
  readonly outages?: readonly Part[] | undefined;
  /** What a month without intervals is estimated from; undefined where it was not looked up. */
  readonly past?: EstimatedFrom | undefined;
}

/** `INTERVAL_SUM`: the row of a register that comes as intervals only. */
export function intervalRow(past: IntervalPast, part: Part, span: Span, rules: ValuationRules): RegisterSnapshot {
  const { present, absent, dark, sum, lastAt } = past.cover;
  const none = present === 0;
  const consumption = none ? null : checkedAmount(sum * past.spec.multiplier);
  const isOutOfRange = !none && consumption === null;
  const known = absent > 0 ? "incomplete" : (readingQualities[worstOfCover(past.cover)] ?? "suspect");
  const row: RegisterSnapshot = {
    ...withoutReadings(past.register, past.unit),
    from: part.from === span.start ? null : part.from,
    to: part.to === span.boundary ? null : part.to,
    consumption,
    quality: none ? "missing" : isOutOfRange ? "suspect" : known,
    method: none ? "MISSING" : "INTERVAL_SUM",
    origin: none ? null : "remote",
    readAt: none ? null : lastAt,
    intervals: { expected: present + absent + dark, present },
    fault: isOutOfRange ? "amount_out_of_range" : null,
    findings: past.findings,
    estimate: darkIntervals(past.cover, none ? null : consumption, {
      spec: past.spec,
      part,
      outages: past.outages ?? [],
    }),
  };
  if (!none || past.past === undefined || past.findings.some(({ rule }) => isDoubt(rule))) return row;
  return withoutIntervals({ ...past.past, frame: row, spec: past.spec, part }, rules) ?? row;
}
