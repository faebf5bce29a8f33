import fc from "fast-check";
import { oddBytes } from "./changed-bytes.ts";

function varint(value: bigint): number[] {
  return value < 128n ? [Number(value)] : [Number(value & 127n) | 128, ...varint(value >> 7n)];
}

const number = fc.oneof(
  fc.nat(20).map(BigInt),
  fc.constantFrom(2n ** 31n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n, 1_793_484_000n),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
);

/** Fields as protobuf has them, right by form, with whatever numbers, types, lengths, repetitions and nesting. */
export function oddProtobuf(depth = 3): fc.Arbitrary<Buffer> {
  const inside = fc.oneof(
    oddBytes,
    fc.constantFrom("1.8.0", "m-1", "2026-10", "x").map((text) => Uint8Array.from(Buffer.from(text))),
    ...(depth > 0 ? [oddProtobuf(depth - 1)] : []),
  );
  const field = fc
    .tuple(
      fc.oneof(fc.integer({ min: 1, max: 17 }), fc.constantFrom(0, 200, 2 ** 29 - 1)),
      fc.constantFrom(0, 0, 0, 2, 2, 2, 1, 5, 3),
    )
    .chain(([name, type]) => {
      const tag = varint(BigInt(name) * 8n + BigInt(type));
      if (type === 2) return inside.map((bytes) => [...tag, ...varint(BigInt(bytes.length)), ...bytes]);
      if (type === 0) return number.map((value) => [...tag, ...varint(value)]);
      return fc.constant([...tag, ...Array.from({ length: type === 1 ? 8 : type === 5 ? 4 : 0 }, () => 7)]);
    });
  return fc.array(field, { maxLength: 12 }).map((fields) => Buffer.from(fields.flat()));
}
