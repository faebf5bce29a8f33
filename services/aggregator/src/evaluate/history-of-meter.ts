import {
  parsePeriod,
  type Snapshot,
  type SnapshotContent,
  snapshotId,
  unreadableHash,
} from "@meterbook/core/domain/snapshot/snapshot";
import { isByHistory } from "@meterbook/core/domain/valuation/estimation/daily-use";
import type { PastMonth } from "@meterbook/core/domain/valuation/estimation/past-month";
import { pastMonths } from "@meterbook/core/domain/valuation/estimation/past-month";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import type { MeterState } from "../remember/meter-state.ts";

export interface HistoryPorts {
  readonly ledger: Pick<SnapshotView, "latestOfMeter" | "find">;
  readonly seen: (snapshot: Snapshot) => Snapshot;
}

/** What was issued of a meter, for a month of which nothing was read. */
export type HistoryOf = (content: SnapshotContent) => Promise<readonly PastMonth[]>;

/** `made anew`: somebody has changed master data, so that all that was issued may be otherwise. */
export type Finals = "keep" | "made anew";

interface Evaluated {
  /** The first month that is evaluated. */
  readonly from: number;
  /** What the evaluation has made so far. */
  readonly made: readonly Snapshot[];
  readonly finals: Finals;
}

/** The same month a year ago, and the few before it that tell how use has grown. */
const historyMonths = 15;

/**
 * The ledger is asked once, at the first month that wants it, and what this evaluation makes stands before what it
 * shows.
 *
 * A final month is estimated again from the revisions that it names, so a changed history alone does not revise it. The
 * same holds for a final month of which nothing was known.
 */
export function historyOfMeter(ports: HistoryPorts, meter: MeterState, { from, made, finals }: Evaluated): HistoryOf {
  let asked: Promise<readonly Snapshot[]> | undefined;
  return async (content) => {
    asked ??= ports.ledger.latestOfMeter(meter.meterId, from - historyMonths).then((all) => all.map(ports.seen));
    const known = new Map((await asked).map((one) => [one.period, one]));
    for (const one of made) known.set(one.period, one);
    const issued = known.get(content.period);
    const named = issued === undefined || finals === "made anew" ? undefined : namedBy(issued, content);
    const monthsOf = (all: readonly Snapshot[]) => all.flatMap((one) => pastMonths(one, meter.calendar));
    const newest = earlier(known, content.period);
    if (named === undefined) return monthsOf(newest);
    const revisions = await revisionsOf(ports, named, known);
    // Of the others it counts when something was read, and nothing else.
    const others = newest.filter((one) => !revisions.some(({ period }) => period === one.period));
    return [...monthsOf(revisions), ...monthsOf(others).map((one) => ({ ...one, consumption: null }))];
  };
}

function earlier(known: ReadonlyMap<number, Snapshot>, period: number): Snapshot[] {
  const months = [...known.values()].filter((one) => one.period < period && one.period >= period - historyMonths);
  return months.filter(({ hash }) => hash !== unreadableHash);
}

/** The ids of what a final month was estimated from; undefined where the newest counts. */
function namedBy(issued: Snapshot, content: SnapshotContent): readonly string[] | undefined {
  if (issued.lifecycle === "provisional" || issued.hash === unreadableHash) return undefined;
  const isKept = content.registers.every((row) => {
    if (row.method !== "MISSING") return true;
    const before = issued.registers.find((one) => isOfOne(one, row));
    return before !== undefined && (isByHistory(before) || (before.method === "MISSING" && isSame(before, row)));
  });
  if (!isKept) return undefined;
  return issued.registers.flatMap((row) => (isByHistory(row) ? (row.estimate?.inputs ?? []) : []));
}

type Row = SnapshotContent["registers"][number];

/** A month may have several rows of a register. */
function isOfOne(a: Row, b: Row): boolean {
  return a.register === b.register && a.unit === b.unit && a.to === b.to;
}

function isSame(before: Row, now: Row): boolean {
  return before.before?.at === now.before?.at && before.before?.value === now.before?.value;
}

async function revisionsOf(
  { ledger }: HistoryPorts,
  ids: readonly string[],
  known: ReadonlyMap<number, Snapshot>,
): Promise<Snapshot[]> {
  const found: Snapshot[] = [];
  for (const id of new Set(ids)) {
    const [meterId = "", month = "", revision = ""] = id.split("/");
    const period = parsePeriod(month);
    if (period === undefined) continue;
    const latest = known.get(period);
    const isLatest = latest !== undefined && snapshotId(latest) === id;
    const named = isLatest ? latest : await readable(ledger.find(meterId, period, Number(revision)), latest);
    if (named !== undefined) found.push(named);
  }
  return found;
}

/**
 * In the place of a revision that cannot be read counts the one that was issued instead. Where there is none, the meter
 * is held back as if the store were damaged, and nobody else.
 */
async function readable(
  finding: Promise<Snapshot | undefined>,
  latest: Snapshot | undefined,
): Promise<Snapshot | undefined> {
  return finding.catch((error: unknown) => {
    const isDamaged = error instanceof AdapterError && error.code === "record_damaged";
    if (!isDamaged) throw error;
    if (latest !== undefined && latest.hash !== unreadableHash) return latest;
    throw new AdapterError("store_damaged", { retryable: false, cause: error, detail: error.message });
  });
}
