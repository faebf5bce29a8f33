import { expect, test } from "vitest";
import { dayPlace, isDamagedDay } from "./damaged-day.ts";

test("a damaged block of a meter's day is told from all other damage of a store", () => {
  const where = dayPlace("m-1", "2026-10-20", 0xabc);
  expect(where).toBe("m-1 2026-10-20 bytes 00000abc");
  expect(isDamagedDay({ place: "series", meterId: "m-1", where })).toBe(true);
  expect(isDamagedDay({ place: "series", meterId: null, where })).toBe(false);
  expect(isDamagedDay({ place: "ledger", meterId: "m-1", where })).toBe(false);
  for (const other of ["m-1", "conflict 5", "bucket 7 m-1 2026-10-20T00:00:00Z", "m-1 2026-10 revision 1"])
    expect(isDamagedDay({ place: "series", meterId: "m-1", where: other })).toBe(false);
});
