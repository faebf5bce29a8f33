import fc from "fast-check";
import { expect, test } from "vitest";
import { checkedRecord, withChecksum } from "./record-checksum.ts";

test("gives back what was sealed", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (record) => {
      expect(Buffer.from(checkedRecord(withChecksum(record)) ?? [0]).equals(Buffer.from(record))).toBe(true);
    }),
  );
});

test("finds every flipped bit and every lost end", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.nat(), fc.nat(7), (record, place, bit) => {
      const sealed = withChecksum(record);
      const flipped = Buffer.from(sealed);
      const at = place % flipped.length;
      flipped[at] = (flipped[at] as number) ^ (1 << bit);
      expect(checkedRecord(flipped)).toBeUndefined();
      expect(checkedRecord(sealed.subarray(0, at))).toBeUndefined();
    }),
  );
});
