import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { LoadedCurves } from "../curves/load-curves.ts";
import { language } from "../language/language.ts";
import { theme } from "../look/theme.ts";
import { type ChartData, chartData } from "./chart-data.ts";
import { takeGestures } from "./chart-gestures.ts";
import { plotData, plotOptions } from "./plot-options.ts";
import { bandDrawing, bandsOf } from "./quality-bands.ts";
import { drawDots, type RegisterDot } from "./register-dots.ts";

interface CurveChartProps {
  readonly loaded: LoadedCurves;
  readonly range: { readonly from: number; readonly to: number };
  readonly dots: readonly RegisterDot[];
  readonly label: string;
  /** The step under the pointer or the keyboard's cursor. */
  readonly onStep: (index: number | undefined) => void;
  readonly onRange: (range: { from: number; to: number }) => void;
}

const heights = { wide: 360, narrow: 280 };

export function CurveChart({ loaded, range, dots, label, onStep, onRange }: CurveChartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const calls = useRef({ onStep, onRange });
  calls.current = { onStep, onRange };
  const [seen, spoken] = [theme.value, language()];
  useEffect(() => {
    const place = frame.current;
    if (place === null) return undefined;
    const data = chartData(loaded);
    const plot = makePlot(place, { loaded, data, dots, range, onStep: (index) => calls.current.onStep(index) });
    const leave = takeGestures(place, plot, { data, range, ...proxied(calls) });
    const watch = new ResizeObserver(() => {
      if (place.clientWidth > 0) plot.setSize({ width: place.clientWidth, height: heightOf(place) });
    });
    watch.observe(place);
    return () => {
      watch.disconnect();
      leave();
      plot.destroy();
    };
  }, [loaded, dots, seen, spoken]);
  return <div class="plot" ref={frame} role="img" aria-label={label} tabIndex={0} />;
}

function proxied(calls: { readonly current: Pick<CurveChartProps, "onStep" | "onRange"> }) {
  return {
    onStep: (index: number | undefined) => calls.current.onStep(index),
    onRange: (range: { from: number; to: number }) => calls.current.onRange(range),
  };
}

interface Drawn extends Pick<CurveChartProps, "loaded" | "dots" | "range" | "onStep"> {
  readonly data: ChartData;
}

function makePlot(place: HTMLElement, { loaded, data, dots, range, onStep }: Drawn): uPlot {
  const { unit, zone } = loaded.curve;
  const drawBands = bandDrawing(bandsOf(loaded.curve));
  const form = loaded.resolution === "P1D" || loaded.resolution === "P1M" ? "bars" : "line";
  const look = { data, unit, zone, form, width: place.clientWidth, height: heightOf(place) } as const;
  const options = plotOptions(look, {
    drawAxes: [drawBands],
    draw: [(plot) => drawDots(plot, dots)],
    setCursor: [
      (plot) =>
        onStep(plot.cursor.left === undefined || plot.cursor.left < 0 ? undefined : (plot.cursor.idx ?? undefined)),
    ],
  });
  const plot = new uPlot(options, plotData(data), place);
  const last = data.to.length - 1;
  if (last >= 0) {
    const shown = { min: data.from[0] as number, max: data.to[last] as number };
    plot.setScale("x", { min: Math.min(shown.min, range.from), max: Math.max(shown.max, range.to) });
  }
  return plot;
}

function heightOf(place: HTMLElement): number {
  return place.clientWidth < 600 ? heights.narrow : heights.wide;
}
