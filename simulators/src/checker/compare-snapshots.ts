import { bestClosing, isByHistory, isContradicted, shouldBe } from "./closing-rules.ts";
import type { KnownReading } from "./compare-readings.ts";
import { instantText } from "./compare-readings.ts";
import type { EstimateScore } from "./estimate-score.ts";
import type { Findings } from "./findings.ts";
import type { RegisterRow, Snapshot } from "./meterbook-api.ts";
import type { MeterTruth } from "./read-truth.ts";
import { flagEstimated, flagWrong } from "./read-truth.ts";

export interface Month {
  /** `YYYY-MM`. */
  readonly period: string;
  /** Local midnights, seconds UTC. */
  readonly start: number;
  readonly boundary: number;
}

export interface SnapshotCheck {
  readonly meter: MeterTruth;
  readonly readings: ReadonlyMap<string, readonly KnownReading[]>;
  /** Ascending; those whose snapshots must be there. */
  readonly months: readonly Month[];
  readonly snapshots: ReadonlyMap<string, Snapshot>;
  readonly findings: Findings;
  readonly score: EstimateScore;
}

/** A silent meter's months are expected for so long. */
const silentMonthsMax = 12;

/** Compares a meter's snapshots with what must be stored of it and with the truth, month by month. */
export function compareSnapshots(check: SnapshotCheck): void {
  for (const [register, readings] of check.readings) {
    const first = readings[0];
    if (first === undefined) continue;
    let silent = 0;
    let before: ClosedRegister | undefined;
    for (const month of check.months) {
      if (first.at >= month.boundary) continue;
      const heard = readings.some(({ at }) => at >= month.start && at < month.boundary);
      silent = heard ? 0 : silent + 1;
      if (silent > silentMonthsMax) break;
      before = compareRow(check, register, readings, month, before);
    }
  }
}

/** What a month hands to the next. */
interface ClosedRegister {
  readonly value: number | null;
  /** The value rests on actual readings, taken at the boundary. */
  readonly isActual: boolean;
}

function compareRow(
  check: SnapshotCheck,
  register: string,
  readings: readonly KnownReading[],
  month: Month,
  before: ClosedRegister | undefined,
): ClosedRegister | undefined {
  const { findings, meter } = check;
  const where = `${meter.meterId} ${register} ${month.period}`;
  const snapshot = check.snapshots.get(month.period);
  const rows = snapshot?.registers.filter((row) => row.register === register) ?? [];
  findings.looked("snapshot");
  const [row] = rows;
  if (snapshot === undefined || row === undefined || rows.length > 1) {
    const found =
      snapshot === undefined ? "there is no snapshot" : `the snapshot has ${rows.length} rows of the register`;
    findings.differs("snapshot", where, found);
    return undefined;
  }
  if (snapshot.boundary !== month.boundary) {
    findings.differs(
      "snapshot",
      where,
      `its boundary is ${instantText(snapshot.boundary)}, the month ends at ${instantText(month.boundary)}`,
    );
  }
  const place: Place = { ...check, where, register, readings, month, row };
  const isActual = compareClosing(place);
  // Without an opening there is no consumption, and the quality is that of the value alone.
  const opensActual = compareOpening(place, before) || row.opening === null;
  compareConsumption(place);
  findings.looked("quality");
  if (row.quality === "actual" && !(isActual && opensActual)) {
    findings.differs(
      "quality",
      where,
      `is actual, but ${isActual ? "the opening" : "the value"} is not: ${JSON.stringify(row)}`,
    );
  }
  return { value: row.value, isActual };
}

interface Place extends Omit<SnapshotCheck, "readings"> {
  readonly where: string;
  readonly register: string;
  readonly readings: readonly KnownReading[];
  readonly month: Month;
  readonly row: RegisterRow;
}

/** Answers whether the value rests on an actual reading at the boundary. */
function compareClosing(place: Place): boolean {
  const { findings, where, row, readings, month } = place;
  const expected = shouldBe(row, readings, month.boundary);
  findings.looked("boundary");
  const found = bestClosing(readings, month.boundary);
  const best = isByHistory(row) && found?.method === "MISSING" ? undefined : found;
  if (best !== undefined && best.value !== row.value) {
    const said = `${row.method} ${row.value} is not what the acknowledged readings say: ${best.method} ${best.value}`;
    findings.differs("boundary", where, `${said}; ${JSON.stringify(row)}`);
  } else if (expected.value !== row.value) {
    const said = `${row.method} ${row.value} is not what its readings say: ${expected.value} (${expected.why})`;
    findings.differs("boundary", where, `${said}; ${JSON.stringify(row)}`);
  }
  for (const side of [row.evidence.before, row.evidence.after]) {
    if (side === null || readings.some(({ at, value }) => at === side.at && value === side.value)) continue;
    findings.differs("boundary", where, `its evidence ${instantText(side.at)} ${side.value} was never sent`);
  }
  if (best !== undefined) {
    findings.looked("method");
    if (best.method !== row.method)
      findings.differs("method", where, `${row.method}, but the readings allow ${best.method}`);
  }
  compareWithTruth(place, expected.inputs);
  return row.method === "EXACT" && expected.inputs.every(({ flags }) => (flags & flagEstimated) === 0);
}

/** With right readings an exact value is the truth, and one between two readings lies where the truth lies. */
function compareWithTruth(
  { meter, register, month, row, findings, where, score }: Place,
  inputs: readonly KnownReading[],
): void {
  const truth = meter.boundaries.get(month.period);
  const right = truth?.registers[register];
  if (truth === undefined || right === undefined || row.value === null) return;
  if (truth.at !== month.boundary)
    findings.differs("boundary", where, `the truth's month ends at ${instantText(truth.at)}`);
  if (inputs.some(({ flags }) => (flags & flagWrong) !== 0)) return;
  const readAt = (input: KnownReading) => input.at - meter.skewSeconds;
  const [before, after] = inputs;
  score.add(
    inputs.some(({ flags }) => flags !== 0) ? `${row.method} of estimates` : row.method,
    row.value - right,
    row.consumption ?? 0,
  );
  if (inputs.some(({ flags }) => flags !== 0) || before === undefined) return;
  if (after === undefined) {
    if (readAt(before) === month.boundary && row.value !== right)
      findings.differs("boundary", where, `is ${row.value}, the register stood at ${right}`);
  } else if (
    readAt(before) <= month.boundary &&
    readAt(after) >= month.boundary &&
    (right < before.value || right > after.value)
  ) {
    findings.differs("boundary", where, `the true ${right} is not between ${before.value} and ${after.value}`);
  }
}

/** Answers whether the opening rests on an actual reading. */
function compareOpening({ findings, where, row, readings, month }: Place, before: ClosedRegister | undefined): boolean {
  findings.looked("opening");
  const first = readings[0] as KnownReading;
  const isFirstMonth = first.at >= month.start;
  if (!isFirstMonth && before === undefined) return true;
  const expected = isFirstMonth ? first.value : (before?.value ?? null);
  // A first reading that the next one contradicts may be left out.
  const isOpen = isFirstMonth && isContradicted(first, readings);
  if (row.opening !== expected && !isOpen) {
    const basis = isFirstMonth ? "its first reading" : "the closing before";
    findings.differs("opening", where, `is ${row.opening}, ${basis} is ${expected}`);
  }
  return isFirstMonth ? (first.flags & flagEstimated) === 0 : before?.isActual === true;
}

/** Null rather than negative; null also where actual readings of the month fall, which nothing here explains. */
function compareConsumption({ findings, where, row, readings, month }: Place): void {
  findings.looked("consumption");
  const { value, opening, consumption, quality } = row;
  const difference = value === null || opening === null ? null : value - opening;
  const fell = fallsWithin(readings, month);
  // A few readings that contradict those on both sides are left out; then the month is billed although its register
  // fell.
  const isMended = fell && consumption !== null;
  const expected = difference === null || difference < 0 || (fell && !isMended) ? null : difference;
  if (consumption !== expected)
    findings.differs("consumption", where, `is ${consumption}, must be ${expected}: ${JSON.stringify(row)}`);
  if (difference !== null && expected === null && quality !== "suspect") {
    findings.differs("quality", where, `is ${quality}, but the register ran backwards: suspect`);
  }
}

function fallsWithin(readings: readonly KnownReading[], { start, boundary }: Month): boolean {
  let highest = -1;
  for (const { at, value, flags } of readings) {
    if (at < start || at > boundary || (flags & flagEstimated) !== 0) continue;
    if (value < highest) return true;
    highest = value;
  }
  return false;
}
