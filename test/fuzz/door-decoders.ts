import { parseRevocationList } from "@meterbook/adapters/certificates/revocation-list";
import { type Identities, identitiesOf, parseIdentities } from "@meterbook/adapters/mqtt-endpoint/identities";
import { isControlPacketFit, judgeConnect } from "@meterbook/adapters/mqtt-endpoint/packets/control-packet";
import { packetScanner } from "@meterbook/adapters/mqtt-endpoint/packets/packet-scanner";
import fc from "fast-check";
import type { Decoder } from "./decoder.ts";
import { decoder, filled, many, must, never } from "./decoder.ts";
import { oddJson } from "./odd-json.ts";

const packetBytesMax = 256 * 1024;

function packet(first: number, body: Uint8Array | string): Buffer {
  const bytes = Buffer.from(body);
  const length: number[] = [];
  for (let rest = bytes.length; ; rest >>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) return Buffer.concat([Buffer.from([first, ...length]), bytes]);
  }
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}

function publish(topic: string, payload: string): Buffer {
  return packet(0x32, Buffer.concat([text(topic), Buffer.from([0, 7]), Buffer.from(payload)]));
}

const connect = packet(
  0x10,
  Buffer.concat([text("MQTT"), Buffer.from([4, 0xc2, 0, 60]), text("m-1"), text("m-1"), text("secret")]),
);
const subscribe = packet(0x82, Buffer.concat([Buffer.from([0, 1]), text("meters/m-1/requests"), Buffer.from([1])]));
const packets = [
  connect,
  publish("meters/m-1/readings", "x".repeat(200)),
  subscribe,
  packet(0x62, Buffer.from([0, 7])),
  packet(0xc0, ""),
];

/**
 * Whatever the chunks, what is held is bounded by what came and by the longest packet, and nothing comes after the end.
 */
function scan(bytes: Buffer, chunkBytes: number): void {
  let held = 0;
  let ended = false;
  let delivered = 0;
  const take = (size: number) => {
    must(!ended, "the end");
    delivered += size;
  };
  const scanner = packetScanner(() => packetBytesMax, {
    publish: ({ topic, payload }) => take(topic.length + payload.length),
    pubrel: () => take(2),
    control(type, whole) {
      take(whole.length);
      if (type === 1) judgeConnect(whole);
      else isControlPacketFit(whole);
    },
    tooLarge: ({ payload }) => take(payload.length),
    malformed: () => {
      ended = true;
    },
    holding: (size) => {
      held = size;
    },
    held: () => false,
  });
  for (let at = 0; at < bytes.length; at += chunkBytes) scanner.feed(bytes.subarray(at, at + chunkBytes));
  must(held <= Math.max(1024, 2 * bytes.length), "bounded", held);
  must(delivered <= bytes.length, "what came");
}

const identities = [
  { name: "m-1", sha256: "0".repeat(64) },
  { name: "concentrator", meters: ["m-2", "m-3*"] },
].map((one) => Buffer.from(`# one\n${JSON.stringify(one)}\n\n`));

function useIdentities(known: Identities): void {
  must(known.certified("__proto__") === undefined, "nobody");
  for (const name of ["m-1", "constructor", "m-33"]) {
    known.certified(name)?.speaksFor("m-33");
    known.known(name, Buffer.from("x"));
  }
}

/** A file that is wrong says so, line by line, in one error of no more than some kilobytes. */
const saysWhere = (error: Error) =>
  error.name === "Error" &&
  /^(line \d+|two |more than |there is )/.test(error.message) &&
  error.message.length < 20_000;

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([Buffer.from([tag, 0x84]), length, content]);
}

function revocationList(serials: readonly number[]): Buffer {
  const time = der(0x17, Buffer.from("261101000000Z"));
  const algorithm = der(0x30, der(0x06, Buffer.from("2a8648ce3d040302", "hex")));
  const entries = serials.map((serial) => der(0x30, der(0x02, Buffer.from([serial & 255])), time));
  const signed = der(0x30, der(0x02, Buffer.from([1])), algorithm, der(0x30), time, time, der(0x30, ...entries));
  return der(0x30, signed, algorithm, der(0x03, Buffer.from([0, 1])));
}

export const doorDecoders: readonly Decoder[] = [
  decoder({
    name: "MQTT packets",
    samples: [Buffer.concat(packets), ...packets],
    generated: fc
      .array(
        fc.tuple(fc.nat(255), fc.uint8Array({ maxLength: 60 })).map(([first, body]) => packet(first, body)),
        { maxLength: 6 },
      )
      .map((all) => Buffer.concat(all)),
    decode(bytes) {
      scan(bytes, Math.max(1, bytes.length));
      judgeConnect(bytes);
      isControlPacketFit(bytes);
      return bytes;
    },
    check(bytes) {
      for (const chunkBytes of [1, 7]) scan(bytes, chunkBytes);
    },
    throws: never,
    heavy: {
      pings: many(() => packet(0xc0, "")),
      "one message": (bytes) => publish("meters/m-1/readings", "x".repeat(bytes - 40)),
      "messages of nothing": many(() => publish("t", "")),
      "a topic": (bytes) => publish("t".repeat(Math.min(65_535, bytes - 10)), ""),
      "a topic of three bytes a character": (bytes) =>
        publish("\uFFFD".repeat(Math.min(21_000, Math.floor(bytes / 3) - 5)), ""),
      filters: (bytes) =>
        packet(
          0x82,
          Buffer.concat([Buffer.from([0, 1]), many(() => Buffer.concat([text("a"), Buffer.from([0])]))(bytes - 10)]),
        ),
      "a CONNECT of NULs": (bytes) => packet(0x10, Buffer.concat([text("MQTT"), Buffer.alloc(bytes - 20)])),
      "lengths without an end": filled("\u00ff"),
    },
  }),
  decoder({
    name: "the identities file",
    samples: [Buffer.concat(identities), ...identities],
    generated: oddJson(["name", "sha256", "meters"]),
    decode: (bytes) => identitiesOf(parseIdentities(bytes.toString())),
    check: useIdentities,
    throws: saysWhere,
    bytesMax: 1024 * 1024,
    heavy: {
      "wrong lines": many(() => "{}\n"),
      "lines that are not JSON": many(() => "x\n"),
      "carriage returns": filled("\r"),
      "meters of one that are wrong": many(() => '"+"', '{"name":"c","meters":[', "]}", ","),
      "beginnings of one": many((i) => `"m-${i}*"`, '{"name":"c","meters":[', "]}", ","),
      "the same name": many(() => '{"name":"m-1"}\n'),
    },
  }),
  decoder({
    name: "a revocation list",
    samples: [revocationList([1, 2, 255]), revocationList([])],
    decode: parseRevocationList,
    check: ({ fromMs, toMs }) =>
      must(Number.isSafeInteger(fromMs) && Number.isSafeInteger(toMs ?? 0), "instants", fromMs, toMs),
    throws: (error) => error instanceof RangeError,
    bytesMax: 1024 * 1024,
    heavy: {
      serials: (bytes) => revocationList(Array.from({ length: Math.floor(bytes / 40) }, (_, i) => i)),
      "elements of nothing": (bytes) => der(0x30, Buffer.alloc(bytes)),
      "elements in elements": (bytes) => Buffer.alloc(bytes, Buffer.from([0x30, 0x84, 0, 0, 0, 1])),
    },
  }),
];
