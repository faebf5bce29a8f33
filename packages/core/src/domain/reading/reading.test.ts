import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  bareCode,
  bareCodesMax,
  codeMarks,
  codeOfNumbers,
  doorFindings,
  findingsOf,
  flagsOf,
  hasSecondValue,
  isReadingCode,
  marksOf,
  meterFlags,
  originOf,
  origins,
  qualityOf,
  readingCode,
  readingQualities,
  revisionMax,
  revisionOf,
  sentQualityIndexOf,
} from "./reading.ts";
import { inEffect, readingRank } from "./reading-rank.ts";

const parts = fc.record({
  quality: fc.constantFrom(...readingQualities),
  origin: fc.constantFrom(...origins),
  flags: fc.subarray([...meterFlags]),
  findings: fc.subarray([...doorFindings]),
  revision: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: revisionMax })),
});

describe("a reading's code", () => {
  test("holds quality, origin, flags, findings and revision, each for itself", () => {
    fc.assert(
      fc.property(parts, ({ quality, origin, flags, findings, revision }) => {
        const marks = marksOf(flags, findings);
        const code = readingCode(quality, origin, { marks, revision });
        expect(Number.isSafeInteger(code * 2 + 1)).toBe(true);
        expect(isReadingCode(code)).toBe(true);
        expect(readingQualities[sentQualityIndexOf(code)]).toBe(quality);
        expect([originOf(code), flagsOf(code), findingsOf(code)]).toEqual([origin, flags, findings]);
        expect([codeMarks(code), revisionOf(code)]).toEqual([marks, revision]);
        const numbers = [readingQualities.indexOf(quality), origins.indexOf(origin)] as const;
        expect(codeOfNumbers(...numbers, marks, revision)).toBe(code);
        expect(bareCode(code)).toBe(readingCode(quality, origin, { marks }));
        expect(bareCode(code)).toBeLessThan(bareCodesMax);
      }),
    );
  });

  test.for([
    { flags: [], findings: [], expected: "actual" },
    { flags: ["clock_adjusted", "power_down"], findings: ["too_old", "clock_off"], expected: "actual" },
    { flags: ["clock_invalid"], findings: [], expected: "suspect" },
    { flags: ["data_invalid"], findings: [], expected: "suspect" },
    { flags: ["critical"], findings: [], expected: "suspect" },
    { flags: [], findings: ["in_future"], expected: "suspect" },
    { flags: [], findings: ["clock_wrong"], expected: "suspect" },
  ] as const)("of an actual reading with $flags $findings means $expected", ({ flags, findings, expected }) => {
    const code = readingCode("actual", "remote", { marks: marksOf(flags, findings), revision: 7 });
    expect(qualityOf(code)).toBe(expected);
  });

  test.for([-1, 0.5, Number.NaN, 4, 7, 6 * 8, 2 ** 11, 2 ** 18, 2 ** 51, 2 ** 53])("%d is none", (number) =>
    expect(isReadingCode(number)).toBe(false),
  );
});

describe("of two readings of one instant", () => {
  const rows = [
    readingCode("suspect", "operator"),
    readingCode("actual", "remote", { revision: revisionMax }),
    readingCode("actual", "inspector", { revision: 1 }),
    readingCode("actual", "remote"),
    readingCode("derived", "remote", { revision: 5 }),
    readingCode("derived", "import"),
    readingCode("estimated", "estimator", { revision: revisionMax }),
    readingCode("estimated", "remote"),
    readingCode("actual", "remote", { marks: marksOf(["data_invalid"]), revision: 2 }),
    readingCode("suspect", "remote"),
  ];

  test("that of an operator is in effect, then the better quality, then the higher revision", () => {
    const ranks = rows.map(readingRank);
    expect(ranks).toEqual([...new Set(ranks)].sort((a, b) => a - b));
  });

  const readings = fc.array(
    fc.record({
      value: fc.integer({ min: 1, max: 3 }),
      quality: fc.constantFrom(...readingQualities),
      revision: fc.nat(2),
    }),
    { minLength: 1, maxLength: 6 },
  );

  test("V12: the one in effect says that there was another value, in whatever order they came", () => {
    fc.assert(
      fc.property(readings, (rows) => {
        const all = rows.map(({ value, quality, revision }) => {
          return { at: 900, value, code: readingCode(quality, "remote", { revision }) };
        });
        const kept = all.reduce((standing, other) => inEffect(standing, other));
        const best = Math.min(...all.map(({ code }) => readingRank(code)));
        expect(kept.value).toBe(all.find(({ code }) => readingRank(code) === best)?.value);
        expect(hasSecondValue(kept.code)).toBe(new Set(all.map(({ value }) => value)).size > 1);
        expect(readingRank(kept.code)).toBe(best);
        expect(
          all.reduce((standing, other) => inEffect(standing, other), kept),
          "redelivered",
        ).toEqual(kept);
      }),
    );
  });

  test("V12: nothing is new where the same comes once more", () => {
    const standing = { at: 900, value: 5, code: 0 };
    expect(inEffect(standing, { ...standing })).toBe(standing);
    const disputed = inEffect(standing, { ...standing, value: 6 });
    expect(disputed).toEqual({
      at: 900,
      value: 5,
      code: readingCode("actual", "remote", { marks: marksOf([], ["second_value"]) }),
    });
    expect(inEffect(disputed, { ...standing, value: 7 })).toBe(disputed);
  });
});
