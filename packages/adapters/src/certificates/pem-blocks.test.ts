import { expect, test } from "vitest";
import { derAt } from "./der.ts";
import { pemBlocks } from "./pem-blocks.ts";
import { parseRevocationList } from "./revocation-list.ts";

const block = (label: string, body: string) => `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;

test("blocks with what stands between them passed over", () => {
  const text = `first\n${block("CERTIFICATE", "AQID")}between\n${block("X509 CRL", "BAU=")}last`;
  expect(pemBlocks(text).map(({ label, der }) => [label, [...der]])).toEqual([
    ["CERTIFICATE", [1, 2, 3]],
    ["X509 CRL", [4, 5]],
  ]);
  expect(pemBlocks("nothing of that kind")).toEqual([]);
});

test.for([
  "-----BEGIN CERTIFICATE",
  "-----BEGIN CERTIFICATE-----\nAQID",
  `${block("CERTIFICATE", "AQID")}-----BEGIN CERTIFICATE-----\nAQ`,
  `-----BEGIN CERTIFICATE-----\nAQID\n${block("CERTIFICATE", "AQID")}`,
])("H15: half written: %j", (text) => {
  expect(() => pemBlocks(text)).toThrow("half written");
});

test("many beginnings without an end cost no more than their length", () => {
  const before = process.cpuUsage();
  expect(() => pemBlocks("-----BEGIN A-----".repeat(200_000))).toThrow();
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(500);
});

test.for([
  [],
  [0x30],
  [0x30, 0x80],
  [0x30, 0x85, 1, 1, 1, 1, 1],
  [0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
  [0x30, 0x02, 0x30],
  [0x30, 0x06, 0x30, 0x00, 0x30, 0x00, 0x03, 0x00],
])("bytes that are no revocation list are refused: %j", (bytes) => {
  expect(() => parseRevocationList(Uint8Array.from(bytes))).toThrow(RangeError);
});

test("a length of several bytes", () => {
  expect(derAt(Uint8Array.from([0x04, 0x82, 0x00, 0x02, 7, 8]), 0, 6)).toEqual({ tag: 4, start: 0, from: 4, to: 6 });
});
