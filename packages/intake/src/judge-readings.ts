import type { WireUnit } from "@meterbook/core/domain/quantity/amount";
import { wireUnits } from "@meterbook/core/domain/quantity/amount";
import type { AmountFault } from "@meterbook/core/domain/quantity/units";
import { amountTextMax, baseValue, exponentMax } from "@meterbook/core/domain/quantity/units";
import { kinds, marksOf, readingQualities, revisionMax } from "@meterbook/core/domain/reading/reading";
import type { Fault, RejectionReason } from "@meterbook/core/domain/validation/rejection-reason";
import type { DoorRules } from "./door-rules.ts";
import { doorRules } from "./door-rules.ts";
import type { Verdicts } from "./kept-readings.ts";
import { qualities, refused } from "./kept-readings.ts";
import type { WireFields, WireProfile, WireReading, WireReport } from "./wire-report.ts";
import { unitNames } from "./wire-report.ts";

/** Clocks of meters that lost their battery begin again in 1970 or 2000. */
const earliestAt = Date.UTC(2001, 0, 1) / 1000;
/**
 * Local midnights of all zones lie on quarter hours: what counts in steps from one ends on a multiple of what both
 * divide (V06).
 */
const midnightsGridSeconds = 900;
const stepSecondsMin = 60;
const daySeconds = 86_400;
/** Clocks that are changed make a local day, and a local month, at most so much longer or shorter. */
const clockChangeSecondsMax = 7200;
/** So much of what a meter sent is repeated in an explanation, in characters. */
const quotedMax = 40;

/** A refused reading: `index` counts readings first, then profiles flattened. */
export interface ReadingFault extends Fault {
  readonly index: number;
}

export interface Judgement {
  readonly faults: readonly ReadingFault[];
  /** By index; undefined when every reading is kept as it is. */
  readonly verdictOf: Verdicts | undefined;
}

/** What is known without looking at the readings. */
export interface Circumstances {
  readonly receivedAtMs: number;
  /** The time of receipt, or in a replay now: no reading lies far ahead of it. */
  readonly judgedAtMs?: number;
  /** Faults that were found before there was a reading to judge, by index. */
  readonly earlier?: ReadonlyMap<number, Fault>;
  /** Judge this reading only, and leave the others out. */
  readonly onlyIndex?: number;
  /** Those that repeat a frame of the meter (V16), by index. */
  readonly frozen?: ReadonlySet<number> | undefined;
  readonly rules?: DoorRules;
}

/** Checks every field of every reading of a report. Costs nothing but the checks when all is well. */
export function judgeReadings(
  report: WireReport,
  { receivedAtMs, judgedAtMs = receivedAtMs, earlier, onlyIndex, frozen, rules = doorRules }: Circumstances,
): Judgement {
  const receivedAt = Math.floor(judgedAtMs / 1000);
  const ofClock = clockMarks(report.sentAt, Math.floor(receivedAtMs / 1000), rules);
  const faults: ReadingFault[] = [];
  // What a meter writes into the fields of the door is left out by writing the report anew.
  let verdictOf = ofClock === 0 && !hasMarks(report) ? undefined : new Int32Array(report.count).fill(ofClock);

  function judge(index: number, at: number, fault: Fault | undefined): void {
    const isSkipped = onlyIndex !== undefined && onlyIndex !== index;
    if (fault !== undefined && !isSkipped) faults.push({ index, ...fault });
    const verdict = fault !== undefined || isSkipped ? refused : marksOfInstant(at, of) | ofClock;
    if (verdict === ofClock) return;
    verdictOf ??= new Int32Array(report.count);
    verdictOf[index] = verdict;
  }

  const of = atTheDoor(receivedAt, rules);
  report.readings.forEach((reading, index) => {
    judge(index, reading.at, earlier?.get(index) ?? readingFault(reading, of, index));
  });
  let index = report.readings.length;
  report.profiles.forEach((profile, number) => {
    judgeProfile(profile, number, of, (at, fault) => judge(index++, at, fault));
  });
  for (const number of frozen ?? []) {
    verdictOf ??= new Int32Array(report.count);
    if (verdictOf[number] !== refused) verdictOf[number] = (verdictOf[number] as number) | marks.frozen;
  }
  return { faults, verdictOf };
}

const marks = {
  old: marksOf([], ["too_old"]),
  future: marksOf([], ["in_future"]),
  off: marksOf([], ["clock_off"]),
  wrong: marksOf([], ["clock_wrong"]),
  frozen: marksOf([], ["frozen"]),
};

/** What does not depend on the reading. */
interface AtTheDoor {
  readonly rules: DoorRules;
  readonly suspectAfter: number;
  readonly refusedAfter: number;
  readonly oldBefore: number;
}

function atTheDoor(receivedAt: number, rules: DoorRules): AtTheDoor {
  return {
    rules,
    suspectAfter: receivedAt + rules.aheadSuspectSeconds,
    refusedAfter: receivedAt + rules.aheadRefusedSeconds,
    oldBefore: receivedAt - rules.oldSeconds,
  };
}

function marksOfInstant(at: number, { suspectAfter, oldBefore }: AtTheDoor): number {
  if (at > suspectAfter) return marks.future;
  return at < oldBefore ? marks.old : 0;
}

function clockMarks(sentAt: number, receivedAt: number, rules: DoorRules): number {
  if (sentAt === 0) return 0;
  const drift = Math.abs(sentAt - receivedAt);
  // A clock that says what is no safe integer says NaN here.
  if (!(drift <= rules.clockWrongSeconds)) return marks.wrong;
  return drift > rules.clockOffSeconds ? marks.off : 0;
}

function hasMarks({ readings, profiles }: WireReport): boolean {
  return readings.some((one) => one.marks !== 0) || profiles.some((one) => one.marks !== 0);
}

function readingFault(reading: WireReading, of: AtTheDoor, index: number): Fault | undefined {
  const wrong =
    fieldFault(reading) ?? stepFault(reading) ?? qualityFault(reading.quality) ?? revisionFault(reading.revision);
  const found =
    wrong ??
    atFault(reading, reading.at, of) ??
    valueFault(reading, reading.value, of.rules, tooLarge(reading, of.rules));
  return found && faultAt(`readings[${index}].${found[1]}`, found);
}

function judgeProfile(
  profile: WireProfile,
  number: number,
  of: AtTheDoor,
  judge: (at: number, fault: Fault | undefined) => void,
): void {
  const { start, stepSeconds, base, deltas, kind } = profile;
  const codes = qualities(profile);
  const common = fieldFault(profile) ?? profileStepFault(profile) ?? revisionFault(profile.revision);
  const commonFault = common && faultAt(`profiles[${number}].${common[1]}`, common);
  const limit = tooLarge(profile, of.rules);
  let amount = base;
  for (let i = 0; i < deltas.length; i += 1) {
    amount = (kind === 1 ? base : amount) + (deltas[i] as number);
    const at = start + i * stepSeconds;
    const digits = Number.isSafeInteger(amount) ? amount : Number.NaN;
    const found = commonFault
      ? undefined
      : (atFault(profile, at, of) ??
        valueFault(profile, digits, of.rules, limit) ??
        qualityFault(codes?.[i] ?? profile.quality));
    judge(at, commonFault ?? (found && faultAt(`profiles[${number}].deltas[${i}]`, found)));
  }
}

/** A fault without its place. */
type Finding = readonly [reason: RejectionReason, field: string, text: string];

function faultAt(place: string, [reason, , text]: Finding): Fault {
  return { reason, detail: `${place}: ${text}` };
}

function fieldFault({ register, unit, kind, exponent }: WireFields): Finding | undefined {
  if (register.canonical === undefined) {
    return [
      "register_invalid",
      "register",
      `${JSON.stringify(register.text.slice(0, quotedMax))} is not an OBIS code C.D.E or A-B:C.D.E`,
    ];
  }
  const unitName = unitNames[unit];
  if (unitName === undefined) return ["unit_unknown", "unit", `there is no unit ${unit}`];
  if (register.unit !== undefined && wireUnits[unitName].base !== register.unit) {
    return ["unit_mismatch", "unit", `${register.text} is counted in ${register.unit}, not in ${unitName}`];
  }
  if (kinds[kind] === undefined) return ["kind_unknown", "kind", `there is no kind ${kind}`];
  if (!(Math.abs(exponent) <= exponentMax)) {
    return ["exponent_invalid", "exponent", `must lie between -${exponentMax} and ${exponentMax}`];
  }
  return undefined;
}

function qualityFault(quality: number): Finding | undefined {
  if (readingQualities[quality] !== undefined) return undefined;
  return ["quality_unknown", "quality", `there is no quality ${quality}`];
}

/** A fault of the field `revision`. */
export function revisionFault(revision: number): Finding | undefined {
  if (Number.isSafeInteger(revision) && revision >= 0 && revision <= revisionMax) return undefined;
  return ["revision_invalid", "revision", `must be a whole number from 0 to ${revisionMax}`];
}

function stepFault({ kind, stepSeconds }: WireFields): Finding | undefined {
  if (kind === 1) return intervalStepFault(stepSeconds);
  if (stepSeconds === 0) return undefined;
  return ["step_on_register", "stepSeconds", "a register reading has no length; is it an interval?"];
}

/** In a profile the step is the spacing, which registers have too. */
function profileStepFault({ kind, stepSeconds, deltas }: WireProfile): Finding | undefined {
  if (kind === 1) return intervalStepFault(stepSeconds);
  if (stepSeconds > 0 || (stepSeconds === 0 && deltas.length === 1)) return undefined;
  return ["step_invalid", "stepSeconds", "must be the spacing of the readings in seconds"];
}

function intervalStepFault(stepSeconds: number): Finding | undefined {
  if (stepSeconds >= stepSecondsMin && daySeconds % stepSeconds === 0) return undefined;
  if (isLocalDayOrMonth(stepSeconds)) return undefined;
  const text = `must be at least ${stepSecondsMin} and divide a day evenly, or be a local day or month`;
  return ["step_invalid", "stepSeconds", text];
}

/** A day, or 28 to 31 of them, made longer or shorter by a change of clocks. */
function isLocalDayOrMonth(seconds: number): boolean {
  if (seconds % midnightsGridSeconds !== 0) return false;
  const days = Math.round(seconds / daySeconds);
  if (Math.abs(seconds - days * daySeconds) > clockChangeSecondsMax) return false;
  return days === 1 || (days >= 28 && days <= 31);
}

function atFault(
  { kind, stepSeconds }: WireFields,
  at: number,
  { refusedAfter, rules }: AtTheDoor,
): Finding | undefined {
  if (at < earliestAt)
    return ["at_too_old", "at", "lies before 2001-01-01T00:00:00Z: has the meter's clock been reset?"];
  if (!(at <= refusedAfter)) {
    const hours = rules.aheadRefusedSeconds / 3600;
    return ["at_in_future", "at", `lies more than ${hours} h ahead of the time of receipt`];
  }
  const gridSeconds = kind === 1 ? commonDivisor(stepSeconds, midnightsGridSeconds) : 1;
  if (kind === 1 && at % gridSeconds !== 0) {
    return ["at_off_grid", "at", `an interval of ${stepSeconds} s must end on a multiple of ${gridSeconds} s`];
  }
  return undefined;
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

function valueFault(
  { unit, exponent }: WireFields,
  digits: number,
  rules: DoorRules,
  limit: number,
): Finding | undefined {
  const unitName = unitNames[unit] as WireUnit;
  const value = baseValue(digits, exponent, unitName);
  if (typeof value !== "number") return amountFinding(value, unitName);
  if (digits < limit) return undefined;
  const text = `has more than ${rules.valueDigitsMax} digits before the decimal point, in ${unitName} as it was sent`;
  return ["value_too_large", "value", text];
}

/** V08: from so many digits on, as they are written with the exponent. */
function tooLarge({ exponent }: WireFields, { valueDigitsMax }: DoorRules): number {
  return powersOfTen[valueDigitsMax - exponent] ?? Number.POSITIVE_INFINITY;
}

/** Up to the most digits and the most decimals together. */
const powersOfTen = Array.from({ length: 16 + exponentMax + 1 }, (_, power) => 10 ** power);

/** The text of a fault of an amount. */
export function amountFinding(fault: AmountFault, unit: WireUnit): Finding {
  const { base } = wireUnits[unit];
  const texts: Record<AmountFault, string> = {
    value_invalid: `is not a plain decimal number of at most ${amountTextMax} characters`,
    value_negative: "must not be negative",
    value_too_precise: `has more decimals in ${unit} than whole ${base} can hold`,
    value_out_of_range: `is more than ${Number.MAX_SAFE_INTEGER} ${base}`,
    exponent_invalid: `its exponent must lie between -${exponentMax} and ${exponentMax}`,
  };
  return [fault, "value", texts[fault]];
}
