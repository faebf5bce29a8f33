import { begins, ends, installationsOf, multiplierAt } from "../registry/installations.ts";
import type { Installation, MeterRecord } from "../registry/meter-record.ts";
import { type UsagePointRecord, valueAt } from "../registry/usage-point.ts";
import {
  isVoid,
  type RegisterSnapshot,
  type Snapshot,
  type SnapshotQuality,
  snapshotId,
  snapshotQualities,
} from "../snapshot/snapshot.ts";
import type { Segment, Statement, StatementRegister, Wait } from "./statement.ts";
import { coverageFaults } from "./statement-coverage.ts";

export interface StatementInput {
  readonly usagePointId: string;
  readonly period: number;
  readonly span: Statement["span"];
  /** Of every meter whose month ever named the point. */
  readonly issued: readonly IssuedMonth[];
  /** All meters that are or were at the point. */
  readonly meters: readonly MeterRecord[];
  readonly point: UsagePointRecord | null;
}

export interface IssuedMonth {
  readonly latest: Snapshot;
  /** The revision that was final first; undefined where none was, or nothing was revised since. */
  readonly firstFinal: Snapshot | undefined;
}

/**
 * A usage point's month from the issued rows of its meters. Nothing is valued here: amounts are taken as they were
 * issued, and added.
 */
export function composeStatement(input: StatementInput): Statement {
  const own = input.issued.map(({ latest }) => ({ snapshot: latest, rows: rowsAt(latest, input.usagePointId) }));
  const segments = own.flatMap(({ snapshot, rows }) => rows.map((row) => segmentOf(row, snapshot, input)));
  const sources = own.filter(({ rows }) => rows.length > 0).map(({ snapshot }) => sourceOf(snapshot));
  const wasThere = input.issued.some(({ latest, firstFinal }) => isVoid(latest) || firstFinal !== undefined);
  const isTakenBack = segments.length === 0 && (wasThere || input.issued.length > 0);
  const waitsFor = isTakenBack ? [] : waits(segments, input);
  const { usagePointId, period, span } = input;
  const registers = registersOf(segments, input, waitsFor);
  const all = sources.length > 0 ? sources : input.issued.map(({ latest }) => sourceOf(latest));
  const inOrder = all.sort((a, b) => (a.meterId < b.meterId ? -1 : 1));
  return { usagePointId, period, span, isVoid: isTakenBack, waitsFor, registers, sources: inOrder };
}

function sourceOf(snapshot: Snapshot) {
  const { meterId, lifecycle, hash } = snapshot;
  return { meterId, snapshotId: snapshotId(snapshot), lifecycle, hash };
}

/** The rows of a month that are the point's. */
function rowsAt(snapshot: Snapshot, usagePointId: string): readonly RegisterSnapshot[] {
  if (isVoid(snapshot)) return [];
  return snapshot.registers.filter((row) => (row.usagePointId ?? snapshot.usagePointId) === usagePointId);
}

function segmentOf(
  row: RegisterSnapshot,
  snapshot: Snapshot,
  { usagePointId, span, meters }: StatementInput,
): SegmentOfRegister {
  const record = meters.find(({ meterId }) => meterId === snapshot.meterId);
  const there = record === undefined ? [] : installationsIn(record, usagePointId, span);
  const [first, last] = [there[0], there.at(-1)];
  const from = row.from ?? Math.max(span.start, first === undefined ? span.start : begins(first));
  const to = row.to ?? Math.min(span.boundary, last === undefined ? span.boundary : ends(last));
  const entry = record?.registers.find(({ register }) => register === row.register);
  return {
    register: row.register,
    unit: row.unit,
    meterId: snapshot.meterId,
    snapshotId: snapshotId(snapshot),
    from,
    to,
    opening: row.opening,
    openingAt: row.openingAt ?? (row.openingBasis === "previous" || row.openingBasis === "installation" ? from : null),
    openingBasis: row.openingBasis,
    closing: row.value,
    method: row.method,
    multiplier: entry === undefined ? 1 : multiplierAt(entry, from),
    consumption: row.consumption,
    quality: row.quality,
    before: row.before,
    after: row.after,
    estimate: row.estimate,
  };
}

type SegmentOfRegister = Segment & Pick<RegisterSnapshot, "register" | "unit">;

/** The installations of the meter at the point that touch the month. */
function installationsIn(record: MeterRecord, usagePointId: string, { start, boundary }: Statement["span"]) {
  return installationsOf(record).filter(
    (one: Installation) => one.usagePointId === usagePointId && begins(one) < boundary && ends(one) > start,
  );
}

function registersOf(
  segments: readonly SegmentOfRegister[],
  input: StatementInput,
  waitsFor: readonly Wait[],
): StatementRegister[] {
  const keyOf = ({ register, unit }: Pick<RegisterSnapshot, "register" | "unit">) => `${register}|${unit}`;
  const now = Map.groupBy(segments, keyOf);
  const before = firstFinals(input);
  const keys = [...new Set([...now.keys(), ...(before?.keys() ?? [])])].sort();
  return keys.map((key) => {
    const parts = [...(now.get(key) ?? [])].sort((a, b) => a.from - b.from || (a.meterId < b.meterId ? -1 : 1));
    const [register = "", unit = "Wh"] = key.split("|") as [string, RegisterSnapshot["unit"]];
    const consumption = sumOf(parts.map((part) => part.consumption));
    const isWaiting = waitsFor.some((wait) => wait.reason !== "no_value" && (wait.register ?? register) === register);
    const changed = before === undefined ? null : (consumption ?? 0) - (before.get(key) ?? 0);
    return {
      register,
      unit,
      consumption,
      quality: worst([...parts.map(({ quality }) => quality), ...(isWaiting ? (["incomplete"] as const) : [])]),
      correction: changed,
      segments: parts.map(({ register: _r, unit: _u, ...segment }) => segment),
    };
  });
}

/** What was final first, by register; undefined where no month was revised since. */
function firstFinals({ issued, usagePointId }: StatementInput): Map<string, number> | undefined {
  if (!issued.some(({ firstFinal }) => firstFinal !== undefined)) return undefined;
  const sums = new Map<string, number>();
  for (const { latest, firstFinal } of issued) {
    const first = firstFinal ?? (latest.lifecycle === "provisional" ? undefined : latest);
    for (const { register, unit, consumption } of first === undefined ? [] : rowsAt(first, usagePointId)) {
      const key = `${register}|${unit}`;
      sums.set(key, (sums.get(key) ?? 0) + (consumption ?? 0));
    }
  }
  return sums;
}

function sumOf(amounts: readonly (number | null)[]): number | null {
  let sum = 0;
  for (const amount of amounts) {
    if (amount === null) return null;
    sum += amount;
  }
  return amounts.length > 0 && Number.isSafeInteger(sum) ? sum : null;
}

function worst(qualities: readonly SnapshotQuality[]): SnapshotQuality {
  const ranks = qualities.map((quality) => snapshotQualities.indexOf(quality));
  return snapshotQualities[Math.max(...ranks)] ?? "missing";
}

function waits(segments: readonly SegmentOfRegister[], input: StatementInput): readonly Wait[] {
  const { span, usagePointId, meters, issued, point } = input;
  const here = meters.flatMap((record) => {
    const there = installationsIn(record, usagePointId, span).at(-1);
    return there === undefined ? [] : [{ record, from: begins(there), to: ends(there) }];
  });
  const notIssued = here
    .filter(({ record }) => !issued.some(({ latest }) => latest.meterId === record.meterId))
    .map(({ record, from, to }) => ({
      reason: "not_issued" as const,
      register: null,
      meterId: record.meterId,
      from: Math.max(span.start, from),
      to: Math.min(span.boundary, to),
    }));
  const noValue = segments
    .filter(({ consumption }) => consumption === null)
    .map(({ register, meterId, from, to }) => ({ reason: "no_value" as const, register, meterId, from, to }));
  const placed = meters.flatMap((record) =>
    installationsOf(record)
      .filter((one) => one.usagePointId === usagePointId)
      .map((one) => ({ from: begins(one), to: ends(one) })),
  );
  const isSupplied = (at: number) => (valueAt(point?.status, at) ?? "connected") === "connected";
  return [...coverageFaults(segments, { span, placed, isSupplied }), ...notIssued, ...noValue];
}
