import uPlot from "uplot";
import { axisDate } from "../language/dates.ts";
import { roughAmount, unitSign } from "../language/numbers.ts";
import type { ChartData } from "./chart-data.ts";
import { colour, otherColours } from "./colours.ts";
import { stepPaths } from "./step-paths.ts";

const font = '12px "Inter Variable", system-ui, sans-serif';
const daySeconds = 86_400;

interface PlotLook {
  readonly data: ChartData;
  readonly unit: string;
  readonly zone: string;
  readonly form: "line" | "bars";
  readonly width: number;
  readonly height: number;
}

export function plotOptions(
  { data, unit, zone, form, width, height }: PlotLook,
  hooks: uPlot.Hooks.Arrays,
): uPlot.Options {
  return {
    width,
    height,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
    padding: [12, 22, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
    select: { show: true, left: 0, top: 0, width: 0, height: 0 },
    scales: {
      x: { time: true, range: (_plot, min, max) => [min, max] },
      y: { range: amountRange },
    },
    axes: [timeAxis(zone, width), amountAxis(unit, width)],
    series: seriesOf(data, form, width),
    hooks,
  };
}

/** From what is seen: what is not known has no place, and zero always has one. */
function amountRange(plot: uPlot): [number, number] {
  const [xs = [], ...columns] = plot.data as unknown as Float64Array[];
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = plot.scales["x"] ?? {};
  let [low, high] = [0, 0];
  for (let i = 0; i < xs.length; i += 1) {
    const at = xs[i] as number;
    if (at < (min ?? at) || at > (max ?? at)) continue;
    for (const column of columns) {
      const value = column[i] as number;
      if (value > high) high = value;
      else if (value < low) low = value;
    }
  }
  return low === high ? [0, 1] : [low * 1.08, high * 1.08];
}

function timeAxis(zone: string, width: number): uPlot.Axis {
  return {
    font,
    stroke: colour("ink-3"),
    grid: { show: false },
    ticks: { stroke: colour("line"), width: 1, size: 5 },
    space: width < narrow ? 52 : 68,
    gap: 4,
    values: (_plot, splits, _axis, _space, step) => splits.map((at) => timeLabel(at, step, zone)),
  };
}

function timeLabel(at: number, step: number, zone: string): string {
  if (step >= 28 * daySeconds) {
    const isJanuary = axisDate(at, zone, { month: "numeric" }) === axisDate(1_768_000_000, "UTC", { month: "numeric" });
    return axisDate(at, zone, isJanuary ? { year: "numeric" } : { month: "short" });
  }
  const clock = axisDate(at, zone, { hour: "2-digit", minute: "2-digit" });
  const isMidnight = clock.startsWith("00:00");
  return step >= daySeconds || isMidnight ? axisDate(at, zone, { day: "numeric", month: "short" }) : clock;
}

const narrow = 600;

function amountAxis(unit: string, width: number): uPlot.Axis {
  return {
    font,
    stroke: colour("ink-3"),
    grid: { stroke: colour("grid"), width: 1 },
    ticks: { show: false },
    size: width < narrow ? 42 : 58,
    gap: 6,
    ...(width < narrow ? {} : { label: unitSign(unit), labelFont: font, labelSize: 20, labelGap: 0 }),
    // What is given to the grid stands below zero and is an amount all the same.
    values: (_plot, splits) => splits.map((value) => roughAmount(Math.abs(value), unit)),
  };
}

/** A line of one pixel is drawn ten times as fast as a wider one, and among so many steps it is as well seen. */
function lineWidth(steps: number, width: number): number {
  return steps > width ? 1 / devicePixelRatio : 1.5;
}

function seriesOf(data: ChartData, form: "line" | "bars", wide: number): uPlot.Series[] {
  const width = lineWidth(data.from.length, wide);
  const paths = stepPaths({ to: data.to, form });
  const line = stepPaths({ to: data.to, form: "line" });
  const common = { paths, points: { show: false }, width: form === "bars" ? 0 : width };
  // What it is compared with stands behind it.
  const compared = data.compared.map((_, i): uPlot.Series => {
    const name = otherColours[i % otherColours.length] as string;
    return { paths: line, points: { show: false }, width: Math.min(width, 1.25), stroke: colour(name) };
  });
  const exported = { ...common, stroke: colour("export"), fill: colour("export-soft") };
  return [
    {},
    ...compared,
    ...(data.exported === undefined ? [] : [exported]),
    { ...common, stroke: colour("accent"), fill: colour("curve-fill") },
    { ...common, width, stroke: colour("estimated"), fill: colour("estimated-soft"), dash: [5, 3] },
  ];
}

export function plotData(data: ChartData): uPlot.AlignedData {
  const { from, measured, estimated, exported, compared } = data;
  const columns = [from, ...compared, ...(exported === undefined ? [] : [exported]), measured, estimated];
  return columns as unknown as uPlot.AlignedData;
}
