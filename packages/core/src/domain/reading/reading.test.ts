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
import { readingRank } from "./reading-rank.ts";

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

  test.for([-1, 0.5, Number.NaN, 4, 7, 6 * 8, 2 ** 11, 2 ** 16, 2 ** 49, 2 ** 53])("%d is none", (number) =>
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
});
