import type { Findings } from "./findings.ts";
import type { Status } from "./meterbook-api.ts";
import type { MeterTruth, Sent, Truth } from "./read-truth.ts";
import { sentByInstant } from "./read-truth.ts";

/** What the counts must be; ranges where a connection broke, because nobody knows then what arrived twice. */
export interface ExpectedCounts {
  received: Range;
  stored: Range;
  duplicates: Range;
  conflicts: Range;
  rejected: Range;
}

interface Range {
  min: number;
  max: number;
}

/** `uncertain`: was sent again, or never acknowledged. */
export function isUncertain(truth: Truth, message: number): boolean {
  return truth.resent.has(message) || !truth.acknowledged.has(message);
}

export function expectedCounts(truth: Truth): ExpectedCounts {
  const counts: ExpectedCounts = {
    received: none(),
    stored: none(),
    duplicates: none(),
    conflicts: none(),
    rejected: none(),
  };
  for (const [message, readings] of truth.readingsOf) {
    const arrivals = { min: truth.acknowledged.has(message) ? 1 : 0, max: 1 + (truth.resent.get(message) ?? 0) };
    addTo(counts.received, arrivals, Math.abs(readings));
    if (readings < 0) addTo(counts.rejected, arrivals, 1);
  }
  for (const meter of truth.meters.values()) {
    for (const series of meter.registers.values()) {
      for (const sent of sentByInstant(series).values()) addInstant(counts, truth, sent);
    }
  }
  return counts;
}

/** The first that came is stored, the same value again is a duplicate, another value a conflict. */
function addInstant(counts: ExpectedCounts, truth: Truth, sent: readonly Sent[]): void {
  const sure = sent.some(({ message }) => truth.acknowledged.has(message));
  addTo(counts.stored, { min: sure ? 1 : 0, max: 1 }, 1);
  const differing = new Set(sent.map(({ value }) => value)).size > 1;
  const again = sent.reduce((sum, { message }) => sum + (truth.resent.get(message) ?? 0), 0);
  if (sent.some(({ message }) => isUncertain(truth, message))) {
    const most = sent.length - 1 + again;
    addTo(counts.duplicates, { min: 0, max: most }, 1);
    addTo(counts.conflicts, { min: 0, max: differing ? most : 0 }, 1);
    return;
  }
  const [first, ...later] = sent;
  for (const one of later)
    addTo(one.value === first?.value ? counts.duplicates : counts.conflicts, { min: 1, max: 1 }, 1);
}

function none(): Range {
  return { min: 0, max: 0 };
}

function addTo(range: Range, arrivals: Range, each: number): void {
  range.min += arrivals.min * each;
  range.max += arrivals.max * each;
}

/** These grow when a message arrives again, and no others do. */
const countsOfArrivals: readonly (keyof ExpectedCounts)[] = ["received", "duplicates", "rejected"];

/**
 * `shared`: others send to the same server, so that its counts say nothing about this fleet alone. `redelivered`: a
 * broker stands between, which may deliver more than once what it got once.
 */
export function compareCounts(
  truth: Truth,
  status: Status,
  findings: Findings,
  { shared, redelivered }: { readonly shared: boolean; readonly redelivered: boolean },
): void {
  const parts = status.stored + status.duplicates + status.conflicts + status.rejected + status.inFlight;
  findings.looked("conservation");
  if (parts !== status.received) {
    findings.differs(
      "conservation",
      "/v1/status",
      `received ${status.received}, but the parts add up to ${parts}: ${JSON.stringify(status)}`,
    );
  }
  if (shared) return;
  const expected = expectedCounts(truth);
  for (const name of Object.keys(expected) as (keyof ExpectedCounts)[]) {
    const { min } = expected[name];
    const max = redelivered && countsOfArrivals.includes(name) ? Number.POSITIVE_INFINITY : expected[name].max;
    const found = status[name];
    findings.looked("counts");
    if (found >= min && found <= max) continue;
    findings.differs(
      "counts",
      `/v1/status ${name}`,
      `is ${found}, but ${min === max ? min : `${min} to ${max}`} must be there`,
    );
  }
}

/** The refused values that the list of a meter's conflicts must hold. */
export function expectedConflicts(truth: Truth, meter: MeterTruth): { register: string; at: number; value: number }[] {
  return [...meter.registers].flatMap(([register, series]) =>
    [...sentByInstant(series)].flatMap(([at, sent]) => {
      if (sent.some(({ message }) => isUncertain(truth, message))) return [];
      const refused = sent.filter(({ value }) => value !== sent[0]?.value);
      return refused.map(({ value }) => ({ register, at, value }));
    }),
  );
}
