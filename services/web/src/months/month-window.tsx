import { dateTime } from "../language/dates.ts";
import { t } from "../language/language.ts";
import type { Period } from "./period.ts";

/** The window has three days of thirty-three, and is what is looked at. */
const [monthPercent, windowPercent] = [66, 34];

/** Where we are between the month's first day and its last word. */
export function Window({ period }: { period: Period }) {
  const { start, boundary, finalFrom, zone } = period;
  const [first, middle, last] = [start, boundary, finalFrom].map((at) => Date.parse(at)) as [number, number, number];
  const part = (at: number, from: number, to: number) => Math.max(0, Math.min(1, (at - from) / (to - from)));
  const share = (at: number) => `${part(at, first, middle) * monthPercent + part(at, middle, last) * windowPercent}%`;
  const now = Date.now();
  return (
    <div
      class="window"
      role="img"
      aria-label={t("window.label", { boundary: dateTime(boundary, zone), final: dateTime(finalFrom, zone) })}
    >
      <div class="window-line">
        <i style={{ width: share(now) }} />
        <b style={{ left: share(middle) }} />
        <b style={{ left: "100%" }} />
      </div>
      <div class="window-texts">
        <span>{dateTime(start, zone)}</span>
        <span style={{ left: `${monthPercent}%` }}>
          {t("window.end")}
          <small>{dateTime(boundary, zone)}</small>
        </span>
        <span>
          {t("window.final")}
          <small>{dateTime(finalFrom, zone)}</small>
        </span>
      </div>
    </div>
  );
}
