import type { ZoneClock } from "../time/zone-clock.ts";

export const resolutions = ["native", "PT15M", "PT30M", "PT1H", "P1D", "P1M"] as const;
export type Resolution = (typeof resolutions)[number];
export const shows = ["curve", "heat", "duration", "typical", "table"] as const;
export type Show = (typeof shows)[number];

/** What is compared with: nothing, the month or the year before, or other meters. */
export type Compare = "none" | "month" | "year" | readonly string[];
export const othersMax = 8;

/** All that a meter's page shows, as its address says it: a link to it shows the same. Instants are seconds UTC. */
export interface MeterView {
  /** Undefined: the meter's first. */
  readonly register: string | undefined;
  readonly from: number;
  readonly to: number;
  /** `auto`: as fine as can be seen. */
  readonly resolution: Resolution | "auto";
  readonly show: Show;
  readonly compare: Compare;
}

const daySeconds = 86_400;
const defaultDays = 7;
const secondsMin = 3600;

export function readView(query: Readonly<Record<string, string>>, clock: ZoneClock, now: number): MeterView {
  const to = instantOf(query["to"], clock) ?? clock.addDays(clock.dayOf(now), 1);
  const from = instantOf(query["from"], clock) ?? clock.addDays(clock.dayOf(to - 1), 1 - defaultDays);
  return {
    register: query["register"],
    from: Math.min(from, to - secondsMin),
    to,
    resolution: oneOf(resolutions, query["resolution"]) ?? "auto",
    show: oneOf(shows, query["show"]) ?? "curve",
    compare: compareOf(query["compare"]),
  };
}

/** The query of an address that shows this view; what is as usual is left out. */
export function viewQuery({ register, from, to, resolution, show, compare }: MeterView, clock: ZoneClock): string {
  const query = new URLSearchParams();
  if (register !== undefined) query.set("register", register);
  query.set("from", textOf(from, clock));
  query.set("to", textOf(to, clock));
  if (resolution !== "auto") query.set("resolution", resolution);
  if (show !== "curve") query.set("show", show);
  if (compare !== "none") query.set("compare", typeof compare === "string" ? compare : compare.join(","));
  return query.toString().replaceAll("%3A", ":").replaceAll("%2C", ",");
}

/** As fine as a screen can show, and as the API answers at once. */
export function resolutionOf({ resolution, from, to, show }: MeterView): Resolution {
  const days = (to - from) / daySeconds;
  const finest = days > 4000 ? "P1M" : days > 800 ? "P1D" : undefined;
  if (resolution !== "auto") return finest ?? resolution;
  if (days > 400) return finest ?? "P1D";
  if (show !== "curve" && show !== "table") return "PT15M";
  return days <= 40 ? "PT15M" : days <= 100 ? "PT1H" : "P1D";
}

function oneOf<Name extends string>(names: readonly Name[], text: string | undefined): Name | undefined {
  return names.find((name) => name === text);
}

function compareOf(text: string | undefined): Compare {
  if (text === undefined || text === "" || text === "none") return "none";
  if (text === "month" || text === "year") return text;
  return [...new Set(text.split(",").filter((id) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(id)))].slice(0, othersMax);
}

/** A local date, or an instant where it is not midnight. */
export function instantOf(text: string | undefined, clock: ZoneClock): number | undefined {
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text ?? "") ?? [];
  if (day !== undefined) return clock.midnight(Number(year), Number(month), Number(day));
  const ms = text?.endsWith("Z") ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000);
}

function textOf(instant: number, clock: ZoneClock): string {
  return clock.dayOf(instant) === instant
    ? dateText(instant, clock)
    : `${new Date(instant * 1000).toISOString().slice(0, 16)}Z`;
}

/** `2026-10-31` of an instant, in the clock's zone. */
export function dateText(instant: number, clock: ZoneClock): string {
  const { year, month, day } = clock.dateOf(instant);
  return [String(year).padStart(4, "0"), String(month).padStart(2, "0"), String(day).padStart(2, "0")].join("-");
}

export const spans = ["day", "week", "month", "year"] as const;
export type Span = (typeof spans)[number];

/** The calendar's day, week, month or year around an instant. */
export function spanAround(span: Span, instant: number, clock: ZoneClock): { from: number; to: number } {
  const day = clock.dayOf(instant);
  const { year, month, weekday } = clock.dateOf(day);
  if (span === "day") return { from: day, to: clock.addDays(day, 1) };
  if (span === "week") return { from: clock.addDays(day, -weekday), to: clock.addDays(day, 7 - weekday) };
  if (span === "month") return { from: clock.midnight(year, month, 1), to: clock.midnight(year, month + 1, 1) };
  return { from: clock.midnight(year, 1, 1), to: clock.midnight(year + 1, 1, 1) };
}

/** Which span of the calendar a range is, if any. */
export function spanOf({ from, to }: Pick<MeterView, "from" | "to">, clock: ZoneClock): Span | undefined {
  return spans.find((span) => {
    const around = spanAround(span, from, clock);
    return around.from === from && around.to === to;
  });
}

/** The range before or after: by the calendar where it is a span of it, else by its own length. */
export function step(view: Pick<MeterView, "from" | "to">, by: 1 | -1, clock: ZoneClock): { from: number; to: number } {
  const span = spanOf(view, clock);
  if (span !== undefined) return spanAround(span, by > 0 ? view.to + secondsMin : view.from - secondsMin, clock);
  const isDays = [view.from, view.to].every((edge) => clock.dayOf(edge) === edge);
  if (!isDays) return { from: view.from + by * (view.to - view.from), to: view.to + by * (view.to - view.from) };
  const days = by * Math.round((view.to - view.from) / daySeconds);
  return { from: clock.addDays(view.from, days), to: clock.addDays(view.to, days) };
}

/** Where the curve begins that is compared with: the same days of the month or of the year before. */
export function earlierRange(
  { from, to }: Pick<MeterView, "from" | "to">,
  before: "month" | "year",
  clock: ZoneClock,
): { from: number; to: number } {
  const months = before === "month" ? -1 : -12;
  const start = clock.addMonths(clock.dayOf(from), months);
  const days = Math.round((clock.addDays(clock.dayOf(to - 1), 1) - clock.dayOf(from)) / daySeconds);
  return { from: start, to: clock.addDays(start, days) };
}
