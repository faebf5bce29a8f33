import { hash as digest } from "node:crypto";
import { isPlaced } from "@meterbook/core/domain/registry/record-of-month";
import { canonicalContent } from "@meterbook/core/domain/snapshot/canonical-content";
import { nextRevision, voidRevision } from "@meterbook/core/domain/snapshot/next-revision";
import type { Snapshot, SnapshotContent } from "@meterbook/core/domain/snapshot/snapshot";
import { isVoid, unreadableHash, voidContent } from "@meterbook/core/domain/snapshot/snapshot";
import type { Closings } from "@meterbook/core/domain/valuation/month";
import { closingsOf, spanOf } from "@meterbook/core/domain/valuation/month";
import { unusualRows, withUnusual } from "@meterbook/core/domain/valuation/unusual-use";
import type { SeriesReader } from "@meterbook/core/ports/series-store";
import type { IssuedPeriod, MeterState } from "../remember/meter-state.ts";
import { firstPeriodOf } from "../remember/meter-state.ts";
import { type Finals, historyOfMeter } from "./history-of-meter.ts";
import type { IssuedChain, IssuedPorts } from "./issued-chain.ts";
import {
  chainOf,
  firstOpen,
  firstToMend,
  isSilent,
  issuedToAsk,
  missingPeriodsMax,
  newestTwo,
  openChain,
  openPeriodsMax,
  reachBack,
  remembered,
} from "./issued-chain.ts";
import { type MonthSources, monthOf } from "./month-of-meter.ts";
import { rangeOf, storedReadings } from "./readings-in-reach.ts";
import { namingTheReading } from "./replaced-estimate.ts";
import { reasonToVoid } from "./void-months.ts";

export interface Evaluation {
  /** To be appended to the ledger, in order. */
  readonly snapshots: readonly Snapshot[];
  /** What the meter's memory becomes once they are; undefined where the ledger was not asked. */
  readonly issued: readonly IssuedPeriod[] | undefined;
}

export interface EvaluationPorts extends IssuedPorts {
  readonly series: Pick<SeriesReader, "read">;
  /** For months before those that `series` was made for. */
  readonly whole?: Pick<SeriesReader, "read">;
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
    const snapshots =
      due === undefined ? [] : await recompute(ports, meter, chain, { ...due, nowMs, finals: "made anew" });
    return { snapshots: [...voids, ...snapshots], issued: newestTwo(chain) };
  }
  if (due === undefined) return { snapshots: [], issued: meter.issued };
  const chain = await openChain(ports, meter, due);
  if (isPassed([...chain.values()], nowMs)) return { snapshots: [], issued: meter.issued };
  const from = firstOpen(chain, due);
  const snapshots = await recompute(ports, meter, chain, { ...due, from, dueFrom: due.from, nowMs, finals: "keep" });
  return { snapshots, issued: newestTwo(chain) };
}

/** A barrier that is passed again, by whomever: what came after it has said more since. */
function isPassed(issued: readonly Pick<Snapshot, "issuedAtMs">[], nowMs: number): boolean {
  return issued.some(({ issuedAtMs }) => issuedAtMs > nowMs);
}

/** What was issued of the meter, with those taken back that are no longer the meter's (void-months.ts). */
function voidOutside(meter: MeterState, issued: readonly Snapshot[], nowMs: number) {
  const chain = chainOf(issued, meter, firstPeriodOf(meter));
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
  chain: IssuedChain,
  months: Due & { readonly dueFrom?: number; readonly nowMs: number; readonly finals: Finals },
): Promise<Snapshot[]> {
  const { first, dueFrom = months.from, last, nowMs } = months;
  const isBegun = (period: number) => period === first || !isPlacedIn(meter, period - 1);
  const from = firstToMend(chain, first, months.from);
  const whole = ports.whole ?? ports.series;
  const stored = storedReadings({ near: from === dueFrom ? ports.series : whole, whole }, meter, { from, last });
  const snapshots: Snapshot[] = [];
  const history = historyOfMeter(ports, meter, { from, made: snapshots, finals: months.finals });
  // What was taken back before the meter's first month is no silence of it.
  const silentBefore = (period: number) => (isBegun(period) ? 0 : (chain.get(period - 1)?.missingRun ?? 0));
  const make = (period: number) =>
    madeMonth(ports, meter, chain, period, { stored: stored.read, history, silentMonths: silentBefore(period) });
  let content = await make(from);
  const changed = await firstChanged(chain, stored, { first, from, dueFrom });
  if (changed < from) {
    await reachBack(ports, meter, chain, { first, from: changed, to: from });
    return recompute(ports, meter, chain, { ...months, from: changed, dueFrom });
  }
  // Where the period before was left out, it was for silence, which goes on until a reading ends it.
  let missingRun = isBegun(from) ? 0 : (chain.get(from - 1)?.missingRun ?? missingPeriodsMax);
  for (let period = from; period <= last; period += 1) {
    if (period > from) content = await make(period);
    // A meter that was nowhere is not silent, and the month is nobody's.
    const isPlaced = isPlacedIn(meter, period);
    missingRun = isPlaced && isSilent(meter, content) ? missingRun + 1 : 0;
    if (!isPlaced) continue;
    const next = issueMonth(meter, content, { chain, missingRun, nowMs });
    if (next !== undefined) snapshots.push(next);
  }
  await stored.rebuild(nowMs);
  return snapshots;
}

/**
 * Where the months begin that change by what was read since: by what is doubted, by the end of a long silence, or
 * because the reading that ended one is no longer believed.
 */
async function firstChanged(
  chain: IssuedChain,
  stored: ReturnType<typeof storedReadings>,
  { first, from, dueFrom }: { readonly first: number; readonly from: number; readonly dueFrom: number },
): Promise<number> {
  const doubted = Math.max(dueFrom - openPeriodsMax, (await stored.doubtedPeriod()) ?? from);
  const before = chain.get(from - 1);
  // After too long a silence months are left out, or taken back.
  const isThere = before !== undefined && !before.isVoid;
  const mayChange = from > first && (!isThere || before.isOpen);
  const silent = mayChange ? await stored.silentPeriod(dueFrom, isThere ? before : undefined) : undefined;
  return Math.max(first, Math.min(from, doubted, silent ?? from));
}

function isPlacedIn({ record, calendar }: Pick<MeterState, "record" | "calendar">, period: number): boolean {
  return isPlaced(record, spanOf(calendar, period));
}

/** The month, and what is said of it beside the month before and, where that is unlike it, the year before. */
async function madeMonth(
  { ledger, seen }: EvaluationPorts,
  meter: MeterState,
  chain: IssuedChain,
  period: number,
  sources: MonthSources,
): Promise<SnapshotContent> {
  const before = chain.get(period - 1)?.closings ?? [];
  const content = await monthOf(meter, period, before, sources);
  const unusual = unusualRows(content, before, meter.calendar, meter.rules);
  if (unusual.length === 0) return content;
  const year = chain.get(period - 12)?.closings ?? (await issuedClosings(ledger, seen, meter.meterId, period - 12));
  return withUnusual(content, unusual, year, meter.calendar, meter.rules);
}

async function issuedClosings(
  ledger: EvaluationPorts["ledger"],
  seen: EvaluationPorts["seen"],
  meterId: string,
  period: number,
): Promise<Closings> {
  const issued = await ledger.latestOfMeter(meterId, period);
  const known = issued.map(seen).find((one) => one.period === period);
  return known === undefined || isVoid(known) ? [] : closingsOf(known.registers);
}

/** The revision that a month gets, if any; the chain has it from here on. */
function issueMonth(
  meter: MeterState,
  content: SnapshotContent,
  of: { readonly chain: IssuedChain; readonly missingRun: number; readonly nowMs: number },
): Snapshot | undefined {
  const { chain, missingRun, nowMs } = of;
  const { period } = content;
  const known = chain.get(period);
  if (stands(meter, known)) return undefined;
  const next = missingRun > missingPeriodsMax ? silenced(content, known, nowMs) : issue(meter, content, known, nowMs);
  if (next !== undefined) chain.set(period, remembered(next, next, missingRun));
  // One that was taken back for silence stays so.
  else if (known !== undefined && !known.isVoid) chain.set(period, remembered(content, known, missingRun));
  return next;
}

/** What was issued by master data does not give way to what is made while they cannot be read. */
function stands({ recordDamaged }: MeterState, known: IssuedPeriod | undefined): boolean {
  return recordDamaged && known !== undefined && known.hash !== unreadableHash && !known.withoutMasterData;
}

function issue(meter: MeterState, content: SnapshotContent, known: IssuedPeriod | undefined, nowMs: number) {
  const next = nextRevision(content, hashOf(content), known, meter.calendar, nowMs, meter.cause);
  return next === undefined ? undefined : namingTheReading(next, known);
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

/** From which period on an evaluation asks the ledger what is issued; undefined where it does not. */
export function issuedToRead(meter: MeterState, fromPeriod: number, nowMs: number): number | undefined {
  if (fromPeriod <= allMonths) return allMonths;
  const due = periodsDue(meter, fromPeriod, nowMs);
  return due === undefined ? undefined : issuedToAsk(meter, Math.max(due.first, due.from - 1));
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
  return removed === undefined ? due : Math.min(due, meter.calendar.periodOf(removed - 1));
}
