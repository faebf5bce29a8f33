import type { ZoneClock } from "../time/zone-clock.ts";
import type { Curve } from "./curve.ts";

/** What stands in a cell that no step of the curve is in. */
export const noCell = { outside: -1, notOnTheClock: -2 } as const;

/**
 * Days side by side, each with the times of the wall clock from top to bottom. A cell has two halves, because in autumn
 * an hour comes twice: they show its first and its second time, and are the same everywhere else. In spring an hour is
 * not on the clock.
 */
export interface DayGrid {
  /** Midnights. */
  readonly days: readonly number[];
  readonly stepSeconds: number;
  readonly rows: number;
  /**
   * Which step of the curve, or `noCell`; the halves of day d and row r are at `(d * rows + r) * 2` and one after it.
   */
  readonly steps: Int32Array;
}

const daySeconds = 86_400;

export function dayGrid(curve: Curve, clock: ZoneClock, stepSeconds = 900): DayGrid {
  const rows = Math.ceil(daySeconds / stepSeconds);
  const size = curve.from.length;
  if (size === 0) return { days: [], stepSeconds, rows, steps: new Int32Array(0) };
  const edges = clock.dayEdges(curve.from[0] as number, curve.to[size - 1] as number);
  const days = edges.slice(0, -1);
  const steps = new Int32Array(days.length * rows * 2).fill(noCell.outside);
  days.forEach((day, d) => {
    if ((edges[d + 1] as number) - day < daySeconds)
      markHole(steps, clock, { day, end: edges[d + 1] as number, d, rows });
  });
  for (let i = 0, d = 0; i < size; i += 1) {
    const from = curve.from[i] as number;
    while (from >= (edges[d + 1] as number)) d += 1;
    const day = days[d] as number;
    const isPlain = (edges[d + 1] as number) - day === daySeconds;
    const wall = isPlain ? from - day : clock.wallSeconds(from);
    putStep(steps, (d * rows + Math.floor(wall / stepSeconds)) * 2, i);
  }
  return { days, stepSeconds, rows, steps };
}

/** The second step of the same time takes the second half. */
function putStep(steps: Int32Array, at: number, step: number): void {
  if ((steps[at] as number) < 0) steps[at] = step;
  steps[at + 1] = step;
}

interface ShortDay {
  readonly day: number;
  readonly end: number;
  readonly d: number;
  readonly rows: number;
}

function markHole(steps: Int32Array, clock: ZoneClock, { day, end, d, rows }: ShortDay): void {
  const stepSeconds = daySeconds / rows;
  const shown = new Set<number>();
  for (let at = day; at < end; at += stepSeconds) shown.add(Math.floor(clock.wallSeconds(at) / stepSeconds));
  for (let row = 0; row < rows; row += 1) {
    if (!shown.has(row)) steps.fill(noCell.notOnTheClock, (d * rows + row) * 2, (d * rows + row) * 2 + 2);
  }
}

/** Edges between colours, so that each colour shows as many steps as another: one outlier flattens nothing. */
export function quantileEdges(values: Float64Array, colours: number): readonly number[] {
  const known = values.filter((value) => !Number.isNaN(value)).sort();
  if (known.length === 0) return [];
  const edges = Array.from({ length: colours - 1 }, (_, i) => known[Math.floor(((i + 1) * known.length) / colours)]);
  return [...new Set(edges as number[])];
}

/** Which colour a value has: the number of edges that it reaches. */
export function colourOf(edges: readonly number[], value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((edges[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
