import { isUncertain } from "./expected-counts.ts";
import type { Findings } from "./findings.ts";
import type { StoredReading } from "./meterbook-api.ts";
import type { MeterTruth, Sent, Truth } from "./read-truth.ts";
import { flagEstimated, sentByInstant } from "./read-truth.ts";

/** A reading that must be stored, and what the fleet knows of it; ascending by `at` in a list. */
export interface KnownReading {
  readonly at: number;
  readonly value: number;
  /** Not what the meter counted at that instant, or flagged as estimated (`flagEstimated`, `flagWrong`). */
  readonly flags: number;
}

/**
 * Compares what is stored of a meter with what was sent. Answers by register what must be stored: months are judged by
 * that, and not by what the store holds.
 *
 * Every acknowledged instant must be there, nothing that was not sent, and of several values for one instant the one
 * that came first (an estimate gives way to an actual reading).
 */
export function compareReadings(
  truth: Truth,
  meter: MeterTruth,
  stored: readonly StoredReading[],
  findings: Findings,
): Map<string, KnownReading[]> {
  const known = new Map<string, KnownReading[]>();
  const byRegister = Map.groupBy(stored, ({ register }) => register);
  for (const [register, readings] of byRegister) {
    if (meter.registers.has(register)) continue;
    findings.differs(
      "phantom",
      `${meter.meterId} ${register}`,
      `${readings.length} readings of a register that the meter does not have`,
    );
  }
  for (const [register, series] of meter.registers) {
    const sent = sentByInstant(series);
    const found = byRegister.get(register) ?? [];
    for (const reading of found) {
      const where = () => `${meter.meterId} ${register} ${instantText(reading.at)}`;
      compareOne({ truth, findings, where, unit: series.unit }, reading, sent.get(reading.at));
    }
    const stored = new Map(found.map((reading) => [reading.at, reading]));
    compareMissing(truth, `${meter.meterId} ${register}`, sent, stored, findings);
    known.set(register, mustBeThere(truth, sent, stored));
  }
  return known;
}

/**
 * For each instant what was acknowledged. If it is not known what arrived, or in which order, it is what is stored of
 * what was sent.
 */
function mustBeThere(
  truth: Truth,
  sent: ReadonlyMap<number, readonly Sent[]>,
  stored: ReadonlyMap<number, StoredReading>,
): KnownReading[] {
  const readings: KnownReading[] = [];
  for (const candidates of sent.values()) {
    const isCertain = !candidates.some(({ message }) => isUncertain(truth, message));
    const found = candidates.find(({ at, value }) => value === stored.get(at)?.value);
    const acknowledged = candidates.filter(({ message }) => truth.acknowledged.has(message));
    const one = isCertain ? firstOfBest(candidates) : (found ?? firstOfBest(acknowledged));
    if (one !== undefined) readings.push(one);
  }
  return readings.sort((a, b) => a.at - b.at);
}

/** An estimate gives way to an actual reading; else the first that came counts. */
function firstOfBest(candidates: readonly Sent[]): Sent | undefined {
  const best = Math.min(...candidates.map(({ flags }) => flags & flagEstimated));
  return candidates.find(({ flags }) => (flags & flagEstimated) === best);
}

function compareMissing(
  truth: Truth,
  where: string,
  sent: Map<number, Sent[]>,
  stored: ReadonlyMap<number, StoredReading>,
  findings: Findings,
): void {
  for (const [at, candidates] of sent) {
    const acknowledged = candidates.find(({ message }) => truth.acknowledged.has(message));
    if (acknowledged === undefined) continue;
    findings.looked("stored");
    if (stored.has(at)) continue;
    findings.differs(
      "stored",
      `${where} ${instantText(at)}`,
      `${acknowledged.value} was acknowledged (message ${acknowledged.message}) and is not stored`,
    );
  }
}

interface Place {
  readonly truth: Truth;
  readonly findings: Findings;
  readonly where: () => string;
  readonly unit: string;
}

function compareOne(
  { truth, findings, where, unit }: Place,
  reading: StoredReading,
  candidates: readonly Sent[] | undefined,
): void {
  const matching = candidates?.find(({ value }) => value === reading.value);
  findings.looked("phantom");
  if (candidates === undefined || matching === undefined || reading.unit !== unit || reading.kind !== "register") {
    const sent = candidates?.map(({ value }) => value).join(", ") ?? "nothing";
    findings.differs(
      "phantom",
      where(),
      `${reading.kind} ${reading.value} ${reading.unit} is stored, sent was ${sent} ${unit}`,
    );
    return;
  }
  findings.looked("quality");
  const quality = (matching.flags & flagEstimated) !== 0 ? "estimated" : "actual";
  if (reading.quality !== quality)
    findings.differs("quality", where(), `is ${reading.quality}, was sent as ${quality}`);
  if (candidates.length > 1 && !candidates.some(({ message }) => isUncertain(truth, message))) {
    const first = firstOfBest(candidates);
    findings.looked("value");
    if (first?.value !== reading.value)
      findings.differs("value", where(), `${reading.value} is stored, but ${first?.value} came first`);
  }
}

export function instantText(at: number): string {
  return new Date(at * 1000).toISOString().replace(".000Z", "Z");
}
