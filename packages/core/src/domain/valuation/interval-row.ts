import { checkedAmount } from "../quantity/amount.ts";
import { readingQualities } from "../reading/reading.ts";
import type { Finding } from "../snapshot/finding.ts";
import type { RegisterSnapshot } from "../snapshot/snapshot.ts";
import { withoutReadings } from "../snapshot/snapshot.ts";
import type { Cover } from "./cover/cover-intervals.ts";
import type { Part, Span } from "./month.ts";

export interface IntervalPast {
  readonly register: string;
  readonly unit: RegisterSnapshot["unit"];
  readonly multiplier: number;
  readonly cover: Cover;
  readonly findings: readonly Finding[];
}

/** `INTERVAL_SUM`: the row of a register that comes as intervals only. */
export function intervalRow(past: IntervalPast, part: Part, span: Span): RegisterSnapshot {
  const { present, absent, sum, worst, lastAt } = past.cover;
  const none = present === 0;
  const consumption = none ? null : checkedAmount(sum * past.multiplier);
  const isOutOfRange = !none && consumption === null;
  const known = absent > 0 ? "incomplete" : (readingQualities[worst] ?? "suspect");
  return {
    ...withoutReadings(past.register, past.unit),
    from: part.from === span.start ? null : part.from,
    to: part.to === span.boundary ? null : part.to,
    consumption,
    quality: none ? "missing" : isOutOfRange ? "suspect" : known,
    method: none ? "MISSING" : "INTERVAL_SUM",
    origin: none ? null : "remote",
    readAt: none ? null : lastAt,
    intervals: { expected: present + absent, present },
    fault: isOutOfRange ? "amount_out_of_range" : null,
    findings: past.findings,
  };
}
