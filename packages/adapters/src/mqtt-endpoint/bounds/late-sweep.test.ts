import { expect, test } from "vitest";
import { lateSweep } from "./late-sweep.ts";

test.for([
  { what: "in time", at: [1000, 2000, 3000], leftOut: [false, false, false] },
  { what: "somewhat late", at: [1000, 2900, 3000], leftOut: [false, false, false] },
  { what: "after a standstill: the first one", at: [1000, 4000, 5000], leftOut: [false, true, false] },
  { what: "always late: every other one", at: [4000, 8000, 12_000], leftOut: [true, false, true] },
])("$what", ({ at, leftOut }) => {
  const isLate = lateSweep(1000, 0);
  expect(at.map(isLate)).toEqual(leftOut);
});
