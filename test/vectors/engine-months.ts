import { meterRecord, meterRecordSchema } from "@meterbook/api/registry/meter-record-json";
import type { Channel, Columns, ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { channelKey, emptyColumns, pushReading, readingAt } from "@meterbook/core/domain/reading/reading";
import { readingRank } from "@meterbook/core/domain/reading/reading-rank";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import { parsePeriod, periodName } from "@meterbook/core/domain/snapshot/snapshot";
import { formatInstant } from "@meterbook/core/domain/time/instant";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { KnownMeter } from "@meterbook/core/domain/valuation/known-meter";
import { monthsOf } from "@meterbook/core/domain/valuation/month-content";
import { decodeReport } from "@meterbook/intake/decoders/protobuf/meter-report-protobuf";
import { messageReader, readLimits } from "@meterbook/intake/read-message";
import type { FoundMonths, FoundRow } from "./compare-rows.ts";
import type { Vector } from "./vector.ts";
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
  const rows = months.map(({ period, registers }) => [periodName(period), registers.map(asShown)] as const);
  return new Map(rows);
}

function knownMeter(vector: Vector, meter: string, messages: readonly VectorMessage[]): KnownMeter {
  const channels = new Map<string, { channel: Channel; readings: Map<number, [value: number, code: number]> }>();
  for (const message of messages) {
    for (const series of readingsOf(message.text(nowMs))) {
      const key = channelKey(series.channel);
      const known = channels.get(key) ?? { channel: series.channel, readings: new Map() };
      channels.set(key, known);
      series.at.forEach((at, i) => {
        const [value, code] = [series.value[i] as number, series.code[i] as number];
        const before = known.readings.get(at);
        if (before === undefined || readingRank(code) < readingRank(before[1])) known.readings.set(at, [value, code]);
      });
    }
  }
  return {
    meterId: meter,
    record: recordOf(vector, meter),
    channels: [...channels.values()].map(({ channel, readings }) => {
      const columns = columnsOf(readings);
      return { channel, first: readingAt(columns, 0), readings: columns };
    }),
  };
}

function readingsOf(text: string): readonly ReadingSeries[] {
  const message = { topic: "meters/m/readings/json", payload: Buffer.from(text), receivedAtMs: nowMs, clientId: "c" };
  const { accepted } = reader.read(message);
  return accepted === null ? [] : decodeReport(accepted.report, accepted.origin);
}

function columnsOf(readings: ReadonlyMap<number, readonly [value: number, code: number]>): Columns {
  const columns = emptyColumns();
  for (const [at, [value, code]] of [...readings].sort(([a], [b]) => a - b)) pushReading(columns, at, value, code);
  return columns;
}

function recordOf({ meters, stages }: Vector, meter: string): MeterRecord | undefined {
  const sent = [meters, ...stages.map((stage) => stage.meters ?? {})].findLast((all) => all[meter] !== undefined);
  if (sent === undefined) return undefined;
  return meterRecord(meterRecordSchema.parse(sent[meter]), meter);
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
