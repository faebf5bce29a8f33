import { meterRecord, meterRecordSchema } from "@meterbook/api/registry/meter-record-json";
import { readOutage } from "@meterbook/api/registry/outages/outage-json";
import { readUsagePoint } from "@meterbook/api/registry/usage-points/usage-point-json";
import type { Channel, Columns, Reading, ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { channelKey, emptyColumns, pushReading, readingAt, readingCode } from "@meterbook/core/domain/reading/reading";
import { inEffect } from "@meterbook/core/domain/reading/reading-rank";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import type { OutageRecord } from "@meterbook/core/domain/registry/outage";
import { inForce, withPoints } from "@meterbook/core/domain/registry/registered-meter";
import type { UsagePointRecord } from "@meterbook/core/domain/registry/usage-point";
import { parsePeriod, periodName } from "@meterbook/core/domain/snapshot/snapshot";
import { formatInstant } from "@meterbook/core/domain/time/instant";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { KnownMeter } from "@meterbook/core/domain/valuation/known-meter";
import { monthsOf } from "@meterbook/core/domain/valuation/month-content";
import { decodeReport } from "@meterbook/intake/decoders/protobuf/meter-report-protobuf";
import { messageReader, readLimits } from "@meterbook/intake/read-message";
import type { FoundMonths, FoundRow } from "./compare-rows.ts";
import type { Vector, VectorVerdict } from "./vector.ts";
import type { VectorMessage } from "./vector-messages.ts";

/** The instant at which the messages of a vector are received. */
const nowMs = Date.parse("2026-11-20T12:00:00Z");
const reader = messageReader(readLimits, { nowMs: () => nowMs });

/**
 * What the engine makes of a vector's messages: through the door, each reading in effect, no aggregator and no store.
 */
export function engineMonths(
  vector: Vector,
  meter: string,
  messages: readonly VectorMessage[],
  names: readonly string[],
): FoundMonths {
  const known = knownMeter(
    vector,
    meter,
    messages.filter((message) => message.meter === meter),
  );
  const calendar = localCalendar(known.record?.zone ?? "Europe/Kyiv");
  const wanted = names.map((name) => parsePeriod(name) as number);
  const firsts = known.channels.map(({ channel, first }) => calendar.periodOf(first.at - channel.stepSeconds));
  const from = Math.min(...wanted, ...firsts);
  const months = monthsOf(known, { from, to: Math.max(...wanted) }, calendar);
  const rows = months.map(({ period, usagePointId, registers }) => {
    const placed = registers.map((row) => ({ ...row, usagePointId: row.usagePointId ?? usagePointId }));
    return [periodName(period), placed.map(asShown)] as const;
  });
  return new Map(rows);
}

function knownMeter(vector: Vector, meter: string, messages: readonly VectorMessage[]): KnownMeter {
  const channels = new Map<string, { channel: Channel; readings: Map<number, Reading> }>();
  for (const message of messages) {
    for (const series of readingsOf(message.text(nowMs))) {
      const key = channelKey(series.channel);
      const known = channels.get(key) ?? { channel: series.channel, readings: new Map() };
      channels.set(key, known);
      series.at.forEach((at, i) => {
        const before = known.readings.get(at);
        known.readings.set(at, before === undefined ? readingAt(series, i) : inEffect(before, readingAt(series, i)));
      });
    }
  }
  for (const stage of vector.stages) for (const verdict of stage.verdicts ?? []) judge(channels, verdict);
  return {
    meterId: meter,
    record: recordOf(vector, meter),
    channels: [...channels.values()].map(({ channel, readings }) => {
      const columns = columnsOf(readings);
      return { channel, first: readingAt(columns, 0), readings: columns };
    }),
  };
}

/** As the call of the API does: the same value once more, of an operator. */
function judge(
  channels: ReadonlyMap<string, { readonly channel: Channel; readonly readings: Map<number, Reading> }>,
  { reading, verdict }: VectorVerdict,
): void {
  const [register, kind, step, instant, value] = reading.split("/");
  for (const { channel, readings } of channels.values()) {
    if (channel.register !== register || channel.kind !== kind || channel.stepSeconds !== Number(step)) continue;
    const at = Date.parse(instant as string) / 1000;
    const code = readingCode(verdict === "accept" ? "actual" : "suspect", "operator");
    readings.set(at, inEffect(readings.get(at) as Reading, { at, value: Number(value), code }));
  }
}

function readingsOf(text: string): readonly ReadingSeries[] {
  const message = { topic: "meters/m/readings/json", payload: Buffer.from(text), receivedAtMs: nowMs, clientId: "c" };
  const { accepted } = reader.read(message);
  return accepted === null ? [] : decodeReport(accepted.report, accepted.origin);
}

function columnsOf(readings: ReadonlyMap<number, Reading>): Columns {
  const columns = emptyColumns();
  const ascending = [...readings.values()].sort((a, b) => a.at - b.at);
  for (const { at, value, code } of ascending) pushReading(columns, at, value, code);
  return columns;
}

function recordOf({ meters, points, outages, stages }: Vector, meter: string): MeterRecord | undefined {
  const sent = [meters, ...stages.map((stage) => stage.meters ?? {})].findLast((all) => all[meter] !== undefined);
  if (sent === undefined) return undefined;
  const record = meterRecord(meterRecordSchema.parse(sent[meter]), meter);
  const pointOf = (id: string) => (points[id] === undefined ? undefined : usagePointOf(points[id], id));
  const told = Object.assign({}, outages, ...stages.map((stage) => stage.outages ?? {})) as Vector["outages"];
  return inForce(withPoints(record, pointOf, Object.entries(told).map(([id, one]) => outageOf(one, id))));
}

function outageOf(sent: unknown, id: string): OutageRecord {
  const read = readOutage(sent, id);
  if ("errors" in read) throw new Error(JSON.stringify(read.errors));
  return read.record;
}

function usagePointOf(sent: unknown, id: string): UsagePointRecord {
  const read = readUsagePoint(sent, id);
  if ("errors" in read) throw new Error(JSON.stringify(read.errors));
  return read.record;
}

const instants: ReadonlySet<string> = new Set(["from", "to", "openingAt", "readAt", "at"]);

/** Instants as the API writes them. */
function asShown(row: object): FoundRow {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, instants.has(name) ? shownInstant(value) : value]),
  );
}

function shownInstant(value: unknown): unknown {
  return typeof value === "number" ? formatInstant(value) : value;
}
