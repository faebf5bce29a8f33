import { expect, test } from "vitest";
import { logTime } from "./log-time.ts";

test("no two barriers are at one time, and one that is tried again is no later", () => {
  const time = logTime(0);
  const times = [
    [1000, 3],
    [1000, 4],
    [1000, 4],
    [400, 7],
    [2000, 8],
  ].map(([atMs = 0, offset = 0]) => {
    time.move(atMs, offset);
    return time.ms;
  });
  expect(times).toEqual([1000, 1001, 1001, 1002, 2000]);
});
