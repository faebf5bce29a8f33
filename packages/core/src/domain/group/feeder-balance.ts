import type { GroupPoint } from "./sum-curve.ts";

/** What goes into a feeder and what comes out of it below, over `[from, to)`, in base units. */
export interface BalancePoint {
  readonly from: number;
  readonly to: number;
  /** By the feeder's own meter, less what went back up; null where that is not known. */
  readonly supplied: number | null;
  /** What the meters below took, less what they gave; null where none of them is known. */
  readonly delivered: number | null;
  /** Of the meters below. */
  readonly expected: number;
  readonly present: number;
  readonly estimated: number;
  /** Supplied less delivered, if those that are missing used what the others did on average. */
  readonly losses: number | null;
  /** If they used twice as much, and nothing. Equal to `losses` where nobody is missing. */
  readonly low: number | null;
  readonly high: number | null;
}

export interface BalanceCurves {
  /** The feeder's own meter. */
  readonly above: readonly GroupPoint[];
  readonly aboveReturned: readonly GroupPoint[];
  readonly below: readonly GroupPoint[];
  readonly belowReturned: readonly GroupPoint[];
}

/** All curves have the same steps. */
export function feederBalance({ above, aboveReturned, below, belowReturned }: BalanceCurves): BalancePoint[] {
  return below.map((taken, i) => balanceOf(taken, belowReturned[i], above[i], aboveReturned[i]));
}

function balanceOf(
  taken: GroupPoint,
  given: GroupPoint | undefined,
  supply: GroupPoint | undefined,
  back: GroupPoint | undefined,
): BalancePoint {
  const { from, to, expected, present, estimated } = taken;
  const supplied = isWhole(supply) ? (supply?.consumption ?? 0) - (back?.consumption ?? 0) : null;
  const delivered = taken.consumption === null ? null : taken.consumption - (given?.consumption ?? 0);
  const counts = { from, to, supplied, delivered, expected, present, estimated };
  if (supplied === null || delivered === null) return { ...counts, losses: null, low: null, high: null };
  const high = supplied - delivered;
  const missing = Math.round((delivered / present) * (expected - present));
  return { ...counts, losses: high - missing, low: high - 2 * missing, high };
}

/** A feeder may have several meters: a sum without one of them says nothing. */
function isWhole(point: GroupPoint | undefined): boolean {
  return point !== undefined && point.consumption !== null && point.present > 0 && point.present === point.expected;
}

/** Over all steps of which the losses are known. */
export function balanceTotal(points: readonly BalancePoint[]) {
  const known = points.filter(({ losses }) => losses !== null);
  const sum = (pick: (point: BalancePoint) => number | null) =>
    known.reduce((total, point) => total + (pick(point) ?? 0), 0);
  return {
    steps: points.length,
    known: known.length,
    supplied: sum((point) => point.supplied),
    delivered: sum((point) => point.delivered),
    losses: sum((point) => point.losses),
    low: sum((point) => point.low),
    high: sum((point) => point.high),
  };
}
