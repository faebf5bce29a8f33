const pattern = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:([Zz])|([+-])(\d\d):(\d\d))$/;

/**
 * Milliseconds since 1970 UTC of an RFC 3339 instant; undefined when it is none. The offset is required: a local time
 * without one names two instants once a year. Digits beyond milliseconds are cut; a leap second is not accepted.
 */
export function parseInstantMs(text: string): number | undefined {
  const parts = pattern.exec(text);
  if (parts === null) return undefined;
  const field = (index: number) => Number(parts[index] ?? 0);
  const [year, month, day, hour, minute, second] = [field(1), field(2), field(3), field(4), field(5), field(6)];
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59)
    return undefined;
  const offsetMinutes = field(10) * 60 + field(11);
  if (field(10) > 23 || field(11) > 59) return undefined;
  const fractionMs = Number((parts[7] ?? "").slice(0, 3).padEnd(3, "0"));
  const local = utcMs(year, month, day) + ((hour * 60 + minute) * 60 + second) * 1000 + fractionMs;
  return local - (parts[9] === "-" ? -offsetMinutes : offsetMinutes) * 60_000;
}

function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
}

function utcMs(year: number, month: number, day: number): number {
  const date = new Date(0);
  return date.setUTCFullYear(year, month - 1, day);
}

const daySeconds = 86_400;
const rememberedDaysMax = 4096;
const dayTexts = new Map<number, string>();
/** `THH:MM:SSZ` of each second of a day, made when first asked for. */
const timeTexts: (string | undefined)[] = Array.from({ length: daySeconds }, () => undefined);

/**
 * `YYYY-MM-DDTHH:MM:SSZ` of whole seconds since 1970 UTC. Remembers its days and times of day, because an export
 * writes millions of instants and they fall on few.
 */
export function formatInstant(at: number): string {
  const day = Math.floor(at / daySeconds);
  const second = at - day * daySeconds;
  return (dayTexts.get(day) ?? dayText(day)) + (timeTexts[second] ?? timeText(second));
}

/** Like `formatInstant` from milliseconds; a fraction of three digits where it is not zero. */
export function formatInstantMs(atMs: number): string {
  const ms = ((atMs % 1000) + 1000) % 1000;
  const whole = formatInstant((atMs - ms) / 1000);
  return ms === 0 ? whole : `${whole.slice(0, -1)}.${String(ms).padStart(3, "0")}Z`;
}

function dayText(day: number): string {
  if (dayTexts.size >= rememberedDaysMax) dayTexts.clear();
  const text = new Date(day * daySeconds * 1000).toISOString().slice(0, -14);
  dayTexts.set(day, text);
  return text;
}

function timeText(second: number): string {
  const text = new Date(second * 1000).toISOString().slice(10, 19).concat("Z");
  timeTexts[second] = text;
  return text;
}
