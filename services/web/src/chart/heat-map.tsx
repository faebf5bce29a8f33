import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Curve, powerAt, qualityAt } from "../curves/curve.ts";
import { type DayGrid, dayGrid, noCell, quantileEdges } from "../curves/day-grid.ts";
import { axisDate, dayOfWeek, exactTime, time } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { amount, power, roughAmount, unitSign } from "../language/numbers.ts";
import { theme } from "../look/theme.ts";
import { zoneClock } from "../time/zone-clock.ts";
import { colour, heatRamp } from "./colours.ts";
import { drawHeat } from "./draw-heat.ts";

interface HeatMapProps {
  readonly curve: Curve;
  readonly stepSeconds: number;
  readonly onDay: (day: number) => void;
}

const height = 384;

/** A year at a glance: days from left to right, the time of day from top to bottom. */
export function HeatMap({ curve, stepSeconds, onDay }: HeatMapProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [cell, setCell] = useState<Cell>();
  const grid = useMemo(() => dayGrid(curve, zoneClock(curve.zone), stepSeconds), [curve, stepSeconds]);
  const edges = useMemo(() => quantileEdges(curve.value, heatRamp("light").length), [curve]);
  const seen = theme.value;
  useEffect(() => {
    const place = canvas.current;
    if (place === null) return undefined;
    const draw = () => drawHeat(place, { curve, grid, edges, ramp: heatRamp(seen), height });
    draw();
    const watch = new ResizeObserver(draw);
    watch.observe(place);
    return () => watch.disconnect();
  }, [curve, grid, edges, seen]);
  return (
    <div class="heat">
      <p class="readout" role="status">
        {cell === undefined ? t("heat.hint") : sayCell(curve, grid, cell)}
      </p>
      <div class="heat-frame">
        <Times />
        <canvas
          ref={canvas}
          role="img"
          tabIndex={0}
          aria-label={t("heat.label", { days: grid.days.length })}
          style={{ height: `${height}px` }}
          onPointerMove={(event) => setCell(cellAt(grid, event))}
          onPointerLeave={() => setCell(undefined)}
          onClick={(event) => onDay(grid.days[cellAt(grid, event).day] as number)}
          onKeyDown={(event) => walk(event, grid, cell, setCell, onDay)}
        />
      </div>
      <Days days={grid.days} zone={curve.zone} />
      <Legend edges={edges} unit={curve.unit} ramp={heatRamp(seen)} />
    </div>
  );
}

interface Cell {
  readonly day: number;
  readonly row: number;
  readonly half: 0 | 1;
}

function cellAt({ days, rows }: DayGrid, event: PointerEvent | MouseEvent): Cell {
  const { left, top, width, height: tall } = (event.currentTarget as HTMLElement).getBoundingClientRect();
  const along = ((event.clientX - left) / width) * days.length;
  const day = clamp(Math.floor(along), days.length);
  return {
    day,
    row: clamp(Math.floor(((event.clientY - top) / tall) * rows), rows),
    half: along - day >= 0.5 ? 1 : 0,
  };
}

function clamp(place: number, size: number): number {
  return Math.max(0, Math.min(size - 1, place));
}

function sayCell(curve: Curve, { days, rows, steps, stepSeconds }: DayGrid, { day, row, half }: Cell): string {
  const step = steps[(day * rows + row) * 2 + half] as number;
  const date = dayOfWeek(days[day] as number, curve.zone);
  if (step === noCell.notOnTheClock) return t("heat.noHour", { date, time: wallTime(row * stepSeconds) });
  if (step < 0) return `${date}, ${wallTime(row * stepSeconds)}`;
  const [from, to] = [curve.from[step] as number, curve.to[step] as number];
  const isTwice = steps[(day * rows + row) * 2] !== steps[(day * rows + row) * 2 + 1];
  const at = isTwice ? `${exactTime(from, curve.zone)}` : `${date}, ${time(from, curve.zone)}–${time(to, curve.zone)}`;
  const value = curve.value[step] as number;
  const quality = t(`quality.${qualityAt(curve, step)}`);
  if (Number.isNaN(value)) return `${at}: ${quality}`;
  return `${at}: ${amount(value, curve.unit)} · ${power(powerAt(curve, step), curve.unit)} · ${quality}`;
}

function wallTime(seconds: number): string {
  return axisDate(seconds, "UTC", { hour: "2-digit", minute: "2-digit" });
}

function walk(
  event: KeyboardEvent,
  grid: DayGrid,
  cell: Cell | undefined,
  setCell: (cell: Cell) => void,
  onDay: (day: number) => void,
): void {
  const { day, row } = cell ?? { day: grid.days.length - 1, row: 0 };
  const moves: Record<string, [number, number]> = {
    ArrowLeft: [-1, 0],
    ArrowRight: [1, 0],
    ArrowUp: [0, -1],
    ArrowDown: [0, 1],
    Home: [-day, 0],
    End: [grid.days.length, 0],
  };
  if (event.key === "Enter") return onDay(grid.days[day] as number);
  const move = moves[event.key];
  if (move === undefined) return;
  event.preventDefault();
  setCell({ day: clamp(day + move[0], grid.days.length), row: clamp(row + move[1], grid.rows), half: 0 });
}

function Times() {
  return (
    <div class="heat-times" aria-hidden="true">
      {[0, 6, 12, 18, 24].map((hour) => (
        <span key={hour} style={{ top: `${(hour / 24) * 100}%` }}>
          {String(hour).padStart(2, "0")}:00
        </span>
      ))}
    </div>
  );
}

const labelsMax = 12;

/** The first of each month where there are several, else every few days. */
function Days({ days, zone }: { days: readonly number[]; zone: string }) {
  const clock = zoneClock(zone);
  const firsts = days.flatMap((day, index) => (clock.dateOf(day).day === 1 ? [index] : []));
  const every = Math.ceil(days.length / 8);
  const shown =
    firsts.length >= 3
      ? firsts.filter((_, i) => i % Math.ceil(firsts.length / labelsMax) === 0)
      : days.flatMap((_, i) => (i % every === 0 ? [i] : []));
  const form = firsts.length >= 3 ? ({ month: "short" } as const) : ({ day: "numeric", month: "short" } as const);
  return (
    <div class="heat-days" aria-hidden="true">
      {shown.map((index) => (
        <span key={index} style={{ left: `${(index / days.length) * 100}%` }}>
          {axisDate(days[index] as number, zone, form)}
        </span>
      ))}
    </div>
  );
}

interface LegendProps {
  readonly edges: readonly number[];
  readonly unit: string;
  readonly ramp: readonly string[];
}

function Legend({ edges, unit, ramp }: LegendProps) {
  const colours = ramp.slice(0, edges.length + 1);
  return (
    <div class="heat-legend">
      <span class="soft">{t("heat.legend", { unit: unitSign(unit) })}</span>
      <ol>
        {colours.map((background, i) => (
          <li key={background}>
            <i style={{ background }} />
            {i === 0 ? "" : roughAmount(edges[i - 1] as number, unit)}
          </li>
        ))}
      </ol>
      <span class="key">
        <i class="swatch swatch-missing" /> {t("quality.missing")}
      </span>
      <span class="key">
        <i class="swatch" style={{ background: colour("suspect-line") }} /> {t("quality.suspect")}
      </span>
    </div>
  );
}
