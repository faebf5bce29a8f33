import { formatInstant } from "@meterbook/core/domain/time/instant";
import fc from "fast-check";
import { expect, test } from "vitest";
import { rowWriter } from "./row-writer.ts";

const cell = fc.oneof(
  fc.record({ kind: fc.constant("text" as const), value: fc.string({ unit: "grapheme", maxLength: 80 }) }),
  fc.record({
    kind: fc.constant("amount" as const),
    value: fc.option(
      fc.oneof(fc.maxSafeNat(), fc.nat(100), fc.constantFrom(2 ** 31 - 1, 2 ** 31, 9_999_999_999, 10_000_000_000)),
    ),
  }),
  fc.record({
    kind: fc.constant("instant" as const),
    value: fc.option(fc.integer({ min: -1_000_000_000, max: 4_102_444_800 })),
  }),
);

function expected({ kind, value }: { kind: string; value: string | number | null }): string {
  if (value === null) return "";
  return kind === "instant" ? formatInstant(value as number) : String(value);
}

/** Byte for byte what joining the cells would give, however long the rows and whatever was taken in between. */
test("writes rows as joined cells", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.array(cell, { minLength: 1, maxLength: 30 }), fc.boolean()), { maxLength: 200 }),
      (rows) => {
        const writer = rowWriter();
        const taken: Buffer[] = [];
        for (const [cells, take] of rows) {
          for (const { kind, value } of cells) {
            if (kind === "text") writer.text(value);
            else if (kind === "amount") writer.amount(value);
            else writer.instant(value);
          }
          writer.endRow();
          if (take) taken.push(writer.take());
        }
        taken.push(writer.take());
        const text = rows.map(([cells]) => `${cells.map(expected).join(",")}\n`).join("");
        expect(Buffer.concat(taken).toString()).toBe(Buffer.from(text).toString());
      },
    ),
  );
});

test("copies what rows share, also when it must grow for it", () => {
  const writer = rowWriter();
  writer.put("header\n");
  const start = writer.length;
  writer.text("x".repeat(40_000));
  const end = writer.length;
  writer.amount(6);
  writer.endRow();
  writer.again(start, end);
  writer.amount(7);
  writer.endRow();
  expect(writer.take().toString()).toBe(`header\n${"x".repeat(40_000)},6\n${"x".repeat(40_000)},7\n`);
});
