import { useMemo } from "preact/hooks";
import type { Curve } from "../curves/curve.ts";
import { type TypicalDay, typicalDays } from "../curves/typical-day.ts";
import { weekdayName } from "../language/dates.ts";
import { t } from "../language/language.ts";
import { power } from "../language/numbers.ts";
import { zoneClock } from "../time/zone-clock.ts";

const [width, height] = [240, 96];

/** The seven weekdays side by side, in one scale. */
export function TypicalWeek({ curve, stepSeconds }: { curve: Curve; stepSeconds: number }) {
  const week = useMemo(() => typicalDays(curve, zoneClock(curve.zone), stepSeconds), [curve, stepSeconds]);
  const top = Math.max(1, ...week.flatMap(({ high }) => [...high].filter((watts) => !Number.isNaN(watts))));
  return (
    <>
      <p class="soft">{t("typical.about", { top: power(top, curve.unit) })}</p>
      <ul class="week">
        {week.map((day, weekday) => (
          <li key={weekday}>
            <h3>{weekdayName(weekday)}</h3>
            {day.days === 0 ? <p class="soft">{t("typical.none")}</p> : <Day day={day} top={top} unit={curve.unit} />}
          </li>
        ))}
      </ul>
    </>
  );
}

function Day({ day, top, unit }: { day: TypicalDay; top: number; unit: string }) {
  const peak = Math.max(...[...day.median].filter((watts) => !Number.isNaN(watts)));
  const row = day.median.indexOf(peak);
  const label = t("typical.day", { days: day.days, power: power(peak, unit), time: timeOf(row / day.median.length) });
  return (
    <>
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label} preserveAspectRatio="none">
        {[0.25, 0.5, 0.75].map((part) => (
          <line key={part} class="week-grid" x1={part * width} x2={part * width} y1="0" y2={height} />
        ))}
        <path class="week-band" d={bandPath(day, top)} />
        <path class="week-line" d={linePath(day.median, top)} />
      </svg>
      <p class="soft">{label}</p>
    </>
  );
}

function timeOf(share: number): string {
  const minutes = Math.round(share * 1440);
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}

function place(values: Float64Array, i: number, top: number): string {
  const x = (i / values.length) * width;
  return `${x.toFixed(1)} ${(height - ((values[i] as number) / top) * (height - 2) - 1).toFixed(1)}`;
}

function linePath(values: Float64Array, top: number): string {
  let isDown = false;
  return [...values]
    .map((value, i) => {
      if (Number.isNaN(value)) {
        isDown = false;
        return "";
      }
      const command = isDown ? "L" : "M";
      isDown = true;
      return `${command}${place(values, i, top)}`;
    })
    .join("");
}

function bandPath({ low, high }: TypicalDay, top: number): string {
  const known = [...low].flatMap((value, i) => (Number.isNaN(value) ? [] : [i]));
  if (known.length === 0) return "";
  const up = known.map((i) => place(high, i, top)).join("L");
  const down = known.toReversed().map((i) => place(low, i, top));
  return `M${up}L${down.join("L")}Z`;
}
