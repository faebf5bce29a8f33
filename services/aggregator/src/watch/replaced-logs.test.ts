import { expect, test } from "vitest";
import { replacedLogs } from "./replaced-logs.ts";

const at = (position: number | undefined) => [{ partition: 3, position }];
const ends = (end: number) => new Map([[3, end]]);

test("a log that ends before its reader is told once, with what was known and not taken in", () => {
  const logs = replacedLogs();
  expect(logs.look(at(100), ends(130))).toEqual([]);
  expect(logs.look(at(110), ends(0))).toEqual([]);
  expect(logs.look(at(110), ends(5))).toEqual([{ partition: 3, position: 110, end: 5, lost: 20 }]);
  expect(logs.look(at(110), ends(9))).toEqual([]);
  expect(logs.look(at(undefined), ends(9))).toEqual([]);
});

test("an end that was said once after an election is nothing", () => {
  const logs = replacedLogs();
  for (let round = 0; round < 5; round += 1) {
    expect(logs.look(at(100), ends(90))).toEqual([]);
    expect(logs.look(at(100), ends(100))).toEqual([]);
  }
});
