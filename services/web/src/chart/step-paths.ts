import type uPlot from "uplot";

/** Beside uPlot's own columns: where each step ends, and whether steps stand apart as bars. */
export interface Steps {
  readonly to: Float64Array;
  readonly form: "line" | "bars";
}

const pixelsPerStepMin = 1.5;
const barGap = 0.18;

/**
 * Paths of amounts per step: level from a step's start to its end, no line through steps of which nothing is known.
 * Where steps are narrower than a pixel, each column of pixels shows the least and the most of its steps.
 */
export function stepPaths(steps: Steps): uPlot.Series.PathBuilder {
  return (plot, seriesIndex, first, last) => {
    const xs = plot.data[0] as unknown as Float64Array;
    const ys = plot.data[seriesIndex] as unknown as Float64Array;
    const place = placing(plot);
    const paths = { stroke: new Path2D(), fill: new Path2D() };
    const perStep = Math.abs(place.x(xs[last] as number) - place.x(xs[first] as number)) / Math.max(1, last - first);
    if (perStep < pixelsPerStepMin) drawColumns(paths, { xs, ys, first, last, place });
    else if (steps.form === "bars") drawBars(paths, { xs, ys, first, last, place }, steps);
    else drawSteps(paths, { xs, ys, first, last, place }, steps);
    return { ...paths, clip: null, flags: 3 } as unknown as uPlot.Series.Paths;
  };
}

interface Paths {
  readonly stroke: Path2D;
  readonly fill: Path2D;
}

interface Part {
  readonly xs: Float64Array;
  readonly ys: Float64Array;
  readonly first: number;
  readonly last: number;
  readonly place: ReturnType<typeof placing>;
}

/** Straight from value to canvas pixel: one call for each of 35 040 steps must cost nothing. */
function placing(plot: uPlot) {
  const { left, top, width, height } = plot.bbox;
  const { min: x0 = 0, max: x1 = 1 } = plot.scales["x"] as { min?: number; max?: number };
  const { min: y0 = 0, max: y1 = 1 } = plot.scales["y"] as { min?: number; max?: number };
  const [perX, perY] = [width / (x1 - x0), height / (y1 - y0)];
  return {
    x: (value: number) => left + (value - x0) * perX,
    y: (value: number) => top + height - (value - y0) * perY,
  };
}

function drawSteps({ stroke, fill }: Paths, { xs, ys, first, last, place }: Part, { to }: Steps): void {
  const area = areaOver(fill, place.y(0));
  let before = Number.NaN;
  for (let i = first; i <= last; i += 1) {
    const value = ys[i] as number;
    const left = place.x(xs[i] as number);
    if (before !== left || Number.isNaN(value)) area.end(before);
    if (Number.isNaN(value)) {
      before = Number.NaN;
      continue;
    }
    const [right, y] = [place.x(to[i] as number), place.y(value)];
    if (before === left) stroke.lineTo(left, y);
    else stroke.moveTo(left, y);
    stroke.lineTo(right, y);
    area.to(left, y);
    area.to(right, y);
    before = right;
  }
  area.end(before);
}

/** One outline for each run of known steps: many small shapes would cost the browser more than the script. */
function areaOver(fill: Path2D, ground: number) {
  let isOpen = false;
  return {
    to(x: number, y: number): void {
      if (!isOpen) fill.moveTo(x, ground);
      isOpen = true;
      fill.lineTo(x, y);
    },
    end(x: number): void {
      if (isOpen) fill.lineTo(x, ground);
      isOpen = false;
    },
  };
}

function drawBars({ stroke, fill }: Paths, { xs, ys, first, last, place }: Part, { to }: Steps): void {
  const ground = place.y(0);
  for (let i = first; i <= last; i += 1) {
    const value = ys[i] as number;
    if (Number.isNaN(value)) continue;
    const [left, right] = [place.x(xs[i] as number), place.x(to[i] as number)];
    const gap = (right - left) * barGap;
    const [x, width, y] = [left + gap / 2, right - left - gap, place.y(value)];
    for (const path of [fill, stroke]) path.rect(x, Math.min(y, ground), width, Math.abs(ground - y));
  }
}

/** Each column of pixels goes from its first step over its least and its most to its last. */
function drawColumns({ stroke, fill }: Paths, { xs, ys, first, last, place }: Part): void {
  const area = areaOver(fill, place.y(0));
  let [column, isDown] = [Number.NaN, false];
  let [open, low, high, close] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  const flush = () => {
    if (low > high) {
      area.end(column);
      isDown = false;
      return;
    }
    const x = column + 0.5;
    if (isDown) stroke.lineTo(x, place.y(open));
    else stroke.moveTo(x, place.y(open));
    for (const value of [low, high, close]) stroke.lineTo(x, place.y(value));
    isDown = true;
    area.to(x, place.y(high > 0 ? high : low));
  };
  for (let i = first; i <= last; i += 1) {
    const value = ys[i] as number;
    const x = Math.floor(place.x(xs[i] as number));
    if (x !== column) {
      flush();
      [column, open, low, high] = [x, value, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    }
    if (Number.isNaN(value)) continue;
    if (low > high) open = value;
    if (value < low) low = value;
    if (value > high) high = value;
    close = value;
  }
  flush();
  area.end(column + 0.5);
}
