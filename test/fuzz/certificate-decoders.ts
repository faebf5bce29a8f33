import { pemBlocks } from "@meterbook/adapters/certificates/pem-blocks";
import { parseRevocationList } from "@meterbook/adapters/certificates/revocation-list";
import type { Decoder } from "./decoder.ts";
import { decoder, filled, many, must } from "./decoder.ts";

function element(tag: number, ...parts: readonly (Uint8Array | string)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const long = Buffer.alloc(4);
  long.writeUInt32BE(body.length);
  const length = body.length < 128 ? Buffer.from([body.length]) : Buffer.concat([Buffer.from([0x84]), long]);
  return Buffer.concat([Buffer.from([tag]), length, body]);
}

const sequence = (...parts: readonly Uint8Array[]) => element(0x30, ...parts);
const time = element(0x17, "261031220000Z");
const algorithm = sequence(element(0x06, Buffer.from("2a864886f70d01010b", "hex")), element(0x05));
const entry = (serial: number) => sequence(element(0x02, Buffer.from([1, serial >> 8, serial & 255])), time);

function list(serials: number, times: readonly Buffer[] = [time, time]): Buffer {
  const entries = serials === 0 ? [] : [sequence(...Array.from({ length: serials }, (_, i) => entry(i)))];
  const signed = sequence(element(0x02, Buffer.from([1])), algorithm, sequence(), ...times, ...entries);
  return sequence(signed, algorithm, element(0x03, Buffer.alloc(65)));
}

const block = (label: string, body: string) => `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;

/** What an operator's files hold, who may have them from anywhere. */
export const certificateDecoders: readonly Decoder[] = [
  decoder({
    name: "a revocation list",
    samples: [list(0), list(3), list(200), list(2, [time])],
    decode: parseRevocationList,
    check({ fromMs, toMs, serials }) {
      must(Number.isFinite(fromMs) || Number.isNaN(fromMs), "a time", fromMs);
      for (const serial of serials) must(/^[0-9a-f]*$/.test(serial), "hexadecimal", serial);
      must(toMs === null || typeof toMs === "number", "a time or null", toMs);
    },
    throws: (error) => error instanceof RangeError,
    heavy: {
      "many serial numbers": (bytes) => list(Math.max(1, Math.floor((bytes - 120) / 21))),
      "one long element": (bytes) => sequence(Buffer.alloc(Math.max(0, bytes - 6))),
      "elements in elements": (bytes) => Buffer.alloc(bytes, Buffer.from([0x30, 0x80])),
    },
  }),
  decoder({
    name: "the blocks of a PEM file",
    samples: [
      block("CERTIFICATE", "AQIDBA=="),
      `${block("X509 CRL", "AQID")}between${block("CERTIFICATE", "BAUG")}`,
    ].map((text) => Buffer.from(text)),
    decode: (bytes) => pemBlocks(bytes.toString("utf8")),
    check(blocks) {
      for (const { text } of blocks) must(text.startsWith("-----BEGIN "), "a block", text);
    },
    throws: (error) => error.message.includes("half written"),
    heavy: {
      "beginnings without an end": filled("-----BEGIN A-----"),
      "one beginning and dashes": filled("-", "-----BEGIN "),
      "many blocks": many(() => block("A", "AQID")),
    },
  }),
];
