import { fileURLToPath } from "node:url";
import { findingsOf, flagsOf, qualityOf, revisionOf } from "@meterbook/core/domain/reading/reading";
import { rejectionReasons } from "@meterbook/core/domain/validation/rejection-reason";
import fc from "fast-check";
import protobuf from "protobufjs";
import { describe, expect, test } from "vitest";
import { decodeReport } from "./decoders/protobuf/meter-report-protobuf.ts";
import type { MessageReader, ReadMessage } from "./read-message.ts";
import { messageReader, readLimits } from "./read-message.ts";

const proto = fileURLToPath(new URL("../../../proto/meterbook/v1/meter_report.proto", import.meta.url));
const MeterReport = protobuf.loadSync(proto).lookupType("meterbook.v1.MeterReport");

const boundary = 1_793_484_000;
const receivedAtMs = (boundary + 30) * 1000;
let nowMs = receivedAtMs;
const reader = messageReader(readLimits, { nowMs: () => nowMs });

function read(payload: Uint8Array, topic: string): ReadMessage {
  return reader.read({ topic, payload, receivedAtMs, clientId: "c-1" });
}

function readJson(readings: readonly object[] | string, header: object = {}): ReadMessage {
  const text = typeof readings === "string" ? readings : JSON.stringify({ ...header, readings });
  return read(Buffer.from(text), "meters/m-1/readings/json");
}

function protobufOf(report: Record<string, unknown>): Buffer {
  return Buffer.from(MeterReport.encode(MeterReport.fromObject(report)).finish());
}

function readProtobuf(report: Record<string, unknown>): ReadMessage {
  return read(protobufOf(report), "meters/m-1/readings");
}

/** Accepted readings in a form that compares: `register at value quality`. */
function accepted({ accepted }: ReadMessage): string[] {
  if (accepted === null) return [];
  const series = decodeReport(accepted.report, accepted.origin);
  const rows = series.flatMap(({ channel, at, value, code }) =>
    at.map((one, i) => `${channel.register} ${one} ${value[i]} ${channel.unit} ${qualityOf(code[i] ?? -1)}`),
  );
  expect(accepted.readings).toBe(rows.length);
  return rows;
}

function refused({ rejections }: ReadMessage): (string | number | null)[][] {
  return rejections.map(({ reason, readingIndex, detail }) => [
    reason,
    readingIndex,
    detail.slice(0, detail.indexOf(":")),
  ]);
}

const good = { at: "2026-10-31T22:00:00Z", register: "1.8.0", value: "12345.678", unit: "kWh" };
const goodRow = `1.8.0 ${boundary} 12345678 Wh actual`;
const goodInterval = { ...good, kind: "interval", stepSeconds: 900, value: 250, unit: "Wh" };

describe("a JSON report", () => {
  test("of the contract's example is accepted as it stands", () => {
    const text = `{ "meterId": "m-1", "sequence": 42,
      "readings": [
        { "at": "2026-10-31T22:00:00Z", "register": "1.8.0", "value": "12345.678", "unit": "kWh", "quality": "actual" },
        { "at": "2026-10-31T22:00:00Z", "register": "1.8.0", "kind": "interval", "stepSeconds": 900, "value": 250, "unit": "Wh" } ] }`;
    const result = readJson(text);
    expect(refused(result)).toEqual([]);
    expect(accepted(result)).toEqual([goodRow, `1.8.0 ${boundary} 250 Wh actual`]);
    expect(MeterReport.toObject(MeterReport.decode(result.accepted?.report ?? new Uint8Array()))["sequence"]).toEqual(
      expect.objectContaining({ low: 42 }),
    );
  });

  test.for([
    { value: "12345.678", expected: 12_345_678 },
    { value: '"12345.678"', expected: 12_345_678 },
    { value: "1.2345678e4", expected: 12_345_678 },
    { value: "9007199254740.991", expected: "value_too_large" },
    { value: "9999999999.999", expected: 9_999_999_999_999 },
    { value: "10000000000", expected: "value_too_large" },
    { value: "0", expected: 0 },
    { value: "-0.000", expected: 0 },
    { value: "1.0000000000000001", expected: "value_too_precise" },
    { value: "9007199254740.992", expected: "value_out_of_range" },
    { value: "12345.6785", expected: "value_too_precise" },
    { value: "-1", expected: "value_negative" },
    { value: '"12,5"', expected: "value_invalid" },
    { value: '""', expected: "value_invalid" },
    { value: "9999999999999e-3", expected: 9_999_999_999_999 },
    { value: "0.0012E+3", expected: 1200 },
    { value: "1.00000000000000001e4", expected: "value_too_precise" },
    { value: "900719925474099.25e-2", expected: "value_out_of_range" },
    { value: "1e-400", expected: "value_invalid" },
    { value: "1e400", expected: "value_invalid" },
    { value: "-0e0", expected: 0 },
    { value: "-1e-9", expected: "value_negative" },
    { value: '"1e3"', expected: "value_invalid" },
    { value: '"1."', expected: "value_invalid" },
    { value: '".5"', expected: "value_invalid" },
    { value: '"+1"', expected: "value_invalid" },
    { value: '"1_000"', expected: "value_invalid" },
    { value: '"\u0661"', expected: "value_invalid" },
    { value: '"1\\u0000"', expected: "value_invalid" },
    { value: '"NaN"', expected: "value_invalid" },
    { value: '"0x10"', expected: "value_invalid" },
    { value: '"1\\n"', expected: "value_invalid" },
    { value: '"001.500"', expected: 1500 },
    { value: "null", expected: "reading_malformed" },
    { value: "[1]", expected: "reading_malformed" },
  ])("takes the value $value kWh exactly or not at all: $expected", ({ value, expected }) => {
    const result = readJson(
      `{"readings":[{"at":"2026-10-31T22:00:00Z","register":"1.8.0","unit":"kWh","value":${value}}]}`,
    );
    if (typeof expected === "string") expect(refused(result)).toEqual([[expected, 0, "readings[0].value"]]);
    else expect(accepted(result)).toEqual([`1.8.0 ${boundary} ${expected} Wh actual`]);
  });

  test("V08: ten digits in the unit that was sent, where nobody has set more", () => {
    const most = { ...good, value: "9007199254740.991" };
    const wide = messageReader(
      { ...readLimits, rules: { ...readLimits.rules, valueDigitsMax: 16 } },
      { nowMs: () => nowMs },
    );
    const message = {
      topic: "meters/m-1/readings/json",
      payload: Buffer.from(JSON.stringify({ readings: [most] })),
      clientId: "c",
      receivedAtMs,
    };
    expect(accepted(wide.read(message))).toEqual([`1.8.0 ${boundary} 9007199254740991 Wh actual`]);
    const litres = { ...good, register: "7-0:3.0.0", unit: "L" };
    expect(refused(readJson([{ ...litres, value: "9999999999" }]))).toEqual([]);
    expect(refused(readJson([{ ...litres, value: "10000000000" }]))).toEqual([
      ["value_too_large", 0, "readings[0].value"],
    ]);
  });

  test.for([
    { change: { at: "2026-10-31T22:00:00" }, expected: ["at_without_offset", "at"] },
    { change: { at: "2026-02-29T22:00:00Z" }, expected: ["at_invalid", "at"] },
    { change: { at: 1_793_484_000 }, expected: ["reading_malformed", "at"] },
    { change: { at: "1970-01-05T00:00:00Z" }, expected: ["at_too_old", "at"] },
    { change: { at: "2000-12-31T23:59:59Z" }, expected: ["at_too_old", "at"] },
    { change: { at: "2026-11-01T22:00:31Z" }, expected: ["at_in_future", "at"] },
    { change: { register: "1.8" }, expected: ["register_invalid", "register"] },
    { change: { register: "x".repeat(10_000) }, expected: ["register_invalid", "register"] },
    { change: { unit: "kW" }, expected: ["unit_unknown", "unit"] },
    { change: { unit: undefined }, expected: ["reading_malformed", "unit"] },
    { change: { unit: "m3" }, expected: ["unit_mismatch", "unit"] },
    { change: { unit: "varh" }, expected: ["unit_mismatch", "unit"] },
    { change: { kind: "delta" }, expected: ["kind_unknown", "kind"] },
    { change: { quality: "good" }, expected: ["quality_unknown", "quality"] },
    { change: { revision: -1 }, expected: ["revision_invalid", "revision"] },
    { change: { revision: 1.5 }, expected: ["revision_invalid", "revision"] },
    { change: { revision: "1" }, expected: ["revision_invalid", "revision"] },
    { change: { revision: 2 ** 32 }, expected: ["revision_invalid", "revision"] },
    { change: { kind: "interval", stepSeconds: 7 * 86_400 }, expected: ["step_invalid", "stepSeconds"] },
    { change: { kind: "interval", stepSeconds: 82_801 }, expected: ["step_invalid", "stepSeconds"] },
    { change: { kind: "interval", stepSeconds: 1200, at: "2026-10-31T21:58:20Z" }, expected: ["at_off_grid", "at"] },
    { change: { stepSeconds: 900 }, expected: ["step_on_register", "stepSeconds"] },
    { change: { stepSeconds: 1.5 }, expected: ["step_invalid", "stepSeconds"] },
    { change: { kind: "interval" }, expected: ["step_invalid", "stepSeconds"] },
    { change: { kind: "interval", stepSeconds: 30 }, expected: ["step_invalid", "stepSeconds"] },
    { change: { kind: "interval", stepSeconds: 700 }, expected: ["step_invalid", "stepSeconds"] },
    { change: { kind: "interval", stepSeconds: 172_800 }, expected: ["step_invalid", "stepSeconds"] },
    { change: { kind: "interval", stepSeconds: 900, at: "2026-10-31T22:01:00Z" }, expected: ["at_off_grid", "at"] },
    { change: { kind: "interval", stepSeconds: 3600, at: "2026-10-31T21:50:00Z" }, expected: ["at_off_grid", "at"] },
    { change: { tariff: 1 }, expected: ["reading_malformed", ""] },
    { change: { at: "2026-10-31T21:59:60Z" }, expected: ["at_invalid", "at"] },
    { change: { at: "2026-10-31T24:00:00Z" }, expected: ["at_invalid", "at"] },
    { change: { at: "0000-01-01T00:00:00Z" }, expected: ["at_too_old", "at"] },
    { change: { at: "9999-12-31T23:59:59-14:00" }, expected: ["at_in_future", "at"] },
    { change: { at: "+275760-09-13T00:00:00Z" }, expected: ["at_invalid", "at"] },
    { change: { at: "-000001-01-01T00:00:00Z" }, expected: ["at_invalid", "at"] },
    { change: { at: "1793484000" }, expected: ["at_invalid", "at"] },
    { change: { at: "1793484000000" }, expected: ["at_invalid", "at"] },
    { change: { at: "2026-10-31T22:00:00 Z" }, expected: ["at_invalid", "at"] },
    { change: { at: "2026-10-31T22:00:00Z\n" }, expected: ["at_invalid", "at"] },
    { change: { unit: "toString" }, expected: ["unit_unknown", "unit"] },
    { change: { kind: "__proto__" }, expected: ["kind_unknown", "kind"] },
    { change: JSON.parse('{"__proto__":{"value":1}}') as object, expected: ["reading_malformed", ""] },
    { change: { constructor: 1 }, expected: ["reading_malformed", ""] },
  ])("with the bad reading $change loses that one only", ({ change, expected: [reason, field] }) => {
    const result = readJson([good, { ...good, ...change }, goodInterval]);
    expect(refused(result)).toEqual([[reason, 1, field === "" ? "readings[1]" : `readings[1].${field}`]]);
    expect(result.rejections[0]?.detail.length).toBeLessThan(300);
    expect(accepted(result)).toEqual([goodRow, `1.8.0 ${boundary} 250 Wh actual`]);
  });

  test.for([
    { case: "not JSON", payload: "{", reason: "report_malformed" },
    { case: "not UTF-8", payload: Buffer.from([0x22, 0xff, 0x22]), reason: "report_malformed" },
    { case: "an array", payload: "[]", reason: "report_malformed" },
    { case: "nested without end", payload: "[".repeat(200_000), reason: "report_too_complex" },
    {
      case: "nested without end, and closed",
      payload: `${"[".repeat(100_000)}${"]".repeat(100_000)}`,
      reason: "report_too_complex",
    },
    {
      case: "a reading with arrays in arrays",
      payload: `{"readings":[{"value":1,"x":${"[".repeat(7)}${"]".repeat(7)}}]}`,
      reason: "report_too_complex",
    },
    { case: "of 100 001 entries", payload: `{"readings":[${"1,".repeat(99_999)}1]}`, reason: "report_too_complex" },
    { case: "of 100 000 entries", payload: `{"readings":[${"1,".repeat(99_998)}1]}`, reason: "too_many_readings" },
    { case: "an unknown key", payload: '{"readings":[],"meter":"m-1"}', reason: "report_malformed" },
    { case: "no readings", payload: '{"readings":[]}', reason: "empty_report" },
    { case: "too many readings", payload: `{"readings":[${"1,".repeat(10_000)}1]}`, reason: "too_many_readings" },
    { case: "nothing but faults", payload: `{"readings":[${"{},".repeat(9998)}{}]}`, reason: "too_many_refused" },
    { case: "another meter", payload: '{"meterId":"m-2","readings":[1]}', reason: "meter_id_mismatch" },
    { case: "of a flag that is none", payload: '{"flags":["late"],"readings":[1]}', reason: "report_malformed" },
    { case: "sent at no instant", payload: '{"sentAt":"2026-10-31","readings":[1]}', reason: "report_malformed" },
    { case: "too large", payload: `"${"x".repeat(256 * 1024)}"`, reason: "packet_too_large" },
  ])("that is $case is refused whole: $reason", ({ payload, reason }) => {
    const result = read(Buffer.from(payload), "meters/m-1/readings/json");
    expect(result.accepted).toBeNull();
    expect(result.rejections).toEqual([
      expect.objectContaining({ reason, readingIndex: null, meterId: "m-1", receivedAtMs, clientId: "c-1" }),
    ]);
    expect(Buffer.from(payload).equals(result.rejections[0]?.payload ?? Buffer.alloc(0))).toBe(true);
  });

  test.for([
    { payload: "[]", detail: "payload: must be an object" },
    { payload: "{}", detail: "payload: readings: must be a list" },
    { payload: '{"readings":{}}', detail: "payload: readings: must be a list" },
    { payload: '{"meterId":7,"readings":[1]}', detail: "payload: meterId: must be text" },
    { payload: '{"readings":[1],"meter":"m-1"}', detail: 'payload: there is no field "meter"' },
    {
      payload: '{"flags":["late"],"readings":[1]}',
      detail: "payload: flags[0]: is none of clock_invalid, data_invalid, critical, clock_adjusted, power_down",
    },
  ])("what is wrong with $payload is said in our words", ({ payload, detail }) => {
    expect(read(Buffer.from(payload), "meters/m-1/readings/json").rejections[0]?.detail).toBe(detail);
  });

  test.for(["1790000000123456789", "18446744073709551616", "1e400", "-1", "1.5", '"42"', "null", "[]"])(
    "C19: whose sequence is %s keeps its readings, and counts as not numbered",
    (sequence) => {
      const result = readJson(`{"sequence":${sequence},"readings":[${JSON.stringify(good)}]}`);
      expect(refused(result)).toEqual([]);
      expect(accepted(result)).toEqual([goodRow]);
      expect(MeterReport.decode(result.accepted?.report ?? new Uint8Array()).toJSON()).not.toHaveProperty("sequence");
    },
  );

  test.for([
    "2026-10-31T22:00:00.1234567890Z",
    `2026-10-31T22:00:00.${"9".repeat(500)}Z`,
    "2026-11-01T00:00:00.0000000000000000001+02:00",
  ])("C20: a fraction of a second of any number of digits is cut: %s", (at) => {
    expect(accepted(readJson([{ ...good, at }]))).toEqual([goodRow]);
  });

  test.for([
    { stepSeconds: 1200, at: "2026-10-31T22:00:00Z" },
    { stepSeconds: 1200, at: "2026-10-31T22:20:00Z" },
    { stepSeconds: 1200, at: "2026-10-31T21:35:00Z" },
    { stepSeconds: 600, at: "2026-10-31T22:05:00Z" },
    { stepSeconds: 90, at: "2026-10-31T22:01:30Z" },
    { stepSeconds: 7200, at: "2026-10-31T21:15:00Z" },
    { stepSeconds: 86_400, at: "2026-10-31T18:15:00Z" },
    { stepSeconds: 82_800, at: "2026-03-29T22:00:00Z" },
    { stepSeconds: 90_000, at: "2026-10-25T23:00:00Z" },
    { stepSeconds: 88_200, at: "2026-04-05T13:30:00Z" },
    { stepSeconds: 30 * 86_400, at: "2026-09-30T21:00:00Z" },
    { stepSeconds: 31 * 86_400 + 3600, at: "2026-10-31T22:00:00Z" },
    { stepSeconds: 31 * 86_400 - 3600, at: "2026-03-31T21:00:00Z" },
    { stepSeconds: 28 * 86_400, at: "2026-02-28T22:00:00Z" },
  ])("C14, C16: an interval of $stepSeconds s that ends at $at is taken", ({ stepSeconds, at }) => {
    expect(refused(readJson([{ ...goodInterval, stepSeconds, at }]))).toEqual([]);
  });

  test("whose clock runs ahead is suspect, whose fraction of a second is cut", () => {
    const ahead = { ...good, at: "2026-10-31T22:05:31Z" };
    const result = readJson([
      { ...good, at: "2026-10-31T22:00:00.999Z" },
      ahead,
      { ...ahead, at: "2026-10-31T22:05:30Z" },
    ]);
    expect(accepted(result)).toEqual([
      goodRow,
      `1.8.0 ${boundary + 331} 12345678 Wh suspect`,
      `1.8.0 ${boundary + 330} 12345678 Wh actual`,
    ]);
  });
});

describe("what the door finds is kept with each reading", () => {
  const sent = (seconds: number) => new Date(receivedAtMs + seconds * 1000).toISOString();
  const number = (seconds: number) => receivedAtMs / 1000 + seconds;

  /** Findings, flags and revision of each reading. */
  function told({ accepted }: ReadMessage): unknown[] {
    if (accepted === null) return [];
    const series = decodeReport(accepted.report, accepted.origin);
    return series.flatMap(({ code }) => code.map((one) => [findingsOf(one), flagsOf(one), revisionOf(one)]));
  }

  test.for([
    { drift: 0, quality: "actual", findings: [] },
    { drift: -60, quality: "actual", findings: [] },
    { drift: 61, quality: "actual", findings: ["clock_off"] },
    { drift: -900, quality: "actual", findings: ["clock_off"] },
    { drift: 901, quality: "suspect", findings: ["clock_wrong"] },
    { drift: -86_400, quality: "suspect", findings: ["clock_wrong"] },
  ])("V25: a clock that differs by $drift s: $quality, $findings", ({ drift, quality, findings }) => {
    const bytes = { at: boundary, register: "1.8.0", value: 12_345_678, unit: "UNIT_WH" };
    for (const result of [
      readJson([good], { sentAt: sent(drift) }),
      readProtobuf({ sentAt: number(drift), readings: [bytes] }),
      readProtobuf({
        sentAt: number(drift),
        profiles: [{ register: "1.8.0", unit: "UNIT_WH", start: boundary, base: 12_345_678, deltas: [0] }],
      }),
    ]) {
      expect(refused(result)).toEqual([]);
      expect(told(result)).toEqual([[findings, [], 0]]);
      expect(accepted(result)).toEqual([goodRow.replace("actual", quality)]);
    }
  });

  test.for([
    { flags: ["clock_invalid"], quality: "suspect" },
    { flags: ["data_invalid", "power_down"], quality: "suspect" },
    { flags: ["critical"], quality: "suspect" },
    { flags: ["clock_adjusted", "power_down"], quality: "actual" },
  ])("V24: the flags $flags make it $quality", ({ flags, quality }) => {
    const names = flags.map((flag) => `FLAG_${flag.toUpperCase()}`);
    const bytes = { at: boundary, register: "1.8.0", value: 12_345_678, unit: "UNIT_WH" };
    const later = { ...good, at: "2026-10-31T22:15:00Z" };
    for (const result of [readJson([good], { flags }), readProtobuf({ flags: names, readings: [bytes] })]) {
      expect(told(result)).toEqual([[[], flags, 0]]);
      expect(accepted(result)).toEqual([goodRow.replace("actual", quality)]);
    }
    expect(told(readJson([good, later], { flags }))).toEqual([
      [[], flags, 0],
      [["in_future"], flags, 0],
    ]);
  });

  test("a flag and a revision stand in the bytes as they came, and what is not known is skipped", () => {
    const readings = [{ at: boundary, register: "1.8.0", value: 12_345_678, unit: "UNIT_WH", revision: 4_294_967_295 }];
    const body = protobufOf({ flags: [1], sentAt: number(1), readings });
    expect(read(body, "meters/m-1/readings").accepted?.report).toEqual(body);
    expect(told(read(body, "meters/m-1/readings"))).toEqual([[[], ["clock_invalid"], 4_294_967_295]]);
    expect(told(read(Buffer.concat([Buffer.from([0x30, 77]), body]), "meters/m-1/readings"))).toEqual([
      [[], ["clock_invalid"], 4_294_967_295],
    ]);
  });

  test("V09, V10: more than three years old, or more than five minutes ahead", () => {
    const old = { ...good, at: "2005-01-01T00:00:00Z" };
    const recent = { ...good, at: "2024-01-01T00:00:00Z" };
    const ahead = { ...good, at: "2026-10-31T22:15:00Z" };
    expect(told(readJson([old, recent, ahead]))).toEqual([
      [["too_old"], [], 0],
      [[], [], 0],
      [["in_future"], [], 0],
    ]);
  });

  test("V16: the same register and sentAt in reports received at different times, and not one report twice", () => {
    const own = messageReader(readLimits, { nowMs: () => nowMs });
    const at = (minutes: number) => new Date(boundary * 1000 + minutes * 60_000).toISOString();
    const frame = (minutes: number, value: string, by: { meter?: string; sentAt?: string } = {}) => {
      const readings = [{ ...good, at: at(minutes), value }];
      const payload = Buffer.from(JSON.stringify({ sentAt: by.sentAt ?? sent(0), readings }));
      const meter = by.meter ?? "m-1";
      const receivedAt = receivedAtMs + minutes * 1000;
      return told(
        own.read({ topic: `meters/${meter}/readings/json`, payload, clientId: "c", receivedAtMs: receivedAt }),
      );
    };
    expect(frame(0, "10")).toEqual([[[], [], 0]]);
    expect(frame(1, "10")).toEqual([[["frozen"], [], 0]]);
    expect(frame(1, "10"), "the same report once more").toEqual([[[], [], 0]]);
    expect(frame(2, "11"), "the register went on").toEqual([[[], [], 0]]);
    expect(frame(3, "11", { sentAt: sent(3) }), "the meter's clock went on").toEqual([[[], [], 0]]);
    expect(frame(4, "11", { sentAt: sent(3), meter: "m-2" }), "another meter").toEqual([[[], [], 0]]);
  });

  test("a meter cannot write it itself", () => {
    const readings = [
      { at: boundary, register: "1.8.0", value: 12_345_678, unit: "UNIT_WH", marks: 2 ** 13 + 2 ** 20 },
    ];
    const profiles = [
      { register: "2.8.0", unit: "UNIT_WH", start: boundary, stepSeconds: 0, base: 1, deltas: [0], marks: 64 },
    ];
    const result = readProtobuf({ readings, profiles });
    expect(refused(result)).toEqual([]);
    expect(told(result)).toEqual([
      [[], [], 0],
      [[], [], 0],
    ]);
  });

  test("C17: a revision comes with each reading and with a profile", () => {
    const profile = { register: "2.8.0", unit: "UNIT_WH", start: boundary, stepSeconds: 0, base: 1, deltas: [0] };
    expect(told(readProtobuf({ profiles: [{ ...profile, revision: 3 }] }))).toEqual([[[], [], 3]]);
    expect(told(readJson([good, { ...goodInterval, revision: 2 ** 32 - 1 }]))).toEqual([
      [[], [], 0],
      [[], [], 2 ** 32 - 1],
    ]);
    const beyond = { ...profile, revision: 1 };
    const body = Buffer.from(MeterReport.encode(MeterReport.fromObject({ profiles: [beyond] })).finish());
    const wide = Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80, 0x01]);
    const at = body.lastIndexOf(Buffer.from([0x58, 1]));
    const changed = Buffer.concat([body.subarray(0, at + 1), wide, body.subarray(at + 2)]);
    changed[1] = (changed[1] ?? 0) + wide.length - 1;
    expect(refused(read(changed, "meters/m-1/readings"))).toEqual([["revision_invalid", 0, "profiles[0].revision"]]);
  });
});

describe("a protobuf report", () => {
  const reading = { at: boundary, register: "1.8.0", value: 12_345_678, unit: "UNIT_WH" };

  test("that is all good is kept byte by byte, without the meter id that the topic says", () => {
    const body = protobufOf({ sequence: 3, readings: [reading, { ...reading, register: "2.8.0" }] });
    expect(read(body, "meters/m-1/readings").accepted?.report).toEqual(body);
    const named = protobufOf({ meterId: "m-1", sequence: 3, readings: [reading, { ...reading, register: "2.8.0" }] });
    expect(read(named, "meters/m-1/readings").accepted).toEqual({
      meterId: "m-1",
      receivedAtMs,
      origin: "remote",
      report: body,
      readings: 2,
    });
  });

  test("loses only its bad readings, which are named by their place", () => {
    const result = readProtobuf({
      sequence: 9,
      readings: [reading, { ...reading, value: -1 }, { ...reading, unit: 0 }, { ...reading, exponent: -1, value: 5 }],
      profiles: [
        {
          register: "2.8.0",
          unit: "UNIT_WH",
          start: boundary - 1800,
          stepSeconds: 900,
          base: 100,
          deltas: [0, -150, 100],
        },
        { register: "1.8.0", unit: "UNIT_L", start: boundary, stepSeconds: 900, deltas: [0] },
      ],
    });
    expect(refused(result)).toEqual([
      ["value_negative", 1, "readings[1].value"],
      ["unit_unknown", 2, "readings[2].unit"],
      ["value_too_precise", 3, "readings[3].value"],
      ["value_negative", 5, "profiles[0].deltas[1]"],
      ["unit_mismatch", 7, "profiles[1].unit"],
    ]);
    expect(accepted(result)).toEqual([
      goodRow,
      `2.8.0 ${boundary - 1800} 100 Wh actual`,
      `2.8.0 ${boundary} 50 Wh actual`,
    ]);
  });

  test("with milliseconds for seconds is in the future, not somewhere else", () => {
    const varint = [0x08, 0x80, 0xe0, 0xb4, 0xb1, 0x99, 0x34];
    const body = [...varint, 0x12, 5, ...Buffer.from("1.8.0"), 0x20, 1];
    expect(refused(read(Buffer.from([0x1a, body.length, ...body]), "meters/m-1/readings"))).toEqual([
      ["at_in_future", 0, "readings[0].at"],
    ]);
  });

  test("keeps two values for one instant: which is right is not for intake to say", () => {
    const result = readProtobuf({ readings: [reading, { ...reading, value: 12_345_679 }] });
    expect(accepted(result)).toEqual([goodRow, `1.8.0 ${boundary} 12345679 Wh actual`]);
  });

  test.for([
    { case: "empty", bytes: Buffer.alloc(0), reason: "empty_report" },
    {
      case: "a profile without readings",
      bytes: protobufOf({ profiles: [{ register: "1.8.0" }] }),
      reason: "empty_report",
    },
    {
      case: "131 072 empty readings",
      bytes: Buffer.alloc(256 * 1024, Buffer.from([0x1a, 0])),
      reason: "too_many_readings",
    },
    {
      case: "131 072 empty profiles",
      bytes: Buffer.alloc(256 * 1024, Buffer.from([0x22, 0])),
      reason: "too_many_readings",
    },
    {
      case: "of another meter",
      bytes: protobufOf({ meterId: "m-2", readings: [reading] }),
      reason: "meter_id_mismatch",
    },
    { case: "JSON", bytes: Buffer.from("{}"), reason: "report_malformed" },
  ])("that is $case is refused: $reason", ({ bytes, reason }) => {
    expect(refused(read(bytes, "meters/m-1/readings"))).toEqual([[reason, null, expect.any(String)]]);
  });

  test("of nothing but faults in a large message is kept once, not once per reading", () => {
    const readings = Array.from({ length: 9000 }, () => ({ ...reading, value: -1 }));
    expect(refused(readProtobuf({ readings }))).toEqual([["too_many_refused", null, "readings"]]);
  });
});

describe("H09: a message that names more registers than a meter may have", () => {
  const strict = messageReader({ ...readLimits, registersMax: 3 }, { nowMs: () => nowMs });
  const names = (count: number) => Array.from({ length: count }, (_, index) => `0-0:96.${index}.0`);
  const json = (registers: readonly string[]) => ({
    topic: "meters/m-1/readings/json",
    payload: Buffer.from(JSON.stringify({ readings: registers.map((register) => ({ ...good, register })) })),
  });
  const readings = (registers: readonly string[]) => ({
    topic: "meters/m-1/readings",
    payload: protobufOf({
      readings: registers.map((register) => ({ at: boundary, register, value: 1, unit: "UNIT_WH" })),
    }),
  });
  const profiles = (registers: readonly string[]) => ({
    topic: "meters/m-1/readings",
    payload: protobufOf({
      profiles: registers.map((register) => {
        return { register, unit: "UNIT_WH", start: boundary, stepSeconds: 900, base: 1, deltas: [0, 1] };
      }),
    }),
  });
  const forms = { json, readings, profiles };

  test.for(["json", "readings", "profiles"] as const)("is refused whole as %s, with the code", (form) => {
    const result = strict.read({ ...forms[form](names(4)), receivedAtMs, clientId: "c-1" });
    expect(result.accepted).toBeNull();
    expect(result.rejections).toEqual([
      expect.objectContaining({ reason: "too_many_registers", readingIndex: null, meterId: "m-1" }),
    ]);
    expect(result.rejections[0]?.detail).toBe("readings: it names more than 3 registers");
  });

  test.for(["json", "readings", "profiles"] as const)("is not one that names few often as %s", (form) => {
    const often = [...names(3), ...names(3), ...names(3)];
    const { accepted, rejections } = strict.read({ ...forms[form](often), receivedAtMs, clientId: "c-1" });
    expect(rejections).toEqual([]);
    expect(accepted?.readings).toBe(form === "profiles" ? 18 : 9);
  });

  test("counts two names of one register once, and what is no register as well", () => {
    const twice = ["1.8.0", "1-0:1.8.0", "1-0:1.8.0*255", "2.8.0", "1-0:2.8.0"];
    expect(strict.read({ ...json(twice), receivedAtMs, clientId: "c-1" }).rejections).toEqual([]);
    const invented = Array.from({ length: 4 }, (_, index) => `register ${index}`);
    const { rejections } = strict.read({ ...json(invented), receivedAtMs, clientId: "c-1" });
    expect(rejections.map(({ reason }) => reason)).toEqual(["too_many_registers"]);
  });

  test("costs a fraction of what reading it would", () => {
    const { payload, topic } = json(Array.from({ length: 2400 }, (_, i) => `0-0:${i >> 8}.${i & 255}.0`));
    const microseconds = (one: MessageReader) => {
      const before = process.cpuUsage();
      for (let i = 0; i < 20; i += 1) one.read({ topic, payload, receivedAtMs, clientId: "c-1" });
      return process.cpuUsage(before).user;
    };
    const generous = messageReader({ ...readLimits, registersMax: 10_000 }, { nowMs: () => nowMs });
    microseconds(generous);
    expect(microseconds(reader) * 3).toBeLessThan(microseconds(generous));
  });
});

test.for([
  { topic: "meters/m-1/readings/xml", reason: "topic_unknown" },
  { topic: "meters/readings", reason: "topic_unknown" },
  { topic: "meters/a/b/readings", reason: "topic_unknown" },
  { topic: "$SYS/x", reason: "topic_unknown" },
  { topic: "", reason: "topic_unknown" },
  { topic: "meters/-m/readings", reason: "meter_id_invalid" },
  { topic: `meters/${"m".repeat(65)}/readings`, reason: "meter_id_invalid" },
  { topic: "meters/m 1/readings/json", reason: "meter_id_invalid" },
])("the topic $topic is refused: $reason", ({ topic, reason }) => {
  const result = read(Buffer.from("x"), topic);
  expect(refused(result)).toEqual([[reason, null, "topic"]]);
  expect(result.rejections[0]?.meterId).toBeNull();
});

describe("a replay", () => {
  const stored = { id: "r1", replayedAtMs: null };

  test("of one reading gives that reading and no other", () => {
    const tomorrow = { ...good, at: "2026-11-02T00:00:00Z" };
    const first = readJson([good, tomorrow, { ...good, value: -1 }]);
    expect(refused(first).map(([reason]) => reason)).toEqual(["at_in_future", "value_negative"]);
    const [future, negative] = first.rejections;
    if (future === undefined || negative === undefined) throw new Error("both are refused");
    nowMs = Date.UTC(2026, 10, 3);
    const again = reader.replay({ ...future, ...stored });
    expect(again.rejections).toEqual([]);
    expect(accepted(again)).toEqual([`1.8.0 ${boundary + 26 * 3600} 12345678 Wh actual`]);
    expect(reader.replay({ ...negative, ...stored })).toEqual({ accepted: null, rejections: [negative] });
  });

  test("of a message that was refused whole reads all of it", () => {
    const strict = messageReader({ ...readLimits, readingsMax: 1 }, { nowMs: () => nowMs });
    const payload = Buffer.from(JSON.stringify({ readings: [good, { ...good, unit: "L" }] }));
    const message = { topic: "meters/m-1/readings/json", payload, receivedAtMs, clientId: "c" };
    const [whole] = strict.read(message).rejections;
    if (whole === undefined) throw new Error("it is refused");
    expect(whole.reason).toBe("too_many_readings");
    const again = reader.replay({ ...whole, ...stored });
    expect(accepted(again)).toEqual([goodRow]);
    expect(refused(again)).toEqual([["unit_mismatch", 1, "readings[1].unit"]]);
  });

  test("of a packet that was cut off stays refused", () => {
    const [cut] = read(Buffer.from("x"), "nowhere").rejections;
    if (cut === undefined) throw new Error("it is refused");
    const packet = { ...cut, reason: "packet_too_large", truncatedFrom: 1_000_000 };
    expect(reader.replay({ ...packet, ...stored })).toEqual({ accepted: null, rejections: [packet] });
  });
});

describe("whatever comes", () => {
  /** Each reading is in exactly one place, and the reason is one of the list. */
  function expectAnswer(result: ReadMessage): void {
    const rows = accepted(result);
    expect(rows.length + result.rejections.length).toBeGreaterThan(0);
    for (const { reason, detail } of result.rejections) {
      expect(rejectionReasons).toContain(reason);
      expect(detail.length).toBeLessThan(400);
    }
  }
  const topics = fc.constantFrom("meters/m-1/readings", "meters/m-1/readings/json");

  test("random bytes get an answer", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), topics, (bytes, topic) => expectAnswer(read(bytes, topic))),
      { numRuns: 2000 },
    );
  });

  test("a good report with a few bytes changed gets an answer", () => {
    const day = {
      register: "1.8.0",
      unit: "UNIT_WH",
      start: boundary - 4500,
      stepSeconds: 900,
      base: 10 ** 12,
      deltas: [0, 100, 99, 3],
    };
    const reading = {
      at: boundary,
      register: "7-0:3.0.0",
      value: 10 ** 13,
      unit: "UNIT_M3",
      exponent: -3,
      kind: 1,
      stepSeconds: 900,
    };
    const base = protobufOf({
      meterId: "m-1",
      sequence: 2 ** 50,
      readings: [reading],
      profiles: [{ ...day, exceptions: [{ first: 1, count: 2, quality: 2 }] }],
    });
    const json = Buffer.from(JSON.stringify({ meterId: "m-1", readings: [good, goodInterval] }));
    const change = fc.tuple(fc.nat({ max: 400 }), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 1, maxLength: 4 }),
        topics,
        fc.nat({ max: 120 }),
        (changes, topic, cut) => {
          const bytes = Buffer.from(topic.endsWith("json") ? json : base);
          for (const [place, byte] of changes) bytes[place % bytes.length] = byte;
          expectAnswer(read(bytes.subarray(0, bytes.length - (cut > 90 ? cut - 90 : 0)), topic));
        },
      ),
      { numRuns: 5000 },
    );
  });

  test("any JSON gets an answer", () => {
    const reading = fc.record(
      {
        at: fc.oneof(fc.constant(good.at), fc.string()),
        value: fc.jsonValue(),
        register: fc.string(),
        unit: fc.string(),
      },
      { requiredKeys: [] },
    );
    const document = fc.oneof(fc.jsonValue(), fc.record({ readings: fc.array(fc.oneof(reading, fc.jsonValue())) }));
    fc.assert(
      fc.property(document, (value) => expectAnswer(readJson(JSON.stringify(value)))),
      { numRuns: 1000 },
    );
  });
});

test("a report for a meter that its sender does not speak for is refused whole, and under no meter", () => {
  const sender = { name: "m-1", speaksFor: (meterId: string) => meterId === "m-1" };
  const payload = Buffer.from(JSON.stringify({ readings: [good] }));
  const from = (meterId: string) =>
    reader.read({ topic: `meters/${meterId}/readings/json`, payload, receivedAtMs, clientId: "c-1", sender });
  expect(accepted(from("m-1"))).toEqual([goodRow]);
  const { accepted: none, rejections } = from("m-2");
  expect(none).toBeNull();
  expect(rejections).toMatchObject([
    { reason: "identity_mismatch", meterId: null, detail: "topic: m-1 may not report for m-2", payload },
  ]);
});
