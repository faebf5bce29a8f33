import fc from "fast-check";
import { expect, test } from "vitest";
import { formatInstant, formatInstantMs, parseInstantMs } from "./instant.ts";

test.for([
  { text: "2026-10-31T22:00:00Z", expected: "2026-10-31T22:00:00Z" },
  { text: "2026-11-01T00:00:00+02:00", expected: "2026-10-31T22:00:00Z" },
  { text: "2026-10-31t18:30:00-03:30", expected: "2026-10-31T22:00:00Z" },
  { text: "2026-10-31T22:00:00.250Z", expected: "2026-10-31T22:00:00.250Z" },
  { text: "2026-10-31T22:00:00.1239999Z", expected: "2026-10-31T22:00:00.123Z" },
  { text: "2024-02-29T00:00:00Z", expected: "2024-02-29T00:00:00Z" },
  { text: "2026-02-29T00:00:00Z", expected: undefined },
  { text: "2026-10-31T22:00:00", expected: undefined },
  { text: "2026-10-31T24:00:00Z", expected: undefined },
  { text: "2026-10-31T22:00:60Z", expected: undefined },
  { text: "2026-10-31 22:00:00Z", expected: undefined },
  { text: "2026-10-31", expected: undefined },
  { text: "2026-10-31T22:00:00+02:60", expected: undefined },
])("$text is $expected", ({ text, expected }) => {
  const ms = parseInstantMs(text);
  expect(ms === undefined ? undefined : formatInstantMs(ms)).toBe(expected);
});

test("instants are formatted as the platform does, and read back", () => {
  fc.assert(
    fc.property(fc.integer({ min: -2_000_000_000, max: 4_102_444_800 }), fc.integer({ min: 0, max: 999 }), (at, ms) => {
      expect(formatInstant(at)).toBe(new Date(at * 1000).toISOString().replace(".000Z", "Z"));
      expect(parseInstantMs(formatInstantMs(at * 1000 + ms))).toBe(at * 1000 + ms);
    }),
  );
});
