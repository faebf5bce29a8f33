import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Damage } from "@meterbook/core/domain/damage/damage";
import { isVoid, type RegisterSnapshot, type Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import type { SnapshotView } from "@meterbook/core/ports/snapshot-ledger";

/** Sums over a register and unit, as billing's control totals. Exact: bigint, because a fleet's registers add up. */
export interface ControlTotal {
  readonly register: string;
  readonly unit: string;
  rows: number;
  withoutConsumption: number;
  consumption: bigint;
  value: bigint;
}

/** What the latest snapshots of a period add up to. */
export interface PeriodSummary {
  meters: number;
  /** Meters whose newest revision cannot be read; they count nowhere else. */
  damaged: number;
  /** Meters whose month was taken back; they count nowhere else but under `hash`. */
  void: number;
  registers: number;
  /** Rows with a usable closing value, or for intervals a complete sum. */
  usable: number;
  readonly byLifecycle: Record<string, number>;
  readonly byQuality: Record<string, number>;
  readonly byMethod: Record<string, number>;
  readonly controlTotals: readonly ControlTotal[];
  /** SHA-256 over the snapshots' hashes in order of meter id, each followed by a line feed. */
  readonly hash: string;
}

/** Walks the latest snapshots of a period a page at a time, leaving other requests their turn. */
export async function summarisePeriod(view: SnapshotView, period: number, pageSize: number): Promise<PeriodSummary> {
  const hash = createHash("sha256");
  const totals = new Map<string, ControlTotal>();
  const counts = {
    meters: 0,
    damaged: 0,
    void: 0,
    registers: 0,
    usable: 0,
    byLifecycle: {},
    byQuality: {},
    byMethod: {},
  };
  const left = new Set<string>();
  const leftOut = ({ where }: Damage) => void left.add(where);
  let afterMeterId: string | undefined;
  for (;;) {
    const page = await view.latest({
      period,
      limit: pageSize,
      leftOut,
      ...(afterMeterId === undefined ? {} : { afterMeterId }),
    });
    for (const { snapshot } of page) addSnapshot(counts, totals, snapshot);
    hash.update(page.map(({ snapshot }) => `${snapshot.hash}\n`).join(""));
    const last = page.at(-1);
    if (page.length < pageSize || last === undefined) break;
    afterMeterId = last.snapshot.meterId;
    await nextTurn();
  }
  const controlTotals = [...totals.values()].sort((a, b) => compare(a.register, b.register) || compare(a.unit, b.unit));
  return { ...counts, damaged: left.size, controlTotals, hash: `sha256:${hash.digest("hex")}` };
}

type Counts = Pick<
  PeriodSummary,
  "meters" | "void" | "registers" | "usable" | "byLifecycle" | "byQuality" | "byMethod"
>;

function addSnapshot(counts: Counts, totals: Map<string, ControlTotal>, snapshot: Snapshot): void {
  if (isVoid(snapshot)) {
    counts.void += 1;
    return;
  }
  counts.meters += 1;
  add(counts.byLifecycle, snapshot.lifecycle);
  for (const row of snapshot.registers) {
    counts.registers += 1;
    if (isUsable(row)) counts.usable += 1;
    add(counts.byQuality, row.quality);
    add(counts.byMethod, row.method);
    addRow(totals, row);
  }
}

function isUsable({ value, valueQuality, consumption, quality, intervals }: RegisterSnapshot): boolean {
  if (intervals !== null) return consumption !== null && quality !== "incomplete" && quality !== "suspect";
  return value !== null && valueQuality !== "suspect";
}

function addRow(totals: Map<string, ControlTotal>, row: RegisterSnapshot): void {
  const key = `${row.register}|${row.unit}`;
  let total = totals.get(key);
  if (total === undefined) {
    total = { register: row.register, unit: row.unit, rows: 0, withoutConsumption: 0, consumption: 0n, value: 0n };
    totals.set(key, total);
  }
  total.rows += 1;
  if (row.consumption === null) total.withoutConsumption += 1;
  total.consumption += BigInt(row.consumption ?? 0);
  total.value += BigInt(row.value ?? 0);
}

function add(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
