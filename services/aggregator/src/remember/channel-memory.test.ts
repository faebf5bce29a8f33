import fc from "fast-check";
import { expect, test } from "vitest";
import { channelRows, clearReading, fieldsPerRow, get, getReading, set, setReading } from "./channel-memory.ts";

/** More than one block. */
const rows = 600;
const lastField = fieldsPerRow - 2;
const readings = fc.record({
  at: fc.integer({ min: Date.UTC(2001, 0, 1) / 1000, max: 2 ** 33 }),
  value: fc.maxSafeInteger(),
  code: fc.integer({ min: 0, max: 15 }),
});

test("a reading comes out as it was put in, until it is cleared", () => {
  fc.assert(
    fc.property(readings, fc.integer({ min: 0, max: lastField }), (reading, field) => {
      const row = channelRows()();
      expect(getReading(row, field)).toBeUndefined();
      setReading(row, field, reading);
      expect(getReading(row, field)).toEqual(reading);
      clearReading(row, field);
      expect(getReading(row, field)).toBeUndefined();
    }),
  );
});

test("a row has its fields to itself", () => {
  const newRow = channelRows();
  const all = Array.from({ length: rows }, newRow);
  all.forEach((row, number) => {
    for (let field = 0; field < fieldsPerRow; field += 1) set(row, field, number * fieldsPerRow + field);
  });
  const found = all.flatMap((row) => Array.from({ length: fieldsPerRow }, (_, field) => get(row, field)));
  expect(found).toEqual(Array.from({ length: rows * fieldsPerRow }, (_, index) => index));
});
