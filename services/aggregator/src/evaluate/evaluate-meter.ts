import { hash as digest } from "node:crypto";
import { closingRules } from "@meterbook/core/domain/closing/closing-value";
import type { ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { canonicalContent } from "@meterbook/core/domain/snapshot/canonical-content";
import { composeSnapshot } from "@meterbook/core/domain/snapshot/compose-snapshot";
import { nextRevision, voidRevision } from "@meterbook/core/domain/snapshot/next-revision";
import type { Snapshot, SnapshotContent } from "@meterbook/core/domain/snapshot/snapshot";
import { isVoid, unreadableHash, voidContent } from "@meterbook/core/domain/snapshot/snapshot";
import type { SeriesReader } from "@meterbook/core/ports/series-store";
import type { SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import type { IssuedPeriod, MeterState } from "../remember/meter-state.ts";
import { firstPeriodOf } from "../remember/meter-state.ts";
import { factsOf } from "./meter-facts.ts";
import { reasonToVoid } from "./void-months.ts";

/** A meter that was silent for so many whole periods is no longer expected; it is again as soon as it reports. */
export const missingPeriodsMax = 12;

export interface Evaluation {
  /** To be appended to the ledger, in order. */
  readonly snapshots: readonly Snapshot[];
  /** What the meter's memory becomes once they are; undefined where the ledger was not asked. */
  readonly issued: readonly IssuedPeriod[] | undefined;
}

export interface EvaluationPorts {
  readonly series: Pick<SeriesReader, "read">;
  /** For months before those that `series` was made for. */
  readonly whole?: Pick<SeriesReader, "read">;
  readonly ledger: Pick<SnapshotView, "latestOfMeter">;
  /** What counts of an issued revision (struck-revisions.ts). */
  readonly seen: (snapshot: Snapshot) => Snapshot;
}

/** Instead of the period from which to recompute: all months of the meter, and whatever was issued outside of them. */
export const allMonths = 0;

/**
 * Recomputes a meter's snapshots from `fromPeriod` to the newest period that is due, each opening with the closing
 * before it, and answers the revisions that this makes. Reads memory where it tells the whole, else the store.
 *
 * @param nowMs log time
 */
export async function evaluateMeter(
  ports: EvaluationPorts,
  meter: MeterState,
  fromPeriod: number,
  nowMs: number,
): Promise<Evaluation> {
  const due = periodsDue(meter, fromPeriod, nowMs);
  if (fromPeriod <= allMonths) {
    const issued = (await ports.ledger.latestOfMeter(meter.meterId, allMonths)).map(ports.seen);
    if (isPassed(issued, nowMs)) return { snapshots: [], issued: meter.issued };
    const { chain, voids } = voidOutside(meter, issued, nowMs);
    const snapshots = due === undefined ? [] : await recompute(ports, meter, chain, { ...due, nowMs });
    return { snapshots: [...voids, ...snapshots], issued: newestTwo(chain) };
  }
  if (due === undefined) return { snapshots: [], issued: meter.issued };
  const chain = await issuedChain(ports, meter, due.from === due.first ? due.first : due.from - 1);
  if (isPassed([...chain.values()], nowMs)) return { snapshots: [], issued: meter.issued };
  const snapshots = await recompute(ports, meter, chain, { ...due, nowMs });
  return { snapshots, issued: newestTwo(chain) };
}

/** A barrier that is passed again, by whomever: what came after it has said more since. */
function isPassed(issued: readonly Pick<Snapshot, "issuedAtMs">[], nowMs: number): boolean {
  return issued.some(({ issuedAtMs }) => issuedAtMs > nowMs);
}

/** What was issued of the meter, with those taken back that are no longer the meter's (void-months.ts). */
function voidOutside(meter: MeterState, issued: readonly Snapshot[], nowMs: number) {
  const chain = chainOf(issued, firstPeriodOf(meter));
  const voids = issued.flatMap((one) => {
    const reason = reasonToVoid(meter, one, lastPeriodDue(meter, nowMs));
    if (reason === undefined) return [];
    const content = voidContent(one);
    return [voidRevision(content, { hash: hashOf(content), reason }, one, nowMs)];
  });
  for (const one of voids) chain.set(one.period, remembered(one, one, 0));
  return { chain, voids };
}

/** Answers what is to be issued, and puts it into the chain. */
async function recompute(
  ports: EvaluationPorts,
  meter: MeterState,
  chain: Map<number, IssuedPeriod>,
  { first, from: dueFrom, last, nowMs }: Due & { readonly nowMs: number },
): Promise<Snapshot[]> {
  const from = firstToMend(chain, first, dueFrom);
  const stored = storedSeries(
    from === dueFrom ? ports : { ...ports, series: ports.whole ?? ports.series },
    meter,
    from,
    last,
  );
  const snapshots: Snapshot[] = [];
  // Where the period before was left out, it was for silence, which goes on until a reading ends it.
  let missingRun = from === first ? 0 : (chain.get(from - 1)?.missingRun ?? missingPeriodsMax);
  for (let period = from; period <= last; period += 1) {
    const span = { start: meter.calendar.startOf(period), boundary: meter.calendar.boundaryOf(period) };
    const content = composeSnapshot({
      meterId: meter.meterId,
      period,
      span,
      facts: await factsOf(meter, period, span, stored),
      previous: chain.get(period - 1)?.closings ?? [],
      record: meter.record,
      recordDamaged: meter.recordDamaged,
    });
    missingRun = isAllMissing(content) ? missingRun + 1 : 0;
    const known = chain.get(period);
    if (stands(meter, known)) continue;
    const next = missingRun > missingPeriodsMax ? silenced(content, known, nowMs) : issue(meter, content, known, nowMs);
    if (next !== undefined) snapshots.push(next);
    if (next !== undefined) chain.set(period, remembered(next, next, missingRun));
    // One that was taken back for silence stays so.
    else if (known !== undefined && !known.isVoid) chain.set(period, remembered(content, known, missingRun));
  }
  return snapshots;
}

/** What was issued by master data does not give way to what is made while they cannot be read. */
function stands({ recordDamaged }: MeterState, known: IssuedPeriod | undefined): boolean {
  return recordDamaged && known !== undefined && known.hash !== unreadableHash && !known.withoutMasterData;
}

function issue(meter: MeterState, content: SnapshotContent, known: IssuedPeriod | undefined, nowMs: number) {
  return nextRevision(content, hashOf(content), known, meter.calendar, nowMs);
}

/**
 * After too long a silence no month is issued. A month that was issued before the silence was known to be so long is
 * taken back.
 */
function silenced(content: SnapshotContent, known: IssuedPeriod | undefined, nowMs: number): Snapshot | undefined {
  if (known === undefined || known.isVoid || content.registers.length === 0) return undefined;
  const taken = voidContent(content);
  const reason = `the meter had been silent for ${missingPeriodsMax} months before this one`;
  return voidRevision(taken, { hash: hashOf(taken), reason }, known, nowMs);
}

/**
 * A month whose revision cannot be read is issued again before the next one opens with it: its closing must not be
 * guessed.
 */
function firstToMend(chain: ReadonlyMap<number, IssuedPeriod>, first: number, from: number): number {
  let mended = from;
  while (mended > first && chain.get(mended - 1)?.hash === unreadableHash) mended -= 1;
  return mended;
}

interface Due {
  readonly first: number;
  readonly from: number;
  readonly last: number;
}

/** The meter's first period, and those to recompute; undefined where none is due. */
function periodsDue(meter: MeterState, fromPeriod: number, nowMs: number): Due | undefined {
  const first = firstPeriodOf(meter);
  const last = lastPeriodDue(meter, nowMs);
  if (first === undefined || first > last) return undefined;
  return { first, from: Math.max(first, Math.min(fromPeriod, last)), last };
}

/** What an evaluation asks the store for, where it does; null where nothing is due. */
export function rangeToRead(
  meter: MeterState,
  fromPeriod: number,
  nowMs: number,
): { readonly from: number; readonly to: number } | null {
  const due = periodsDue(meter, fromPeriod, nowMs);
  return due === undefined ? null : rangeOf(meter, due.from, due.last);
}

function rangeOf({ calendar }: MeterState, fromPeriod: number, lastPeriod: number): { from: number; to: number } {
  return {
    from: calendar.startOf(fromPeriod) - closingRules.lookBackSecondsMax,
    to: calendar.boundaryOf(lastPeriod) + closingRules.flatGapSecondsMax,
  };
}

export function hashOf(content: SnapshotContent): string {
  return `sha256:${digest("sha256", canonicalContent(content))}`;
}

/** The newest period whose boundary passed an hour ago, and that the meter was still in place for. */
export function lastPeriodDue(meter: MeterState, nowMs: number): number {
  const now = nowMs / 1000;
  const current = meter.calendar.periodOf(now);
  const due = now >= meter.calendar.provisionalFrom(current - 1) ? current - 1 : current - 2;
  const removed = meter.record?.removed?.at;
  return removed === undefined ? due : Math.min(due, meter.calendar.periodOf(removed));
}

/** What was issued last for each period from `fromPeriod` on: from memory where it reaches back so far. */
async function issuedChain(
  ports: EvaluationPorts,
  meter: MeterState,
  fromPeriod: number,
): Promise<Map<number, IssuedPeriod>> {
  const { issued } = meter;
  const oldest = issued?.[0];
  if (issued !== undefined && (oldest === undefined || oldest.period <= fromPeriod)) {
    return new Map(issued.map((one) => [one.period, one]));
  }
  // One more year back, so that a silent run is counted from where it began.
  const snapshots = await ports.ledger.latestOfMeter(meter.meterId, fromPeriod - missingPeriodsMax);
  return chainOf(snapshots.map(ports.seen), firstPeriodOf(meter));
}

/** @param first where the meter's months begin, and with them the count of silent months. */
function chainOf(snapshots: readonly Snapshot[], first: number | undefined): Map<number, IssuedPeriod> {
  const chain = new Map<number, IssuedPeriod>();
  for (const snapshot of snapshots) {
    const run = snapshot.period === first ? 0 : (chain.get(snapshot.period - 1)?.missingRun ?? 0);
    chain.set(snapshot.period, remembered(snapshot, snapshot, isAllMissing(snapshot) ? run + 1 : 0));
  }
  return chain;
}

function remembered(
  content: SnapshotContent,
  { revision, lifecycle, hash, issuedAtMs }: Pick<Snapshot, "revision" | "lifecycle" | "hash" | "issuedAtMs">,
  missingRun: number,
): IssuedPeriod {
  const { period, registers } = content;
  // One of the meter's months is taken back for silence only; then it counts as left out.
  if (isVoid(content)) {
    return {
      period,
      revision,
      lifecycle,
      hash,
      issuedAtMs,
      closings: [],
      missingRun: missingPeriodsMax,
      usesIntervals: false,
      withoutMasterData: false,
      isVoid: true,
    };
  }
  const closings = registers.map(({ register, unit, value, valueQuality }) => ({
    register,
    unit,
    value,
    valueQuality,
  }));
  const usesIntervals = registers.some(({ method }) => method === "REG_PLUS_INTERVALS");
  const withoutMasterData = registers.some(({ fault }) => fault === "master_data_damaged");
  const kept = { closings, missingRun, usesIntervals, withoutMasterData };
  return { period, revision, lifecycle, hash, issuedAtMs, ...kept, isVoid: false };
}

function isAllMissing(content: SnapshotContent): boolean {
  return content.registers.every(({ method }) => method === "MISSING");
}

function newestTwo(chain: ReadonlyMap<number, IssuedPeriod>): readonly IssuedPeriod[] {
  return [...chain.values()].sort((a, b) => a.period - b.period).slice(-2);
}

/** The meter's readings in reach of the periods, read at most once and only when memory does not suffice. */
function storedSeries(ports: EvaluationPorts, meter: MeterState, fromPeriod: number, lastPeriod: number) {
  let series: Promise<readonly ReadingSeries[]> | undefined;
  return () => {
    series ??= ports.series.read(meter.meterId, rangeOf(meter, fromPeriod, lastPeriod));
    return series;
  };
}
