import fc from "fast-check";
import { expect, test } from "vitest";
import { idBounds } from "./merged-ids.ts";

const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,3}$/);
const maybe = <Value>(one: fc.Arbitrary<Value>) => fc.option(one, { nil: undefined });

test("between the bounds are the ids that come after one and begin so, and no others", () => {
  fc.assert(
    fc.property(fc.uniqueArray(id, { maxLength: 30 }), maybe(id), maybe(id), (ids, after, prefix) => {
      const { from, before } = idBounds(after, prefix);
      const wanted = ids.filter((one) => one > (after ?? "") && one.startsWith(prefix ?? ""));
      expect(ids.filter((one) => one >= from && one < before)).toEqual(wanted);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  [undefined, "m-9", "m-9"],
  ["", "m-9", "m-9"],
  ["m-2", "m-9", "m-9"],
  ["m-95", "m-9", "m-95\u0001"],
  ["m-9", "m-9", "m-9\u0001"],
  ["m-2", undefined, "m-2\u0001"],
  [undefined, undefined, ""],
])("ids after %s that begin with %s are sought from the greater of the two on", (after, prefix, from) => {
  expect(idBounds(after, prefix).from).toBe(from);
});
