import type { Columns } from "@meterbook/core/domain/reading";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ascending, epoch, packBlock, unpackBlock } from "./reading-block.ts";

const columns = fc
  .uniqueArray(
    fc.record({
      at: fc.integer({ min: epoch, max: epoch + 2 ** 31 }),
      value: fc.oneof(fc.nat(), fc.maxSafeNat()),
      code: fc.nat(15),
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
        const bytes = packBlock(channels.map(([channelIndex, c]) => ({ channelIndex, ...c })));
        const all = new Map<number, Columns>();
        unpackBlock(bytes, all);
        expect([...all]).toEqual(channels);
        for (const [index, expected] of channels) {
          const one = new Map<number, Columns>();
          unpackBlock(bytes, one, new Set([index]));
          expect([...one]).toEqual([[index, expected]]);
        }
      },
    ),
  );
});

test("a day of quarter hours of one register takes about 200 bytes", () => {
  const at = Array.from({ length: 96 }, (_, i) => epoch + 900 * i);
  const value = at.map((_, i) => 12_345_678 + i * 251);
  expect(packBlock([{ channelIndex: 0, at, value, code: at.map(() => 0) }]).length).toBeLessThan(210);
});

test("blocks that came out of order are put into order", () => {
  expect(ascending({ at: [3, 1, 2], value: [30, 10, 20], code: [0, 1, 2] })).toEqual({
    at: [1, 2, 3],
    value: [10, 20, 30],
    code: [1, 2, 0],
  });
});
