// Goal: each form of a message becomes the same report, and what cannot be read is told by a code. Method: one report
// written in both forms; bytes that are wrong, each in one way.
import { expect, test } from "vitest";
import { type ContentType, type DecodeLimits, decode } from "./decode.ts";
import { encodeReport } from "./decoders/protobuf/meter-report-protobuf.ts";

const limits: DecodeLimits = {
  readingsMax: 3,
  registersMax: 2,
  refusedBytesMax: 100,
  json: { depthMax: 4, entriesMax: 100 },
};
const utf8 = new TextEncoder();
const at = Date.UTC(2026, 9, 1) / 1000;

function protobuf(registers: readonly string[], readings = 1): Uint8Array {
  const times = Array.from({ length: readings }, (_, index) => at + index * 7 * (index + 1));
  const series = registers.map((register) => ({
    channel: { register, kind: "register" as const, unit: "Wh" as const, stepSeconds: 0 },
    at: times,
    value: times.map((_, index) => 100 + index),
    code: times.map(() => 0),
  }));
  return encodeReport({ sequence: 7, series });
}

function json(registers: readonly string[], readings = 1): Uint8Array {
  const items = registers.flatMap((register) =>
    Array.from({ length: readings }, (_, index) => ({
      at: new Date((at + index * 7 * (index + 1)) * 1000).toISOString(),
      register,
      value: 100 + index,
      unit: "Wh",
      kind: "register",
      quality: "actual",
    })),
  );
  return utf8.encode(JSON.stringify({ sequence: 7, readings: items }));
}

const forms: readonly [ContentType, typeof protobuf][] = [
  ["application/x-protobuf", protobuf],
  ["application/json", json],
];

test("both forms give the same report", () => {
  const [one, other] = forms.map(([contentType, write]) => decode(write(["1.8.0", "2.8.0"]), contentType, limits));
  expect(one).toMatchObject({ report: { sequence: 7, count: 2 }, faults: new Map() });
  expect(other).toEqual(one);
});

test.for(
  forms.flatMap(([contentType, write]) => [
    { contentType, bytes: write(["1.8.0"], 4), reason: "too_many_readings" },
    { contentType, bytes: write(["1.8.0", "2.8.0", "3.8.0"]), reason: "too_many_registers" },
    { contentType, bytes: write(["1.8.0"]).slice(0, -1), reason: "report_malformed" },
    { contentType, bytes: new Uint8Array([0xff, 0xff]), reason: "report_malformed" },
  ]),
)("$contentType: $reason", ({ contentType, bytes, reason }) => {
  expect(decode(bytes, contentType, limits)).toMatchObject({ reason });
});

test.for([
  { text: '{"readings":[[[[[1]]]]]}', reason: "report_too_complex" },
  { text: '{"readings":[{"at":"x"},{"at":"x"},{"at":"x"}],"sequence":1234567}', reason: "too_many_refused" },
])("application/json: $reason", ({ text, reason }) => {
  expect(decode(utf8.encode(text), "application/json", limits)).toMatchObject({ reason });
});
