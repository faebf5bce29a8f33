/** A running total at an instant, or an amount over a span: two different things that are never mixed. */
export type Kind = "register" | "interval";
export const kinds = ["register", "interval"] as const satisfies readonly Kind[];

/** How good a reading is, best first; the index is its number on the wire and in the store. */
export const readingQualities = ["actual", "derived", "estimated", "suspect"] as const;
export type ReadingQuality = (typeof readingQualities)[number];

/** Who read the meter; the index is its number on the wire and in the store. */
export const origins = ["remote", "customer", "inspector", "operator", "estimator", "import"] as const;
export type Origin = (typeof origins)[number];

/** What a meter says of itself when it reports; the index is its number on the wire and in the store. */
export const meterFlags = ["clock_invalid", "data_invalid", "critical", "clock_adjusted", "power_down"] as const;
export type MeterFlag = (typeof meterFlags)[number];

/**
 * What can be known of a reading only when it comes, and is kept with it. By the time of receipt: too old (V09), ahead
 * of it (V10), from a meter whose clock is wrong (V25), or nearly so (V25 as a warning). By what came before: the same
 * frame of the meter once more (V16), another value for the same instant (V12). The index is its number in the store.
 */
export const doorFindings = ["too_old", "in_future", "clock_wrong", "clock_off", "frozen", "second_value"] as const;
export type DoorFinding = (typeof doorFindings)[number];

/** Energy in whole watt-hours, reactive energy in whole var-hours, volume in whole litres. */
export const baseUnits = ["Wh", "varh", "L"] as const;
export type BaseUnit = (typeof baseUnits)[number];

/**
 * What a meter measures as one series. `stepSeconds` is the length of an interval and 0 for registers.
 * Two channels are the same when all four fields are equal (`channelKey`).
 */
export interface Channel {
  readonly register: string;
  readonly kind: Kind;
  readonly unit: BaseUnit;
  readonly stepSeconds: number;
}

export function channelKey(channel: Channel): string {
  return `${channel.register}|${channel.kind}|${channel.unit}|${channel.stepSeconds}`;
}

/**
 * All that is known of one reading beside its instant and its value, in one number: quality, origin, flags of the
 * meter, findings of the door, revision. 0 is an actual remote reading of which nothing else is said. Only the
 * functions here look into it.
 */
export type ReadingCode = number;

/** From the lowest bit: 3 of quality, 3 of origin, 6 of flags, 7 of findings; above them the revision. */
const originShift = 3;
const flagShift = 6;
const findingShift = 12;
const revisionUnit = 2 ** 19;
const marksMask = revisionUnit - 2 ** flagShift;
export const revisionMax = 2 ** 32 - 1;

const suspectMask = marksOf(["clock_invalid", "data_invalid", "critical"], ["in_future", "clock_wrong"]);

/** The part of a code that is said of readings by their meter and by the door. */
export function marksOf(flags: readonly MeterFlag[], findings: readonly DoorFinding[] = []): number {
  let marks = 0;
  for (const flag of flags) marks |= 1 << (flagShift + meterFlags.indexOf(flag));
  for (const finding of findings) marks |= 1 << (findingShift + doorFindings.indexOf(finding));
  return marks;
}

const remarkMask = marksOf([], ["frozen", "second_value"]);
const secondValueMark = marksOf([], ["second_value"]);

/** Whether a month says something of the reading although nothing is against it (V12, V16). */
export function hasRemark(code: ReadingCode): boolean {
  return (code & remarkMask) !== 0;
}

/** Whether another value came for the same instant (V12). */
export function hasSecondValue(code: ReadingCode): boolean {
  return (code & secondValueMark) !== 0;
}

/** The code of the reading that is in effect where there is another value. */
export function withSecondValue(code: ReadingCode): ReadingCode {
  return hasSecondValue(code) ? code : code + secondValueMark;
}

export function withoutSecondValue(code: ReadingCode): ReadingCode {
  return hasSecondValue(code) ? code - secondValueMark : code;
}

/** Any of them may be absent; `marks` as `marksOf` answers them. */
export interface CodeParts {
  readonly marks?: number;
  readonly revision?: number;
}

export function readingCode(
  quality: ReadingQuality,
  origin: Origin,
  { marks = 0, revision = 0 }: CodeParts = {},
): ReadingCode {
  const low = readingQualities.indexOf(quality) + (origins.indexOf(origin) << originShift);
  return low + marks + revision * revisionUnit;
}

/** The index of the quality that counts: a reading that its meter or the door doubts is suspect, whatever was sent. */
export function qualityIndexOf(code: ReadingCode): number {
  return (code & suspectMask) === 0 ? code & 7 : suspectIndex;
}

const suspectIndex = readingQualities.indexOf("suspect");

export function qualityOf(code: ReadingCode): ReadingQuality {
  return readingQualities[qualityIndexOf(code)] as ReadingQuality;
}

/** The index of the quality that was sent. */
export function sentQualityIndexOf(code: ReadingCode): number {
  return code & 7;
}

export function originOf(code: ReadingCode): Origin {
  return origins[(code >> originShift) & 7] as Origin;
}

export function flagsOf(code: ReadingCode): MeterFlag[] {
  return meterFlags.filter((_, index) => ((code >> (flagShift + index)) & 1) === 1);
}

export function findingsOf(code: ReadingCode): DoorFinding[] {
  return doorFindings.filter((_, index) => ((code >> (findingShift + index)) & 1) === 1);
}

/** Flags and findings, as `marksOf` answers them. */
export function codeMarks(code: ReadingCode): number {
  return code & marksMask;
}

/** 0 where the source said none. */
export function revisionOf(code: ReadingCode): number {
  return Math.floor(code / revisionUnit);
}

/** The code without its revision, below `bareCodesMax`. */
export function bareCode(code: ReadingCode): ReadingCode {
  return code & (revisionUnit - 1);
}

export const bareCodesMax = revisionUnit;

/** Whether a number that comes from elsewhere is a code. */
export function isReadingCode(code: number): boolean {
  if (code === 0) return true;
  if (!(Number.isSafeInteger(code) && code > 0 && code < revisionUnit * (revisionMax + 1))) return false;
  const isKnown = (code & 7) < readingQualities.length && ((code >> originShift) & 7) < origins.length;
  return isKnown && (code & marksMask & ~marksOf(meterFlags, doorFindings)) === 0;
}

/** From numbers as they travel: indexes of quality and origin, marks and revision, all of them known to be right. */
export function codeOfNumbers(quality: number, originIndex: number, marks: number, revision: number): ReadingCode {
  return quality + originIndex * 2 ** originShift + marks + revision * revisionUnit;
}

/**
 * Readings of one channel in columns: `at[i]`, `value[i]` and `code[i]` belong together.
 *
 * `at` is in whole seconds since 1970 UTC (an interval's END), `value` a safe integer in the base unit.
 * Columns instead of objects, because a month of quarter hours is 2 976 readings and the fleet sends 18 500 a second.
 */
export interface Columns {
  readonly at: number[];
  readonly value: number[];
  readonly code: ReadingCode[];
}

export interface ReadingSeries extends Columns {
  readonly channel: Channel;
}

/** One reading, where one is meant: evidence, anchors, the API. */
export interface Reading {
  readonly at: number;
  readonly value: number;
  readonly code: ReadingCode;
}

export function emptyColumns(): Columns {
  return { at: [], value: [], code: [] };
}

export function readingAt(columns: Columns, index: number): Reading {
  return {
    at: columns.at[index] as number,
    value: columns.value[index] as number,
    code: columns.code[index] as number,
  };
}

export function pushReading(columns: Columns, at: number, value: number, code: ReadingCode): void {
  columns.at.push(at);
  columns.value.push(value);
  columns.code.push(code);
}

/** The index of the first reading at or after `at` (columns ascending); the length when there is none. */
export function lowerBound(columns: Columns, at: number): number {
  let low = 0;
  let high = columns.at.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((columns.at[middle] as number) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}
