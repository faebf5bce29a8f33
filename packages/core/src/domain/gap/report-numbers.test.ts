import { expect, test } from "vitest";
import { addMissed, nextNumber, type ReportNumbers } from "./report-numbers.ts";

test.for<[string, number[], string]>([
  ["in order", [1, 2, 3], "3"],
  ["begun in the middle", [70, 71], "71"],
  ["not numbered", [0, 0], "0"],
  ["one left out", [1, 3], "3: 1 gaps, 1 missing, 1 to 3"],
  ["some left out, twice", [1, 4, 5, 9], "9: 2 gaps, 5 missing, 5 to 9"],
  ["one that came late", [1, 2, 4, 3, 5], "5: 1 gaps, 0 missing, 2 to 4"],
  ["sent twice", [1, 2, 2, 1, 3], "3"],
  ["counted anew", [5000, 5001, 1, 2], "2"],
  ["an old one", [700, 701, 650, 702], "702"],
])("%s", ([, numbers, told]) => {
  const none: ReportNumbers = { last: 0, missed: undefined };
  const { last, missed } = numbers.reduce((known, number) => nextNumber(known, number, 7), none);
  const text = missed && `: ${missed.gaps} gaps, ${missed.missing} missing, ${missed.after} to ${missed.next}`;
  expect(`${last}${text ?? ""}`).toBe(told);
});

test("what was missed before stays counted", () => {
  const before = { gaps: 2, missing: 5, after: 5, next: 9, atMs: 1 };
  const since = { gaps: 1, missing: 1, after: 20, next: 22, atMs: 2 };
  expect(addMissed(before, since)).toEqual({ gaps: 3, missing: 6, after: 20, next: 22, atMs: 2 });
  expect([addMissed(before, undefined), addMissed(null, since)]).toEqual([before, since]);
});
