import fc from "fast-check";
import { expect, test } from "vitest";
import { murmur2, partitionOf, slotOf } from "./slot.ts";

/** The vectors of Kafka's own UtilsTest. */
test.for([
  ["21", -973_932_308],
  ["foobar", -790_332_482],
  ["a-little-bit-long-string", -985_981_536],
  ["a-little-bit-longer-string", -1_486_304_829],
  ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971],
  ["abc", 479_470_107],
] as const)("murmur2 of %s", ([text, expected]) => {
  expect(murmur2(text)).toBe(expected);
});

test("a partition is Kafka's own choice: positive murmur2 modulo the partitions", () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
      fc.integer({ min: 0, max: 8 }),
      (meterId, power) => {
        const partitions = 2 ** power;
        expect(partitionOf(meterId, partitions)).toBe((murmur2(meterId) & 0x7fffffff) % partitions);
        expect(slotOf(meterId)).toBeLessThan(256);
      },
    ),
  );
});
