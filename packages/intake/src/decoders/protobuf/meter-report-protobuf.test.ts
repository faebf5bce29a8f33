import { fileURLToPath } from "node:url";
import type { Channel, ReadingSeries } from "@meterbook/core/domain/reading/reading";
import {
  baseUnits,
  doorFindings,
  marksOf,
  meterFlags,
  readingCode,
  readingQualities,
  revisionMax,
} from "@meterbook/core/domain/reading/reading";
import fc from "fast-check";
import protobuf from "protobufjs";
import { expect, test } from "vitest";
import { decodeReport, encodeReport } from "./meter-report-protobuf.ts";

const proto = fileURLToPath(new URL("../../../../../proto/meterbook/v1/meter_report.proto", import.meta.url));
const MeterReport = protobuf.loadSync(proto).lookupType("meterbook.v1.MeterReport");

/** What any protobuf library makes of a report. */
function generic(bytes: Uint8Array): Record<string, unknown> {
  return MeterReport.toObject(MeterReport.decode(bytes), { longs: Number, defaults: false });
}

function written(message: Record<string, unknown>): Uint8Array {
  return MeterReport.encode(MeterReport.fromObject(message)).finish();
}

const start = 1_793_484_000;
const importWh: Channel = { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 };
const quarterWh: Channel = { register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds: 900 };

/** `count` quarter hours of a household: up to `loadWh` each, the same every time. */
function dayOf(register: string, loadWh: number, count = 96): ReadingSeries {
  const at = Array.from({ length: count }, (_, i) => start + i * 900);
  let total = 12_345_678;
  const value = at.map((_, i) => (total += Math.floor((loadWh * (1 + Math.sin(i / 7))) / 2)));
  return { channel: { register, kind: "register", unit: "Wh", stepSeconds: 0 }, at, value, code: at.map(() => 0) };
}

test("a day of quarter hours of three registers is one message under 1 kB", () => {
  const day = ["1.8.0", "1.8.1", "1.8.2"].map((register) => dayOf(register, 6000));
  const bytes = encodeReport({ meterId: "m-1", sequence: 42, series: day });
  expect(bytes.length).toBeLessThan(1000);
  expect(decodeReport(bytes, "remote")).toEqual(day);
});

test("intervals of a day with an estimated hour, as any protobuf library reads them", () => {
  const at = [900, 1800, 2700, 3600].map((seconds) => start + seconds);
  const series: ReadingSeries = { channel: quarterWh, at, value: [250, 5, 300, 10], code: [0, 2, 2, 0] };
  const bytes = encodeReport({ sequence: 7, series: [series] });
  expect(generic(bytes)).toEqual({
    sequence: 7,
    profiles: [
      {
        register: "1.8.0",
        unit: 1,
        kind: 1,
        start: start + 900,
        stepSeconds: 900,
        base: 5,
        deltas: [245, 0, 295, 5],
        exceptions: [{ first: 1, count: 2, quality: 2 }],
      },
    ],
  });
  expect(decodeReport(bytes, "remote")).toEqual([series]);
});

const inspected = readingCode("actual", "inspector");

test("single readings, as any protobuf library writes them", () => {
  const bytes = written({
    meterId: "m-1",
    readings: [
      { at: start, register: "1-0:1.8.0", value: 12_345_678, unit: "UNIT_KWH", exponent: -3 },
      { at: start, register: "7-0:3.0.0", value: 5, unit: "UNIT_M3", quality: "QUALITY_SUSPECT" },
      { at: start + 60, register: "1.8.0", value: 12_346, unit: "UNIT_KWH" },
    ],
  });
  expect(decodeReport(bytes, "inspector")).toEqual([
    { channel: importWh, at: [start, start + 60], value: [12_345_678, 12_346_000], code: [inspected, inspected] },
    {
      channel: { register: "7-0:3.0.0", kind: "register", unit: "L", stepSeconds: 0 },
      at: [start],
      value: [5000],
      code: [readingCode("suspect", "inspector")],
    },
  ]);
});

test("unknown fields are skipped, unpacked deltas are read", () => {
  const profile = [
    0x0a,
    5,
    ...Buffer.from("1.8.0"),
    0x10,
    1,
    0x28,
    0x80,
    0xe4,
    0x93,
    0xd7,
    0x06,
    0x30,
    60,
    0x40,
    10,
    0x40,
    2,
    0x65,
    1,
    2,
    3,
    4,
  ];
  const bytes = Uint8Array.from([0x7a, 2, 1, 2, 0x22, profile.length, ...profile, 0xb8, 1, 5]);
  expect(decodeReport(bytes, "remote")).toEqual([
    { channel: importWh, at: [0x6ae4f200, 0x6ae4f200 + 60], value: [5, 6], code: [0, 0] },
  ]);
});

/** Otherwise a good reading, so that nothing else is wrong with it. */
const named = [0x08, 0x80, 0xe4, 0x93, 0xd7, 0x06, 0x12, 5, ...Buffer.from("1.8.0"), 0x20, 1];
const profiled = [
  0x0a,
  5,
  ...Buffer.from("1.8.0"),
  0x10,
  1,
  0x28,
  0x80,
  0xe4,
  0x93,
  0xd7,
  0x06,
  0x30,
  60,
  0x42,
  2,
  2,
  2,
];

function nested(tag: number, ...body: readonly number[]): number[] {
  return [tag, body.length, ...body];
}

test.for([
  { case: "a number that ends in the middle", bytes: [0x10, 0x80], expected: "in the middle of a number" },
  {
    case: "a long number that ends in the middle",
    bytes: [0x10, ...new Array<number>(6).fill(0x80)],
    expected: "in the middle of a number",
  },
  {
    case: "a number that reaches out of its reading",
    bytes: [...nested(0x1a, ...named, 0x18, 0x80), 1],
    expected: "in the middle of a number",
  },
  { case: "a reading beyond the message", bytes: [0x1a, 5, 8], expected: "longer than the message" },
  { case: "a length of 2 GB", bytes: [0x1a, 0xff, 0xff, 0xff, 0xff, 0x07], expected: "longer than the message" },
  {
    case: "a varint of 11 bytes",
    bytes: [0x10, ...new Array<number>(10).fill(0x80), 1],
    expected: "more than 10 bytes",
  },
  {
    case: "a value as fixed64",
    bytes: nested(0x1a, ...named, 0x19, 1, 2, 3, 4, 5, 6, 7, 8),
    expected: "field 3 has wire type 1",
  },
  { case: "a unit as a string", bytes: nested(0x1a, ...named, 0x22, 1, 1), expected: "field 4 has wire type 2" },
  { case: "an unknown field beyond the message", bytes: [0x7d, 1, 2, 3], expected: "longer than the message" },
  { case: "field 0", bytes: [0, 0], expected: "field 0 has wire type 0" },
  { case: "a group", bytes: [0x7b, 0x7c], expected: "field 15 has wire type 3" },
  {
    case: "quality runs that overlap",
    bytes: nested(0x22, ...profiled, 0x52, 2, 0x10, 2, 0x52, 4, 0x08, 1, 0x10, 1),
    expected: "overlap",
  },
  {
    case: "a quality run beyond the profile",
    bytes: nested(0x22, ...profiled, 0x52, 2, 0x10, 3),
    expected: "overlap or reach beyond",
  },
  { case: "a reading without a unit", bytes: nested(0x1a, ...named.slice(0, -2)), expected: "unit 0" },
])("$case is malformed: $expected", ({ bytes, expected }) => {
  expect(() => decodeReport(Uint8Array.from(bytes), "remote")).toThrow(
    expect.objectContaining({ name: "MalformedMessage", message: expect.stringContaining(expected) }),
  );
});

test("readings at uneven instants are written singly, which takes less than profiles of one", () => {
  const uneven = { channel: importWh, at: [start, start + 60, start + 1000], value: [1, 2, 3], code: [0, 0, 0] };
  expect(generic(encodeReport({ series: [uneven] }))).toMatchObject({
    readings: [{ value: 1 }, { value: 2 }, { value: 3 }],
  });
});

const channel: fc.Arbitrary<Channel> = fc.oneof(
  fc.record({
    register: fc.constantFrom("1.8.0", "2.8.0", "1-1:1.8.1", "7-0:3.0.0"),
    kind: fc.constant("register" as const),
    unit: fc.constantFrom(...baseUnits),
    stepSeconds: fc.constant(0),
  }),
  fc.record({
    register: fc.constantFrom("1.8.0", "2.8.0"),
    kind: fc.constant("interval" as const),
    unit: fc.constantFrom(...baseUnits),
    stepSeconds: fc.constantFrom(60, 900, 86_400),
  }),
);

/** Mostly plain ones, so that there are runs. */
const code = fc.oneof(
  fc.nat({ max: 3 }),
  fc.nat({ max: 3 }),
  fc
    .tuple(fc.constantFrom(...readingQualities), fc.subarray([...meterFlags]), fc.subarray([...doorFindings]))
    .map(([quality, flags, findings]) => readingCode(quality, "remote", { marks: marksOf(flags, findings) })),
  fc.nat({ max: revisionMax }).map((revision) => readingCode("actual", "remote", { revision })),
);

/** Readings of one channel, sometimes evenly spaced, sometimes repeated or backwards. */
const series: fc.Arbitrary<ReadingSeries> = fc
  .tuple(
    channel,
    fc.integer({ min: start, max: start + 1_000_000 }),
    fc.array(fc.tuple(fc.constantFrom(900, 900, 900, 60, 0, -900), fc.maxSafeNat(), code), {
      minLength: 1,
      maxLength: 40,
    }),
  )
  .map(([of, first, rows]) => {
    let at = first;
    return {
      channel: of,
      at: rows.map(([step]) => (at += step)),
      value: rows.map(([, value]) => value),
      code: rows.map(([, , one]) => one),
    };
  });

const allSeries = fc.uniqueArray(series, {
  selector: ({ channel }) => JSON.stringify(channel),
  minLength: 1,
  maxLength: 5,
});

test("what is encoded is decoded, whatever the spacing, the values and the qualities", () => {
  fc.assert(
    fc.property(allSeries, (given) => {
      const bytes = encodeReport({ series: given });
      const byChannel = (all: readonly ReadingSeries[]) =>
        new Map(all.map((one) => [JSON.stringify(one.channel), one]));
      expect(byChannel(decodeReport(bytes, "remote"))).toEqual(byChannel(given));
    }),
  );
});

test("any protobuf library agrees about every field", () => {
  fc.assert(
    fc.property(allSeries, (given) => {
      const bytes = encodeReport({ meterId: "m-1", sequence: 2 ** 40 + 1, series: given });
      const again = MeterReport.encode(MeterReport.decode(bytes)).finish();
      expect(decodeReport(again, "remote")).toEqual(decodeReport(bytes, "remote"));
      expect(generic(bytes)).toMatchObject({ meterId: "m-1", sequence: 2 ** 40 + 1 });
    }),
  );
});
