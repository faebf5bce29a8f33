import { language } from "./language.ts";

const formats = new Map<string, Intl.DateTimeFormat>();

function dateFormat(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const tag = language() === "uk" ? "uk" : "en-GB";
  const key = `${tag} ${zone} ${JSON.stringify(options)}`;
  let format = formats.get(key);
  if (format === undefined) {
    format = new Intl.DateTimeFormat(tag, { timeZone: zone, ...options });
    formats.set(key, format);
  }
  return format;
}

/** Instants are seconds UTC, or as the API writes them. */
type Instant = number | string;

function msOf(instant: Instant): number {
  return typeof instant === "number" ? instant * 1000 : Date.parse(instant);
}

export function dateTime(instant: Instant, zone: string): string {
  return dateFormat(zone, { dateStyle: "medium", timeStyle: "short" }).format(msOf(instant));
}

/** Two instants that differ in what the shorter form leaves out: with the offset, in the hour that comes twice. */
export function exactTime(instant: Instant, zone: string): string {
  const options = { dateStyle: "medium", timeStyle: "long" } as const;
  return dateFormat(zone, options).format(msOf(instant));
}

export function time(instant: Instant, zone: string): string {
  return dateFormat(zone, { hour: "2-digit", minute: "2-digit" }).format(msOf(instant));
}

export function day(instant: Instant, zone: string): string {
  return dateFormat(zone, { dateStyle: "medium" }).format(msOf(instant));
}

/** `23 – 29 Nov 2026`; one day stands alone. */
export function days(first: number, last: number, zone: string): string {
  return dateFormat(zone, { dateStyle: "medium" }).formatRange(first * 1000, last * 1000);
}

export function dayOfWeek(instant: Instant, zone: string): string {
  return dateFormat(zone, { weekday: "short", day: "numeric", month: "short", year: "numeric" }).format(msOf(instant));
}

/** `October 2026` of `2026-10`. */
export function monthName(period: string): string {
  const text = dateFormat("UTC", { month: "long", year: "numeric" }).format(Date.parse(`${period}-15T00:00:00Z`));
  return text.charAt(0).toLocaleUpperCase(language()) + text.slice(1);
}

/** Monday is 0. */
export function weekdayName(weekday: number): string {
  return dateFormat("UTC", { weekday: "long" }).format(Date.UTC(2024, 0, 1 + weekday, 12));
}

export function axisDate(instant: number, zone: string, options: Intl.DateTimeFormatOptions): string {
  return dateFormat(zone, options).format(instant * 1000);
}

/** How long ago, or how long until: `in 3 days`. */
export function relative(seconds: number): string {
  const { size, unit } = relativeUnits.find(({ from }) => Math.abs(seconds) >= from) ?? { size: 1, unit: "second" };
  return new Intl.RelativeTimeFormat(language(), { numeric: "auto" }).format(Math.round(seconds / size), unit);
}

const relativeUnits: readonly { from: number; size: number; unit: Intl.RelativeTimeFormatUnit }[] = [
  { from: 2 * 86_400, size: 86_400, unit: "day" },
  { from: 2 * 3600, size: 3600, unit: "hour" },
  { from: 60, size: 60, unit: "minute" },
];
