import fc from "fast-check";

/** One change to some bytes; places are taken modulo the length. */
type Change =
  | { readonly kind: "set"; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "insert"; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "flip"; readonly at: number; readonly bit: number }
  | { readonly kind: "cut"; readonly at: number; readonly length: number }
  | { readonly kind: "repeat"; readonly at: number; readonly length: number; readonly times: number }
  | { readonly kind: "splice"; readonly at: number; readonly from: number };

const at = fc.nat(2 ** 20);
const utf8 = (text: string) => Uint8Array.from(Buffer.from(text));

/** What parsers have stumbled over: lengths and numbers at their edges, and words that mean something to somebody. */
export const oddBytes = fc.oneof(
  fc.constantFrom(
    ...[
      [0],
      [0x7f],
      [0x80],
      [0xff],
      [0x80, 0x00],
      [0xff, 0xff, 0xff, 0xff, 0x07],
      [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f],
      [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
      Array.from({ length: 11 }, () => 0x80),
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xef, 0xbb, 0xbf],
    ].map((bytes) => Uint8Array.from(bytes)),
  ),
  fc
    .constantFrom(
      ...[
        "1e400",
        "-0",
        "NaN",
        "9007199254740993",
        "01",
        "1.",
        ".5",
        "+1",
        "\u0661",
        "null",
        "true",
        "{}",
        "[]",
        "[[[[",
      ],
      ...[
        '"__proto__":',
        '"constructor":',
        '"\\ud800"',
        '"\\u0000"',
        '"',
        "\\",
        ",",
        ":",
        "\n",
        "\r\n",
        "\u2028",
        "=1+1",
      ],
      ...["/", "+", "#", "*", "/../", "2026-10-31T23:59:60Z", "275760-09-13T00:00:00Z", "0000-01-01T00:00:00+14:00"],
    )
    .map(utf8),
  fc.uint8Array({ minLength: 1, maxLength: 12 }),
);

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constantFrom("set" as const, "insert" as const), at, bytes: oddBytes }),
  fc.record({ kind: fc.constant("flip" as const), at, bit: fc.nat(7) }),
  fc.record({ kind: fc.constant("cut" as const), at, length: fc.nat(40) }),
  fc.record({ kind: fc.constant("repeat" as const), at, length: fc.nat(40), times: fc.nat(200) }),
  fc.record({ kind: fc.constant("splice" as const), at, from: at }),
);

function changed(bytes: Buffer, one: Change, other: Buffer): Buffer {
  const place = one.at % (bytes.length + 1);
  const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)];
  switch (one.kind) {
    case "set":
      return Buffer.concat([before, one.bytes, after.subarray(one.bytes.length)]);
    case "insert":
      return Buffer.concat([before, one.bytes, after]);
    case "flip": {
      const flipped = Buffer.from(bytes);
      if (place < flipped.length) flipped[place] = (flipped[place] as number) ^ (1 << one.bit);
      return flipped;
    }
    case "cut":
      return Buffer.concat([before, after.subarray(one.length)]);
    case "repeat":
      return Buffer.concat([before, ...Array.from({ length: one.times }, () => after.subarray(0, one.length)), after]);
    case "splice":
      return Buffer.concat([before, other.subarray(one.from % (other.length + 1))]);
  }
}

/** Sound bytes with some changes in them. */
export function changedBytes(samples: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const sample = fc.constantFrom(...samples);
  return fc
    .tuple(sample, sample, fc.array(change, { minLength: 1, maxLength: 6 }))
    .map(([one, other, changes]) => changes.reduce((bytes, next) => changed(bytes, next, other), one))
    .map((bytes) => bytes.subarray(0, 64 * 1024));
}
