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
    axes: [timeAxis(zone), amountAxis(unit)],
    series: seriesOf(data, form),
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

function timeAxis(zone: string): uPlot.Axis {
  return {
    font,
    stroke: colour("ink-3"),
    grid: { show: false },
    ticks: { stroke: colour("line"), width: 1, size: 5 },
    space: 64,
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

function amountAxis(unit: string): uPlot.Axis {
  return {
    font,
    stroke: colour("ink-3"),
    grid: { stroke: colour("grid"), width: 1 },
    ticks: { show: false },
    size: 62,
    gap: 6,
    label: unitSign(unit),
    labelFont: font,
    labelSize: 20,
    labelGap: 0,
    // What is given to the grid stands below zero and is an amount all the same.
    values: (_plot, splits) => splits.map((value) => roughAmount(Math.abs(value), unit)),
  };
}

function seriesOf(data: ChartData, form: "line" | "bars"): uPlot.Series[] {
  const paths = stepPaths({ to: data.to, form });
  const line = stepPaths({ to: data.to, form: "line" });
  const common = { paths, points: { show: false }, width: form === "bars" ? 0 : 1.5 };
  const series: uPlot.Series[] = [
    {},
    { ...common, stroke: colour("accent"), fill: colour("curve-fill") },
    { ...common, width: 1.5, stroke: colour("estimated"), fill: colour("estimated-soft"), dash: [5, 3] },
  ];
  if (data.exported !== undefined) series.push({ ...common, stroke: colour("export"), fill: colour("export-soft") });
  data.compared.forEach((_, i) => {
    const name = data.compared.length === 1 ? "other-1" : (otherColours[i % otherColours.length] as string);
    series.push({ paths: line, points: { show: false }, width: 1.5, stroke: colour(name) });
  });
  return series;
}

export function plotData(data: ChartData): uPlot.AlignedData {
  const { from, measured, estimated, exported, compared } = data;
  const columns = [from, measured, estimated, ...(exported === undefined ? [] : [exported]), ...compared];
  return columns as unknown as uPlot.AlignedData;
}
