import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";
import type { FleetSettings } from "../meters/fleet-options.ts";
import type { RegisterSeries } from "./report-readings.ts";

/** What a meter publishes. */
export interface Payload {
  readonly topic: string;
  readonly bytes: Buffer;
}

/** Says of a report what goes on the wire. */
export type EncodeReport = (
  meterId: string,
  sequence: number,
  series: readonly RegisterSeries[],
  claimedId?: string,
) => Payload;

const protoFile = fileURLToPath(new URL("../../../proto/meterbook/v1/meter_report.proto", import.meta.url));

export function reportEncoder(format: FleetSettings["format"]): EncodeReport {
  if (format === "json") return encodeJson;
  const type = protobuf.loadSync(protoFile).lookupType("meterbook.v1.MeterReport");
  const body = format === "profile" ? profilesOf : singlesOf;
  return (meterId, sequence, series, claimedId) => {
    const report = { sequence, ...body(series), ...(claimedId === undefined ? {} : { meterId: claimedId }) };
    return { topic: `meters/${meterId}/readings`, bytes: Buffer.from(type.encode(report).finish()) };
  };
}

const wireUnit = { Wh: 1, varh: 4 } as const;
const wireEstimated = 2;

function singlesOf(series: readonly RegisterSeries[]) {
  const readings = series.flatMap((one) =>
    one.at.map((at, i) => ({
      at,
      register: one.register,
      value: one.values[i],
      unit: wireUnit[one.unit],
      quality: isEstimated(one, i) ? wireEstimated : 0,
    })),
  );
  return { readings };
}

/** A profile for each run of evenly spaced readings of a register. */
function profilesOf(series: readonly RegisterSeries[]) {
  return { profiles: series.flatMap((one) => evenRuns(one.at).map(([first, count]) => profileOf(one, first, count))) };
}

function profileOf(one: RegisterSeries, first: number, count: number) {
  const { register, unit, at, values, estimated } = one;
  const base = values[first] as number;
  const deltas = Array.from({ length: count }, (_, i) =>
    i === 0 ? 0 : (values[first + i] as number) - (values[first + i - 1] as number),
  );
  const from = Math.max(estimated.first, first);
  const flagged = Math.min(estimated.first + estimated.count, first + count) - from;
  const exceptions = flagged > 0 ? [{ first: from - first, count: flagged, quality: wireEstimated }] : [];
  const stepSeconds = count > 1 ? (at[first + 1] as number) - (at[first] as number) : 900;
  return { register, unit: wireUnit[unit], start: at[first], stepSeconds, base, deltas, exceptions };
}

/** First index and length of each run of instants with equal distances. */
function evenRuns(at: readonly number[]): [first: number, count: number][] {
  const runs: [number, number][] = [];
  for (let first = 0; first < at.length; ) {
    const step = (at[first + 1] ?? 0) - (at[first] as number);
    let last = first;
    while (last + 1 < at.length && (at[last + 1] as number) - (at[last] as number) === step) last += 1;
    runs.push([first, last - first + 1]);
    first = last + 1;
  }
  return runs;
}

function encodeJson(
  meterId: string,
  sequence: number,
  series: readonly RegisterSeries[],
  claimedId = meterId,
): Payload {
  const readings = series.flatMap((one) =>
    one.at.map((at, i) => ({
      at: new Date(at * 1000).toISOString().replace(".000Z", "Z"),
      register: one.register,
      value: thousandths(one.values[i] as number),
      unit: `k${one.unit}`,
      ...(isEstimated(one, i) ? { quality: "estimated" } : {}),
    })),
  );
  const bytes = Buffer.from(JSON.stringify({ meterId: claimedId, sequence, readings }));
  return { topic: `meters/${meterId}/readings/json`, bytes };
}

/** A whole number as a decimal with three places, exactly: 12345678 as "12345.678". */
function thousandths(value: number): string {
  const digits = String(value).padStart(4, "0");
  return `${digits.slice(0, -3)}.${digits.slice(-3)}`;
}

function isEstimated({ estimated: { first, count } }: RegisterSeries, index: number): boolean {
  return index >= first && index < first + count;
}
