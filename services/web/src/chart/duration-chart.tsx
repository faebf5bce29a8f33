import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import type { Curve } from "../curves/curve.ts";
import { loadDuration } from "../curves/figures.ts";
import { language, t } from "../language/language.ts";
import { percent, power } from "../language/numbers.ts";
import { theme } from "../look/theme.ts";
import { colour } from "./colours.ts";

const pointsMax = 2000;

/** How much of the time at least so much was drawn. */
export function DurationChart({ curve }: { curve: Curve }) {
  const frame = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<number>();
  const { shares, watts } = useMemo(() => thinned(loadDuration(curve)), [curve]);
  const [seen, spoken] = [theme.value, language()];
  useEffect(() => {
    const place = frame.current;
    if (place === null) return undefined;
    const plot = new uPlot(options(place, curve.unit, setAt), [shares, watts], place);
    const watch = new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: 320 }));
    watch.observe(place);
    return () => {
      watch.disconnect();
      plot.destroy();
    };
  }, [shares, watts, seen, spoken]);
  const [share, value] = at === undefined ? [] : [shares[at], watts[at]];
  return (
    <>
      <p class="readout" role="status">
        {share === undefined || value === undefined
          ? t("duration.hint")
          : t("duration.at", { share: percent(share / 100), power: power(value, curve.unit) })}
      </p>
      <div class="plot" ref={frame} role="img" aria-label={t("duration.label")} />
    </>
  );
}

function thinned(watts: Float64Array): { shares: number[]; watts: number[] } {
  const size = Math.min(pointsMax, watts.length);
  const places = Array.from({ length: size }, (_, i) => Math.round((i / Math.max(1, size - 1)) * (watts.length - 1)));
  return {
    shares: places.map((place) => ((place + 1) / watts.length) * 100),
    watts: places.map((place) => watts[place] as number),
  };
}

function options(place: HTMLElement, unit: string, onPlace: (index: number | undefined) => void): uPlot.Options {
  const font = '12px "Inter Variable", system-ui, sans-serif';
  const axis = { font, stroke: colour("ink-3"), ticks: { show: false } };
  return {
    width: place.clientWidth,
    height: 320,
    padding: [12, 24, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { x: { time: false, range: [0, 100] }, y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.08 : 1] } },
    axes: [
      { ...axis, grid: { show: false }, values: (_plot, splits) => splits.map((share) => percent(share / 100)) },
      {
        ...axis,
        size: 76,
        grid: { stroke: colour("grid"), width: 1 },
        values: (_plot, splits) => splits.map((w) => power(w, unit)),
      },
    ],
    series: [{}, { stroke: colour("accent"), fill: colour("curve-fill"), width: 1.75, points: { show: false } }],
    hooks: {
      setCursor: [(plot) => onPlace((plot.cursor.left ?? -1) < 0 ? undefined : (plot.cursor.idx ?? undefined))],
    },
  };
}
