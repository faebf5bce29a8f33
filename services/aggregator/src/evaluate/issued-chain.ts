import type { RegisterSnapshot, Snapshot, SnapshotContent } from "@meterbook/core/domain/snapshot/snapshot";
import { isVoid, unreadableHash } from "@meterbook/core/domain/snapshot/snapshot";
import { isShared } from "@meterbook/core/domain/valuation/closing/closing";
import { isByHistory } from "@meterbook/core/domain/valuation/estimation/daily-use";
import { closingsOf } from "@meterbook/core/domain/valuation/month";
import { valuationRules } from "@meterbook/core/domain/valuation/valuation-rules";
import type { SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import type { IssuedPeriod, MeterState, SharedBetween } from "../remember/meter-state.ts";
import { firstPeriodOf } from "../remember/meter-state.ts";

/** What was issued last of a meter, by period. */
export type IssuedChain = Map<number, IssuedPeriod>;

export interface IssuedPorts {
  readonly ledger: Pick<SnapshotView, "latestOfMeter" | "find">;
  /** What counts of an issued revision (struck-revisions.ts). */
  readonly seen: (snapshot: Snapshot) => Snapshot;
}

/** A meter that was silent for so many whole periods is no longer expected; it is again as soon as it reports. */
export const missingPeriodsMax = 12;

/** What was issued last for each period from `fromPeriod` on: from memory where it reaches back so far. */
export async function issuedChain(ports: IssuedPorts, meter: MeterState, fromPeriod: number): Promise<IssuedChain> {
  const askFrom = issuedToAsk(meter, fromPeriod);
  if (askFrom === undefined) return new Map(meter.issued?.map((one) => [one.period, one]));
  const snapshots = await ports.ledger.latestOfMeter(meter.meterId, askFrom);
  return chainOf(snapshots.map(ports.seen), meter, firstPeriodOf(meter));
}

/** From which period on the ledger is asked; undefined where memory reaches back so far. */
export function issuedToAsk({ issued }: MeterState, fromPeriod: number): number | undefined {
  const oldest = issued?.[0];
  if (issued !== undefined && (oldest === undefined || oldest.period <= fromPeriod)) return undefined;
  // One more year back, so that a silent run is counted from where it began.
  return fromPeriod - missingPeriodsMax;
}

/** @param first where the meter's months begin, and with them the count of silent months. */
export function chainOf(
  snapshots: readonly Snapshot[],
  meter: Pick<MeterState, "calendar">,
  first: number | undefined,
): IssuedChain {
  const chain: IssuedChain = new Map();
  for (const snapshot of snapshots) {
    const run = snapshot.period === first ? 0 : (chain.get(snapshot.period - 1)?.missingRun ?? 0);
    chain.set(snapshot.period, remembered(snapshot, snapshot, isSilent(meter, snapshot) ? run + 1 : 0));
  }
  return chain;
}

export function remembered(
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
      isOpen: false,
      shared: nothingShared,
      withoutMasterData: false,
      isVoid: true,
    };
  }
  const closings = closingsOf(registers);
  const usesIntervals = registers.some(({ method }) => method === "REG_PLUS_INTERVALS" || method === "PROFILE_SCALED");
  const isOpen = registers.some(isOpenRow);
  const withoutMasterData = registers.some(({ fault }) => fault === "master_data_damaged");
  const kept = { closings, missingRun, usesIntervals, isOpen, shared: sharedIn(registers), withoutMasterData };
  return { period, revision, lifecycle, hash, issuedAtMs, ...kept, isVoid: false };
}

/** Of most months: one list for all of them. */
const nothingShared: readonly SharedBetween[] = [];

function sharedIn(rows: readonly RegisterSnapshot[]): readonly SharedBetween[] {
  const found = rows.flatMap((row) => {
    const { register, unit, before, after } = row;
    if (!isShared(row) || before === null || after === null) return [];
    return [{ register, unit, beforeAt: before.at, afterAt: after.at }];
  });
  return found.length === 0 ? nothingShared : found;
}

/** Nothing follows what was read, if anything was. */
function isUnread(row: Pick<RegisterSnapshot, "method">): boolean {
  return row.method === "MISSING" || isByHistory(row);
}

/** Whether readings of later months can still change the row. */
function isOpenRow(row: RegisterSnapshot): boolean {
  const { method, quality, value, after } = row;
  if (quality === "suspect" || isShared(row) || isUnread(row)) return true;
  if (method === "INTERVAL_SUM") return value !== null;
  return method === "REG_PLUS_INTERVALS" && after === null;
}

/** A whole month of which nothing was read, and nothing follows it. An estimate does not end a silence. */
export function isSilent({ calendar }: Pick<MeterState, "calendar">, content: SnapshotContent): boolean {
  const start = calendar.startOf(content.period);
  return content.registers.every((row) => isUnread(row) && Math.max(row.readAt ?? 0, row.before?.at ?? 0) < start);
}

export function newestTwo(chain: IssuedChain): readonly IssuedPeriod[] {
  return [...chain.values()].sort((a, b) => a.period - b.period).slice(-2);
}

/** The chain as far back as the months before `due` go on being open; those before `from` are only made anew. */
export async function openChain(
  ports: IssuedPorts,
  meter: MeterState,
  { first, from }: { readonly first: number; readonly from: number },
): Promise<IssuedChain> {
  const chain = await issuedChain(ports, meter, Math.max(first, from - 1));
  if (from === first || chain.get(from - 1)?.isOpen !== true) return chain;
  return issuedChain(ports, meter, Math.max(first, from - openPeriodsMax - 1));
}

/** Puts the months from one to another into the chain, and the one before them. */
export async function reachBack(
  ports: IssuedPorts,
  meter: MeterState,
  chain: IssuedChain,
  { first, from, to }: { readonly first: number; readonly from: number; readonly to: number },
): Promise<void> {
  const known = await issuedChain(ports, meter, Math.max(first, from - 1));
  for (const [period, issued] of known) if (period < to) chain.set(period, issued);
}

/**
 * A month whose revision cannot be read is issued again before the next one opens with it: its closing must not be
 * guessed.
 */
export function firstToMend(chain: IssuedChain, first: number, from: number): number {
  let mended = from;
  while (mended > first && chain.get(mended - 1)?.hash === unreadableHash) mended -= 1;
  return mended;
}

/** As far as readings say anything of a month. */
export const openPeriodsMax = Math.ceil(valuationRules.reachSecondsMax / (31 * 86_400));

/**
 * Months before whose closings were not simply read are made anew with those behind them: what has come since may
 * change them.
 */
export function firstOpen(
  chain: IssuedChain,
  { first, from: dueFrom }: { readonly first: number; readonly from: number },
): number {
  let from = dueFrom;
  while (from > first && from > dueFrom - openPeriodsMax && chain.get(from - 1)?.isOpen === true) from -= 1;
  return from;
}
