import { isReadingCode, qualityOf, type ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { rejectionReasons } from "@meterbook/core/domain/validation/rejection-reason";
import { decodeReport, encodeReport } from "@meterbook/intake/decoders/protobuf/meter-report-protobuf";
import { messageReader, type ReadMessage, readLimits } from "@meterbook/intake/read-message";
import { expect } from "vitest";
import type { Decoder } from "./decoder.ts";
import { decoder, field, filled, many, must, never } from "./decoder.ts";
import { oddJson } from "./odd-json.ts";
import { oddProtobuf } from "./odd-protobuf.ts";

const boundary = 1_793_484_000;
const receivedAtMs = (boundary + 30) * 1000;
const reader = messageReader(readLimits, { nowMs: () => receivedAtMs });

export const soundSeries: readonly ReadingSeries[] = [
  {
    channel: { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 },
    at: [boundary, boundary - 7, boundary + 600],
    value: [12_345_678, 9_007_199_254_740_991, 0],
    code: [0, 1, 3],
  },
  {
    channel: { register: "7-0:3.0.0", kind: "interval", unit: "L", stepSeconds: 900 },
    at: [boundary - 1800, boundary - 900, boundary],
    value: [250, 9_007_199_254_740_991, 0],
    code: [2, 2, 0],
  },
];

const readings = [
  { at: "2026-10-31T22:00:00Z", register: "1.8.0", value: "12345.678", unit: "kWh", quality: "actual" },
  {
    at: "2026-10-31T23:45:00+02:00",
    register: "1-0:1.8.0",
    kind: "interval",
    stepSeconds: 900,
    value: 250,
    unit: "Wh",
  },
];
const json = [
  { meterId: "m-1", sequence: 42, readings },
  { readings: [{ ...readings[0], value: 1.25e3 }, ...readings, {}] },
  { readings: [] },
].map((report) => Buffer.from(JSON.stringify(report)));

const read = (topic: string, payload: Buffer) => reader.read({ topic, payload, receivedAtMs, clientId: "c-1" });

/** Every reading that was taken can be shown, and taken again is the same; what was refused says why. */
function check({ accepted, rejections }: ReadMessage): void {
  must((accepted?.readings ?? 0) + rejections.length > 0, "in one place at least");
  for (const { reason, detail } of rejections)
    must(rejectionReasons.includes(reason as never) && detail.length <= 400, "of the list, and short", reason, detail);
  if (accepted === null) return;
  const series = decodeReport(accepted.report, accepted.origin);
  expectSound(series);
  must(series.reduce((sum, { at }) => sum + at.length, 0) === accepted.readings, "counted");
}

/** Numbers that can be added up and shown, and that come back as they are. */
export function expectSound(series: readonly ReadingSeries[]): void {
  for (const { at, value, code, channel } of series) {
    const isSound = at.every((one, i) => {
      const [amount, how] = [value[i] as number, code[i] as number];
      return Number.isSafeInteger(one) && Number.isSafeInteger(amount) && amount >= 0 && isReadingCode(how);
    });
    must(isSound && Number.isSafeInteger(channel.stepSeconds), "sound", channel, at, value, code);
    for (const one of code) qualityOf(one);
  }
  const again = decodeReport(encodeReport({ series }), "remote");
  const byChannel = (all: readonly ReadingSeries[]) =>
    new Map(all.map(({ channel, at, value }) => [JSON.stringify(channel), { at, value }]));
  expect(byChannel(again)).toEqual(byChannel(series));
}

const at = '"at":"2026-10-31T22:00:00Z"';
const good = `{${at},"register":"1.8.0","value":"1","unit":"Wh"}`;
const inReading = (text: string) => `{"readings":[{${text}`;

const jsonHeavy = {
  digits: filled("9", inReading('"value":'), "}]}"),
  zeros: filled("0", inReading('"value":"0.'), '1"}]}'),
  "an instant of digits": filled("0", inReading('"at":"2026-10-31T22:00:00.'), 'Z"}]}'),
  "a register of points": filled("1.", inReading('"register":"'), '"}]}'),
  escapes: filled("\\u0041", '{"meterId":"', '","readings":[]}'),
  "escaped quotes": filled('\\"', '{"meterId":"', '","readings":[]}'),
  "arrays in arrays": filled("[", '{"readings":['),
  "objects in objects": filled('{"a":', '{"readings":['),
  "a name over and over": filled('"a":1,', inReading(""), '"b":1}]}'),
  "names of its own": many((i) => `"k${i}":1`, inReading(""), "}]}", ","),
  "names of the prototype": many((i) => `"${["__proto__", "constructor"][i % 2]}":{}`, inReading(""), "}]}", ","),
  "a long name": filled("k", inReading('"'), '":1}]}'),
  "numbers beside a value": filled("1,", inReading('"value":1,"x":['), "1]}]}"),
  "empty readings": many(() => "{}", '{"readings":[', "]}", ","),
  "readings that are null": many(() => "null", '{"readings":[', "]}", ","),
  "numbers that are readings": many(() => "1", '{"readings":[', "]}", ","),
  "readings of one register": many(() => good, '{"readings":[', "]}", ","),
  "readings whose value is a number": many((i) => good.replace('"1"', `${i}.5`), '{"readings":[', "]}", ","),
  "readings with an exponent": many((i) => good.replace('"1"', `${i}e3`), '{"readings":[', "]}", ","),
  "readings of registers of their own": many(
    (i) => good.replace("1.8.0", `1.${i % 256}.${i >> 8}`),
    '{"readings":[',
    "]}",
    ",",
  ),
  "refused readings": many(() => good.replace('"1"', '"-1"'), '{"readings":[', "]}", ","),
  "readings with a name too many": many((i) => good.replace("}", `,"x${i}":1}`), '{"readings":[', "]}", ","),
  "lone surrogates": filled("\\ud800", '{"meterId":"', '","readings":[]}'),
  blanks: filled(" ", '{"readings":[', "]}"),
};

const oneReading = field(
  0x1a,
  Buffer.concat([Buffer.from([0x08, 0xa0, 0xb0, 0x99, 0xd7, 0x06]), field(0x12, "1.8.0"), Buffer.from([0x20, 1])]),
);
const protobufHeavy = {
  "empty readings": filled("\u001a\u0000"),
  "empty profiles": filled("\u0022\u0000"),
  "one profile of zeros": (bytes: number) =>
    field(0x22, Buffer.concat([field(0x0a, "1.8.0"), field(0x42, Buffer.alloc(bytes - 30))])),
  "a profile of exceptions": many(() => field(0x52, Buffer.alloc(0))),
  "exceptions of one profile": (bytes: number) =>
    field(0x22, many(() => field(0x52, Buffer.from([0x10, 0])))(bytes - 10)),
  "a meter id": (bytes: number) => field(0x0a, Buffer.alloc(bytes - 5, 0x6d)),
  "a meter id of zeros, over and over": many(() => field(0x0a, Buffer.alloc(3))),
  "unknown fields": many(() => Buffer.from([0x78, 1])),
  "numbers of ten bytes": many(() => Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01])),
  "readings of one register": many(() => oneReading),
  "readings of registers of their own": many((i) =>
    field(
      0x1a,
      Buffer.concat([
        Buffer.from([0x08, 0xa0, 0xb0, 0x99, 0xd7, 0x06]),
        field(0x12, `1.${i % 256}.${i >> 8}`),
        Buffer.from([0x20, 1]),
      ]),
    ),
  ),
  "readings of long registers": many((i) => field(0x1a, field(0x12, `${i}`.padEnd(200, ".")))),
  "profiles of one reading": many(() =>
    field(0x22, Buffer.concat([field(0x0a, "1.8.0"), field(0x42, Buffer.from([2]))])),
  ),
};

export const messageDecoders: readonly Decoder[] = [
  decoder({
    check,
    name: "a JSON report",
    samples: json,
    generated: oddJson([
      "meterId",
      "sequence",
      "readings",
      "at",
      "register",
      "value",
      "unit",
      "kind",
      "quality",
      "stepSeconds",
    ]),
    decode: (payload) => read("meters/m-1/readings/json", payload),
    throws: never,
    heavy: jsonHeavy,
  }),
  decoder({
    check,
    name: "a protobuf report",
    samples: [
      encodeReport({ meterId: "m-1", sequence: 7, series: soundSeries }),
      encodeReport({ series: soundSeries }),
      new Uint8Array(),
    ].map((one) => Buffer.from(one)),
    generated: oddProtobuf(),
    decode: (payload) => read("meters/m-1/readings", payload),
    throws: never,
    heavy: protobufHeavy,
  }),
  decoder({
    check,
    name: "a topic",
    samples: ["meters/m-1/readings", "meters/m-1/readings/json", "meters//readings", "$SYS/x"].map((topic) =>
      Buffer.from(topic),
    ),
    decode: (topic) => read(topic.toString(), Buffer.from("{}")),
    throws: never,
    bytesMax: 65_535,
    heavy: {
      slashes: filled("/", "meters"),
      "an id": filled("m", "meters/", "/readings"),
      levels: filled("meters/", "", "readings"),
      ends: filled("/readings/json", "meters/m"),
    },
  }),
];
