import type { Columns } from "@meterbook/core/domain/reading/reading";
import { codeOfNumbers } from "@meterbook/core/domain/reading/reading";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ascending, epoch, MalformedBlock, packBlock, unpackBlock } from "./reading-block.ts";

const codes = fc
  .tuple(fc.nat(3), fc.nat(5), fc.nat(31), fc.nat(15), fc.oneof(fc.constant(0), fc.nat({ max: 2 ** 32 - 1 })))
  .map(([quality, origin, flags, findings, revision]) =>
    codeOfNumbers(quality, origin, flags * 64 + findings * 4096, revision),
  );

const columns = fc
  .uniqueArray(
    fc.record({
      at: fc.integer({ min: epoch, max: epoch + 2 ** 31 }),
      value: fc.oneof(fc.nat(), fc.maxSafeNat()),
      code: codes,
    }),
    {
      selector: ({ at }) => at,
      minLength: 1,
      maxLength: 60,
    },
  )
  .map((rows) => rows.sort((a, b) => a.at - b.at))
  .map((rows) => ({ at: rows.map((r) => r.at), value: rows.map((r) => r.value), code: rows.map((r) => r.code) }));

test("what is packed comes out again, channel by channel", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(fc.nat(500), columns), { selector: ([index]) => index, maxLength: 5 }),
      (channels) => {
        const bytes = packBlock(
          channels.map(([channelIndex, c]) => ({ channelIndex, ...c })),
          7,
        );
        const all = new Map<number, Columns>();
        unpackBlock(bytes, 7, all);
        expect([...all]).toEqual(channels);
        for (const [index, expected] of channels) {
          const one = new Map<number, Columns>();
          unpackBlock(bytes, 7, one, new Set([index]));
          expect([...one]).toEqual([[index, expected]]);
        }
      },
    ),
  );
});

test("a day of quarter hours of one register takes about 200 bytes", () => {
  const at = Array.from({ length: 96 }, (_, i) => epoch + 900 * i);
  const value = at.map((_, i) => 12_345_678 + i * 251);
  expect(packBlock([{ channelIndex: 0, at, value, code: at.map(() => 0) }], 7).length).toBeLessThan(210);
});

test("blocks that came out of order are put into order", () => {
  expect(ascending({ at: [3, 1, 2], value: [30, 10, 20], code: [0, 1, 2] })).toEqual({
    at: [1, 2, 3],
    value: [10, 20, 30],
    code: [1, 2, 0],
  });
});

test("H08: with any one bit flipped, cut anywhere, or under another key, a block is refused at once", () => {
  const at = [epoch, epoch + 900, epoch + 1800];
  const sound = packBlock([{ channelIndex: 0, at, value: [5, 9, 700], code: [0, 1, 1] }], 2 ** 40 + 7);
  for (let bit = 0; bit < sound.length * 8; bit += 1) {
    const flipped = Uint8Array.from(sound);
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(() => unpackBlock(flipped, 2 ** 40 + 7, new Map())).toThrow(MalformedBlock);
  }
  for (let length = 0; length < sound.length; length += 1) {
    expect(() => unpackBlock(sound.subarray(0, length), 2 ** 40 + 7, new Map())).toThrow(MalformedBlock);
  }
  for (const key of [7, 2 ** 40 + 6, 2 ** 41 + 7]) {
    expect(() => unpackBlock(sound, key, new Map())).toThrow(MalformedBlock);
  }
});
