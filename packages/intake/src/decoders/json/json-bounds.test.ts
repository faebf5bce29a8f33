import fc from "fast-check";
import { expect, test } from "vitest";
import { countJsonEntries } from "./json-bounds.ts";

const bounds = { depthMax: 3, entriesMax: 6 };
const counted = (text: string) => countJsonEntries(Buffer.from(text), bounds);

test.for([
  { text: "", expected: 0 },
  { text: "[[[1]]]", expected: 3 },
  { text: "[[[[1]]]]", expected: "deeper than 3" },
  { text: '{"a":[{"b":{}}]}', expected: "deeper than 3" },
  { text: "[[],[],[]]", expected: 6 },
  { text: "[1,2,3,4,5,6]", expected: 6 },
  { text: "[1,2,3,4,5,6,7]", expected: "more than 6 entries" },
  { text: "[{},{},{},{}]", expected: "more than 6 entries" },
  { text: '["[[[[,,,,,,,,"]', expected: 1 },
  { text: '["\\"[[[[",[[1]]]', expected: 4 },
  { text: '["\\\\",[[[1]]]]', expected: "deeper than 3" },
  { text: '["]]]]",[[[1]]]]', expected: "deeper than 3" },
  { text: '["never ended [[[[', expected: 1 },
  { text: '["ended by nothing \\', expected: 1 },
])("$text: $expected", ({ text, expected }) => {
  if (typeof expected === "number") expect(counted(text)).toBe(expected);
  else expect(counted(text)).toContain(expected);
});

/** Depth, and members and elements and containers, as they are counted in what was parsed. */
function measured(value: unknown): { depth: number; entries: number } {
  if (typeof value !== "object" || value === null) return { depth: 0, entries: 0 };
  const inside = Object.values(value).map(measured);
  return {
    depth: 1 + Math.max(0, ...inside.map(({ depth }) => depth)),
    entries: Math.max(1, inside.length) + inside.reduce((sum, { entries }) => sum + entries, 0),
  };
}

test("what is counted in the text is what is in the value", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1), (value, indent) => {
      const text = Buffer.from(JSON.stringify(value, null, indent));
      const { depth, entries } = measured(value);
      expect(countJsonEntries(text, { depthMax: depth, entriesMax: entries })).toBe(entries);
      if (depth > 0) expect(countJsonEntries(text, { depthMax: depth - 1, entriesMax: entries })).toContain("deeper");
      if (entries > 0)
        expect(countJsonEntries(text, { depthMax: depth, entriesMax: entries - 1 })).toContain("entries");
    }),
  );
});
