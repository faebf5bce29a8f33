import type { ReadingQuality, ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { emptyColumns, pushReading, readingCode } from "@meterbook/core/domain/reading/reading";

export function instant(text: string): number {
  return Date.parse(text) / 1000;
}

type Row = readonly [at: number, value: number, quality?: ReadingQuality];

/** A register series of `1.8.0` in Wh. */
export function registerSeries(rows: readonly Row[], register = "1.8.0"): ReadingSeries {
  return { channel: { register, kind: "register", unit: "Wh", stepSeconds: 0 }, ...columns(rows) };
}

export function intervalSeries(rows: readonly Row[], stepSeconds: number, register = "1.8.0"): ReadingSeries {
  return { channel: { register, kind: "interval", unit: "Wh", stepSeconds }, ...columns(rows) };
}

function columns(rows: readonly Row[]) {
  const made = emptyColumns();
  for (const [at, value, quality] of rows) pushReading(made, at, value, readingCode(quality ?? "actual", "remote"));
  return made;
}
