// Goal: what the aggregator issues is what the engine makes of all that came, whatever the order, the batches and the
// restarts, from memory or from the store. Method: random worlds of registers and intervals, delivered in random order
// to the real aggregator on the embedded store; the engine alone is given the same readings at once.
import type { ReadingQuality, ReadingSeries } from "@meterbook/core/domain/reading/reading";
import {
  emptyColumns,
  marksOf,
  pushReading,
  readingAt,
  readingCode,
  readingQualities,
} from "@meterbook/core/domain/reading/reading";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import { periodName, type RegisterSnapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import { monthsOf } from "@meterbook/core/domain/valuation/month-content";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openAggregatorWorld } from "../support/worlds/aggregator-world.ts";
import type { RegisterWorld } from "./random-worlds.ts";
import { registerWorlds } from "./random-worlds.ts";

const numRuns = Number(process.env["ORACLE_RUNS"] ?? 25);
/** No reading is of a time to come: the door takes none. */
const nowMs = Date.parse("2030-06-10T12:00:00Z");
const meterId = "m-1";
const grid = 900;

interface Piece {
  readonly slot: number;
  readonly steps: number;
  readonly value: number;
  readonly quality: ReadingQuality;
}

/** Of the same quantity as the register, or of another; of any lengths, overlapping as it comes. */
const pieces = fc.uniqueArray(
  fc.record({
    slot: fc.integer({ min: -8, max: 96 * 40 }),
    steps: fc.constantFrom(1, 4, 4, 96),
    value: fc.nat(3000),
    quality: fc.constantFrom(...readingQualities),
  }),
  { selector: ({ slot, steps }) => `${slot}/${steps}`, maxLength: 30 },
);

const deliveries = fc.record({
  seedOrder: fc.constantFrom("in order", "reversed", "drawn"),
  keys: fc.array(fc.nat(1000), { minLength: 100, maxLength: 100 }),
  batchMax: fc.integer({ min: 1, max: 12 }),
  restarts: fc.uniqueArray(fc.nat(20), { maxLength: 3 }),
  intervalsOf: fc.constantFrom("1.8.0", "2.8.0"),
  hasRecord: fc.boolean(),
});
type Delivery = typeof deliveries extends fc.Arbitrary<infer Drawn> ? Drawn : never;

type Single = ReadingSeries;

function single(channel: ReadingSeries["channel"], at: number, value: number, code: number): Single {
  return { channel, at: [at], value: [value], code: [code] };
}

function readingsOf(world: RegisterWorld, all: readonly Piece[], register: string): Single[] {
  const totals = { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 } as const;
  const start = Math.floor((world.readings[0]?.at ?? 0) / grid) * grid;
  return [
    ...world.readings.map(({ at, shown, plant, quality }) => {
      const marks = plant === "untold" ? marksOf(["data_invalid"]) : 0;
      return single(totals, at, shown, readingCode(quality, "remote", { marks }));
    }),
    ...all.map(({ slot, steps, value, quality }) => {
      const channel = { register, kind: "interval", unit: "Wh", stepSeconds: steps * grid } as const;
      return single(channel, start + (slot + steps) * grid, value, readingCode(quality, "remote"));
    }),
  ];
}

function recordOf({ zone, digits, multiplier, connectionPowerW, outages }: RegisterWorld): MeterRecord {
  const entry = { register: "1.8.0", unit: "Wh" as const, multiplier, ...(digits === undefined ? {} : { digits }) };
  return { meterId, usagePointId: meterId, zone, registers: [entry], connectionPowerW, outages };
}

function inOrderOf<Thing>(things: readonly Thing[], { seedOrder, keys }: Delivery): Thing[] {
  if (seedOrder === "in order") return [...things];
  if (seedOrder === "reversed") return things.toReversed();
  const keyed = things.map((thing, index) => ({ thing, key: (keys[index % keys.length] ?? 0) * 1000 + index }));
  return keyed.sort((a, b) => a.key - b.key).map(({ thing }) => thing);
}

/** What a final month was estimated from stays what it is estimated from, so that depends on when readings came. */
function shown(row: RegisterSnapshot) {
  if (row.origin === "estimator" || row.method === "MISSING") {
    const { register, unit } = row;
    return { register, unit, method: "nothing follows" };
  }
  const { register, unit, value, valueQuality, opening, openingBasis, consumption, quality, method, fault, intervals } =
    row;
  return { register, unit, value, valueQuality, opening, openingBasis, consumption, quality, method, fault, intervals };
}

/** By the engine alone, from all readings at once. */
function expectedRows(readings: readonly Single[], record: MeterRecord | undefined, months: readonly number[]) {
  const channels = [...Map.groupBy(readings, ({ channel }) => JSON.stringify(channel)).values()].map((own) => {
    const columns = emptyColumns();
    const ordered = own.toSorted((a, b) => (a.at[0] as number) - (b.at[0] as number));
    for (const { at, value, code } of ordered)
      pushReading(columns, at[0] as number, value[0] as number, code[0] as number);
    return { channel: (own[0] as Single).channel, first: readingAt(columns, 0), readings: columns };
  });
  const calendar = localCalendar(record?.zone ?? "Europe/Kyiv");
  const [from, to] = [Math.min(...months), Math.max(...months)];
  const made = monthsOf({ meterId, record, channels }, { from, to }, calendar);
  // After too long a silence that nothing explains there are months that nobody issues.
  const wanted = made.filter(({ period }) => months.includes(period));
  return wanted.map(({ period, registers }) => ({ month: periodName(period), rows: registers.map(shown) }));
}

async function issuedRows(readings: readonly Single[], record: MeterRecord | undefined, delivery: Delivery) {
  const world = await openAggregatorWorld({
    nowMs,
    timeZone: "Europe/Kyiv",
    settleSeconds: 0,
  });
  try {
    if (record !== undefined) await world.register(record);
    const ordered = inOrderOf(readings, delivery);
    for (let from = 0, batch = 0; from < ordered.length; from += delivery.batchMax, batch += 1) {
      const part = ordered.slice(from, from + delivery.batchMax);
      await world.deliver(...part.map((series) => ({ meterId, series: [series] })));
      if (delivery.restarts.includes(batch)) await world.restart();
    }
    await world.close();
    const issued = await world.issued(meterId);
    return issued.map(({ period, registers }) => ({ period, month: periodName(period), rows: registers.map(shown) }));
  } finally {
    await world.dispose();
  }
}

test("what is issued is what the engine makes of everything", { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(registerWorlds, pieces, deliveries, async (world, all, delivery) => {
      const record = delivery.hasRecord ? recordOf(world) : undefined;
      const sent = readingsOf(world, all, delivery.intervalsOf);
      const readings = sent.filter(({ at: [at = 0] }) => at * 1000 < nowMs);
      const issued = await issuedRows(readings, record, delivery);
      const expected = expectedRows(
        readings,
        record,
        issued.map(({ period }) => period),
      );
      expect(issued.map(({ month, rows }) => ({ month, rows }))).toEqual(expected);
    }),
    { numRuns },
  );
});
