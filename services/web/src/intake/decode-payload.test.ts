import { expect, test } from "vitest";
import { decodePayload, hex, hexDump } from "./decode-payload.ts";

const bytesOf = (text: string) => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

const hexOf = (text: string) => hex(new TextEncoder().encode(text)).replaceAll(" ", "");

function varint(value: number): string {
  const byte = (value % 128) + (value >= 128 ? 128 : 0);
  return byte.toString(16).padStart(2, "0") + (value >= 128 ? varint(Math.floor(value / 128)) : "");
}

test("JSON is shown in lines, other text as it is", () => {
  const json = '{"readings":[]}';
  expect(decodePayload(new TextEncoder().encode(json), json)).toBe('{\n  "readings": []\n}');
  expect(decodePayload(new TextEncoder().encode("hello"), "hello")).toBe("hello");
});

test("a report in protobuf is shown by its field names", () => {
  const reading = ["08", varint(1_793_491_200), "1205", hexOf("1.8.0"), "1805", "2002", "2805"].join("");
  const bytes = bytesOf(`0a03${hexOf("m-1")}1a${varint(reading.length / 2)}${reading}`);
  expect(decodePayload(bytes, null)?.split("\n")).toEqual([
    'meter_id: "m-1"',
    "readings",
    "  at: 1793491200 (2026-11-01T00:00:00.000Z)",
    '  register: "1.8.0"',
    "  value: -3",
    "  unit: 2",
    "  exponent: -3",
  ]);
});

test("what is no report has no decoded form, and nothing that is cut short is read past its end", () => {
  for (const text of ["ff", "0aff01", "1a05080101", "0b"]) expect(decodePayload(bytesOf(text), null)).toBeUndefined();
  expect(decodePayload(new Uint8Array(), "")).toBeUndefined();
});

test("bytes are dumped as tools do", () => {
  expect(hexDump(bytesOf("00414243ff"))).toBe("000000  00 41 42 43 ff                                   .ABC.");
  expect(hexDump(new Uint8Array(9000)).endsWith("…")).toBe(true);
});
