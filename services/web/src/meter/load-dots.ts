import { api, ask } from "../api/client.ts";
import { loadReadings, readingSecondsMax } from "../api/load-readings.ts";
import type { RegisterDot } from "../chart/register-dots.ts";
import { isoOf } from "../time/iso.ts";

interface DotRange {
  readonly meterId: string;
  readonly register: string;
  readonly from: number;
  readonly to: number;
}

/** More are not told apart, and not shown. */
const readingsMax = 4000;

/** The register's readings where there are few enough to be told apart, and the month ends that were issued. */
export async function loadDots(range: DotRange, signal: AbortSignal): Promise<readonly RegisterDot[]> {
  const [readings, monthEnds] = await Promise.all([
    range.to - range.from <= readingSecondsMax ? readingDots(range, signal) : [],
    monthEndDots(range, signal),
  ]);
  return [...readings, ...monthEnds];
}

async function readingDots({ meterId, register, from, to }: DotRange, signal: AbortSignal): Promise<RegisterDot[]> {
  const call = { meterId, register, from: isoOf(from), to: isoOf(to + 1) };
  const { items, isCut } = await loadReadings(call, readingsMax, signal);
  if (isCut) return [];
  return items
    .filter(({ kind }) => kind === "register")
    .map(({ at, value, quality }) => ({ at: Date.parse(at) / 1000, value, kind: "reading", quality }));
}

async function monthEndDots({ meterId, register, from, to }: DotRange, signal: AbortSignal): Promise<RegisterDot[]> {
  const path = { meterId };
  const { items } = await ask(api.GET("/v1/meters/{meterId}/snapshots", { params: { path, query: {} }, signal }));
  return items.flatMap(({ boundary, registers }) => {
    const at = Date.parse(boundary) / 1000;
    const row = registers.findLast((one) => one.register === register);
    if (at < from || at > to || row === undefined || row.value === null) return [];
    return [{ at, value: row.value, kind: "monthEnd" as const, quality: row.valueQuality }];
  });
}
