import type { Barrier } from "@meterbook/sharding/barrier";
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeBarrier } from "./barrier-protobuf.ts";
import { checkFrame } from "./frame-protobuf.ts";

const text = fc.string({ minLength: 1, maxLength: 64 });
const barriers: fc.Arbitrary<Barrier> = fc.record({
  atMs: fc.integer({ min: 0, max: 4_102_444_800_000 }),
  registry: fc.maxSafeNat(),
  quietBefore: fc.maxSafeNat(),
  readyThrough: fc.option(text),
  closeId: fc.option(text),
});

test("a barrier comes back as it was, with no report and no fault", () => {
  fc.assert(
    fc.property(barriers, (barrier) => {
      expect(checkFrame(encodeBarrier(barrier))).toEqual({ reports: [], faults: [], barrier });
    }),
  );
});

test("one of which a bit has flipped is a fault, and no barrier", () => {
  fc.assert(
    fc.property(barriers, fc.nat(), (barrier, bit) => {
      const bytes = encodeBarrier(barrier);
      const at = bit % (bytes.length * 8);
      bytes[at >> 3] = (bytes[at >> 3] as number) ^ (1 << (at & 7));
      const { barrier: read, faults } = checkFrame(bytes);
      expect([read, faults.length]).toEqual([undefined, 1]);
    }),
  );
});
