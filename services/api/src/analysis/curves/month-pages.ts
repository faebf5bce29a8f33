import type { CurvePoint } from "@meterbook/core/domain/curve/consumption-curve";
import type { RegisterSnapshot, Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { isVoid, snapshotId, snapshotQualities } from "@meterbook/core/domain/snapshot/snapshot";
import type { SeriesReader } from "@meterbook/core/ports/series-store";
import type { SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import type { CurveRange } from "./curve-pages.ts";
import { curvePages } from "./curve-pages.ts";
import type { CurveSource } from "./curve-source.ts";

/** A month that was issued has what was issued, and says by which revision. */
export interface MonthPoint extends CurvePoint {
  readonly snapshot?: string;
}

/**
 * The curve by months: what was issued where something was, so that it says what the bill does; else what the curve's
 * own rules make of the readings.
 */
export async function* monthPages(
  { series, snapshots }: { readonly series: SeriesReader; readonly snapshots: SnapshotView },
  source: CurveSource,
  range: CurveRange,
): AsyncGenerator<readonly MonthPoint[]> {
  const { calendar, meterId } = source;
  const issued = await snapshots.latestOfMeter(meterId, calendar.periodOf(range.from));
  const byPeriod = new Map(issued.map((snapshot) => [snapshot.period, snapshot]));
  for await (const page of curvePages(series, source, range)) {
    yield page.map((point) => {
      const snapshot = byPeriod.get(calendar.periodOf(point.from));
      return snapshot === undefined ? point : issuedPoint(point, snapshot, source);
    });
  }
}

function issuedPoint(point: CurvePoint, snapshot: Snapshot, { channels: [channel] }: CurveSource): MonthPoint {
  const { from, to } = point;
  const id = snapshotId(snapshot);
  const rows = snapshot.registers.filter(
    ({ register, unit }) => register === channel.register && unit === channel.unit,
  );
  if (isVoid(snapshot) || rows.length === 0) return { from, to, consumption: null, quality: "missing", snapshot: id };
  return { from, to, ...together(rows), snapshot: id };
}

/** A month may have several rows of a register, one for each part of it. */
function together(rows: readonly RegisterSnapshot[]): Pick<CurvePoint, "consumption" | "quality"> {
  const ranks = rows.map(({ quality }) => snapshotQualities.indexOf(quality));
  const quality = snapshotQualities[Math.max(...ranks)] ?? "suspect";
  if (rows.some(({ consumption }) => consumption === null)) return { consumption: null, quality };
  return { consumption: rows.reduce((sum, { consumption }) => sum + (consumption ?? 0), 0), quality };
}
