import { isUncertain } from "./expected-counts.ts";
import type { Findings } from "./findings.ts";
import type { StoredReading } from "./meterbook-api.ts";
import type { MeterTruth, Sent, Truth } from "./read-truth.ts";
import { flagEstimated, sentByInstant } from "./read-truth.ts";

/** A stored reading and what the fleet knows of it; ascending by `at` in a list. */
export interface KnownReading {
  readonly at: number;
  readonly value: number;
  /** Not what the meter counted at that instant, or flagged as estimated (`flagEstimated`, `flagWrong`). */
  readonly flags: number;
}

/**
 * Compares what is stored of a meter with what was sent; answers the stored readings by register.
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
    const accepted: KnownReading[] = [];
    for (const reading of found) {
      const candidates = sent.get(reading.at);
      const of = comparedWith(
        truth,
        () => `${meter.meterId} ${register} ${instantText(reading.at)}`,
        reading,
        candidates,
        series.unit,
        findings,
      );
      accepted.push({ at: reading.at, value: reading.value, flags: of?.flags ?? 0 });
    }
    compareMissing(truth, `${meter.meterId} ${register}`, sent, new Set(found.map(({ at }) => at)), findings);
    known.set(register, accepted);
  }
  return known;
}

function compareMissing(
  truth: Truth,
  where: string,
  sent: Map<number, Sent[]>,
  stored: ReadonlySet<number>,
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

/** Answers what was sent that the stored reading is; undefined where nothing was. */
function comparedWith(
  truth: Truth,
  where: () => string,
  reading: StoredReading,
  candidates: readonly Sent[] | undefined,
  unit: string,
  findings: Findings,
): Sent | undefined {
  const matching = candidates?.find(({ value }) => value === reading.value);
  findings.looked("phantom");
  if (candidates === undefined || matching === undefined || reading.unit !== unit || reading.kind !== "register") {
    const sent = candidates?.map(({ value }) => value).join(", ") ?? "nothing";
    findings.differs(
      "phantom",
      where(),
      `${reading.kind} ${reading.value} ${reading.unit} is stored, sent was ${sent} ${unit}`,
    );
    return undefined;
  }
  findings.looked("quality");
  const quality = (matching.flags & flagEstimated) !== 0 ? "estimated" : "actual";
  if (reading.quality !== quality)
    findings.differs("quality", where(), `is ${reading.quality}, was sent as ${quality}`);
  if (candidates.length > 1 && !candidates.some(({ message }) => isUncertain(truth, message))) {
    const best = Math.min(...candidates.map(({ flags }) => flags & flagEstimated));
    const first = candidates.find(({ flags }) => (flags & flagEstimated) === best);
    findings.looked("value");
    if (first?.value !== reading.value)
      findings.differs("value", where(), `${reading.value} is stored, but ${first?.value} came first`);
  }
  return matching;
}

export function instantText(at: number): string {
  return new Date(at * 1000).toISOString().replace(".000Z", "Z");
}
