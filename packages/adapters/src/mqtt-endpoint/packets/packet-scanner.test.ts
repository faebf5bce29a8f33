import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { PacketSink } from "./packet-scanner.ts";
import { packetScanner } from "./packet-scanner.ts";

const packetBytesMax = 600;

/**
 * What a scanner makes of the chunks, one line per call. Held after each call when `holding`, resumed before the next
 * chunk.
 */
function scanned(chunks: readonly Buffer[], holding: boolean): string[] {
  const calls: string[] = [];
  let held = false;
  const note = (...facts: unknown[]) => {
    calls.push(facts.join(" "));
    held = holding;
  };
  const sink: PacketSink = {
    publish: ({ topic, payload, qos, retain, packetId }) =>
      note("publish", topic, payload.toString("hex"), qos, retain, packetId),
    pubrel: (packetId) => note("pubrel", packetId),
    control: (type, packet) => note("control", type, packet.toString("hex")),
    tooLarge: ({ topic, payload, packetId }, bytes) => note("tooLarge", topic, payload.length, packetId, bytes),
    malformed: () => note("malformed"),
    holding: () => undefined,
    held: () => held,
  };
  const scanner = packetScanner(() => packetBytesMax, sink);
  for (const chunk of chunks) {
    scanner.feed(chunk);
    for (let before = -1; before !== calls.length; ) {
      before = calls.length;
      held = false;
      scanner.resume();
    }
  }
  return calls;
}

function lengthOf(bytes: number): number[] {
  return bytes < 128 ? [bytes] : [(bytes & 127) | 128, ...lengthOf(bytes >> 7)];
}

function packet(first: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([first, ...lengthOf(body.length)]), body]);
}

function publish(topic: string, payload: Uint8Array, packetId: number): Buffer {
  const name = Buffer.from(topic);
  return packet(
    0x32,
    Buffer.from([name.length >> 8, name.length & 255]),
    name,
    Buffer.from([packetId >> 8, packetId & 255]),
    payload,
  );
}

const anyPacket = fc.oneof(
  fc
    .tuple(
      fc.stringMatching(/^[a-zäß\u{1F4A1}/$]{1,30}$/u),
      fc.uint8Array({ maxLength: 400 }),
      fc.integer({ min: 1, max: 65_535 }),
    )
    .map(([topic, payload, id]) => publish(topic, payload, id)),
  fc.integer({ min: 0, max: 65_535 }).map((id) => packet(0x62, Buffer.from([id >> 8, id & 255]))),
  fc.constant(packet(0xc0)),
  fc.uint8Array({ maxLength: 300 }).map((body) => packet(0x82, body)),
);

/** Cuts the bytes into chunks of the given lengths, over and over. */
function cutInto(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, i = 0; at < bytes.length; i += 1) {
    const end = at + (lengths[i % lengths.length] ?? 1);
    chunks.push(bytes.subarray(at, end));
    at = end;
  }
  return chunks;
}

/** Whatever packets come, how the network cuts them and when they are held changes nothing. */
test("packets are the same in whatever chunks they come", () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.array(anyPacket, { maxLength: 12 }), lengths, fc.boolean(), (packets, cuts, holding) => {
      const whole = packets.flatMap((each) => scanned([each], false));
      expect(whole).toHaveLength(packets.length);
      expect(scanned(cutInto(Buffer.concat(packets), cuts), holding)).toEqual(whole);
    }),
  );
});

test("any bytes at all are packets, the beginning of one, or malformed", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 50 }), (bytes, cut) => {
      const whole = scanned([Buffer.from(bytes)], false);
      expect(scanned(cutInto(Buffer.from(bytes), [cut]), true)).toEqual(whole);
    }),
    { numRuns: 500 },
  );
});

test.for([1, 3, 50, 10_000])(
  "a message that is too large is cut off, and nothing after it is looked at (chunks of %i)",
  (cut) => {
    const bytes = Buffer.concat([packet(0xc0), publish("meters/m-1/readings", Buffer.alloc(9_000), 7), packet(0xc0)]);
    expect(scanned(cutInto(bytes, [cut]), false)).toEqual([
      "control 12 c000",
      "tooLarge meters/m-1/readings 4096 7 9026",
    ]);
  },
);

test("a packet of exactly the length allowed passes, one byte more does not", () => {
  const room = packetBytesMax - 3 - 2 - 1 - 2;
  expect(scanned([publish("t", Buffer.alloc(room), 1)], false)[0]).toMatch(/^publish t 0+ 1 false 1$/);
  expect(scanned([publish("t", Buffer.alloc(room + 1), 1)], false)).toEqual(["tooLarge t 593 1 601"]);
});
