import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { ReadingLine, Vector } from "./vector.ts";

/** A JSON report of a meter, and when by its clock it is sent. */
export interface VectorMessage {
  readonly meter: string;
  /** Of the report as it is sent `nowMs`. */
  text(nowMs: number): string;
}

const units = ["Wh", "kWh", "MWh", "varh", "kvarh", "L", "m3"];
/** A report of many readings comes in parts, so that their order can be changed. */
const readingsMax = 96;

/** The reports of a stage, in the order in which they stand. */
export function messagesOf({ readings }: Pick<Vector["stages"][number], "readings">): VectorMessage[] {
  return readings.flatMap((line) => {
    const { meter = "m", json, flags, clockAhead } = line;
    if (json !== undefined) return [{ meter, text: (nowMs: number) => withNow(json, nowMs) }];
    const all = expanded(line);
    const parts = Array.from({ length: Math.ceil(all.length / readingsMax) }, (_, index) =>
      all.slice(index * readingsMax, (index + 1) * readingsMax),
    );
    return parts.map((part) => ({
      meter,
      text: (nowMs: number) =>
        JSON.stringify({
          ...(flags === undefined ? {} : { flags }),
          ...(clockAhead === undefined ? {} : { sentAt: new Date(nowMs + clockAhead * 1000).toISOString() }),
          readings: part,
        }),
    }));
  });
}

function withNow(json: string, nowMs: number): string {
  return json.replaceAll(/@now([+-]\d+)?/g, (_, seconds: string | undefined) =>
    new Date(nowMs + Number(seconds ?? 0) * 1000).toISOString(),
  );
}

function expanded(line: ReadingLine): object[] {
  const { register = "1.8.0", quality, revision, step, rise } = line;
  const unit = units.find((name) => line[name] !== undefined);
  if (unit === undefined) throw new Error(`a line without an amount: ${JSON.stringify(line)}`);
  const amount = String(line[unit]);
  return instantsOf(line).map(({ at, seconds }, index) => ({
    at: new Date(at * 1000).toISOString(),
    register,
    value: rise === undefined ? amount : risen(amount, rise, index),
    unit,
    ...(step === undefined ? {} : { kind: "interval", stepSeconds: step === "day" ? seconds : step }),
    ...(quality === undefined ? {} : { quality }),
    ...(revision === undefined ? {} : { revision }),
  }));
}

/** When each reading is taken, and how long ago the one before. */
function instantsOf({ at, from, to, every = 0, days, zone = "Europe/Kyiv" }: ReadingLine) {
  if (at !== undefined) return [{ at: instant(at), seconds: 0 }];
  if (days !== undefined) return localDays(days, zone);
  const [first, last] = [instant(from ?? ""), instant(to ?? "")];
  const count = Math.floor((last - first) / every) + 1;
  return Array.from({ length: count }, (_, index) => ({ at: first + index * every, seconds: every }));
}

/** The end of each local day from the first to the last, both among it. */
function localDays([first, last]: readonly [string, string], zone: string) {
  const calendar = localCalendar(zone);
  const ends: { at: number; seconds: number }[] = [];
  let day = calendar.dayOf(tenOf(first));
  while (day <= calendar.dayOf(tenOf(last))) {
    const next = calendar.addDays(day, 1);
    ends.push({ at: next, seconds: next - day });
    day = next;
  }
  return ends;
}

/** 10:00 UTC lies on the same date from Los Angeles to Chatham. */
function tenOf(date: string): number {
  return instant(`${date}T10:00:00Z`);
}

function instant(text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new Error(`no instant: ${text}`);
  return ms / 1000;
}

const decimalsMax = 6;

/** In millionths, so that decimals add up exactly. */
function risen(amount: string, rise: string, times: number): string {
  const total = scaled(amount) + scaled(rise) * BigInt(times);
  const digits = total.toString().padStart(decimalsMax + 1, "0");
  return `${digits.slice(0, -decimalsMax)}.${digits.slice(-decimalsMax)}`.replace(/\.?0+$/, "");
}

function scaled(text: string): bigint {
  const [whole = "0", decimals = ""] = text.split(".");
  return BigInt(whole + decimals.padEnd(decimalsMax, "0"));
}
