import { expect, test } from "vitest";
import { revisionAt, revisionPlace } from "./revision-place.ts";

test("the place of a revision names it, and no other place does", () => {
  const key = { meterId: "m-1", period: 2026 * 12 + 9, revision: 12 };
  expect(revisionPlace(key)).toBe("m-1 2026-10 revision 12");
  expect(revisionAt(revisionPlace(key))).toEqual(key);
  for (const other of ["", "sequence 12", "m-1 2026-13 revision 1", "m-1 2026-10 revision 0", "m-1 2026-10-20"])
    expect(revisionAt(other)).toBeUndefined();
});
