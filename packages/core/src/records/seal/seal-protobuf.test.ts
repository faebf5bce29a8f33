import fc from "fast-check";
import protobuf from "protobufjs";
import { expect, test } from "vitest";
import { checkSeal, encodeSeal } from "./seal-protobuf.ts";

const seals = fc.record({
  shard: fc.integer({ min: 0, max: 255 }),
  period: fc.integer({ min: 24_000, max: 25_200 }),
  size: fc.integer({ min: 1, max: 2 ** 40 }),
  root: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("hex")),
  sealedAtMs: fc.integer({ min: 0, max: 2 ** 45 }),
});

test("a seal is read as it was written, by us and by whoever has the .proto file", () => {
  const type = protobuf.loadSync("proto/meterbook/v1/seal.proto").lookupType("meterbook.v1.Seal");
  fc.assert(
    fc.property(seals, (seal) => {
      const bytes = encodeSeal(seal);
      expect(checkSeal(bytes)).toEqual({ record: seal });
      const { checksum: _, ...generic } = type.toObject(type.decode(bytes), { longs: Number, defaults: true });
      expect(generic).toEqual(seal);
    }),
  );
});

test("a seal with any bit changed is refused", () => {
  const bytes = encodeSeal({ shard: 3, period: 24_321, size: 17, root: "0f".repeat(32), sealedAtMs: 5 });
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const changed = Buffer.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(checkSeal(changed)).toMatchObject({ fault: { code: "checksum_mismatch" } });
  }
});
