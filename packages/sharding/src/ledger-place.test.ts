import { expect, test } from "vitest";
import { isBeyond, isSamePlace, ledgerStart, placeAfter } from "./ledger-place.ts";

test.for([
  [ledgerStart, { shard: 0, sequence: 3 }, [3]],
  [[3], { shard: 0, sequence: 4 }, [4]],
  [[3], { shard: 2, sequence: 1 }, [3, 0, 1]],
  [[3, 5, 1], { shard: 1, sequence: 9 }, [3, 9, 1]],
] as const)("after %j and the entry %j comes %j", ([place, entry, after]) => {
  expect(placeAfter(place, entry)).toEqual(after);
});

test.for([
  [[], [], false],
  [[3], [3], false],
  [[4], [3], true],
  [[3], [3, 7], false],
  [[3, 7], [3], true],
  [[3, 0], [3], false],
] as const)("%j lies behind the end %j: %j", ([place, end, expected]) => {
  expect(isBeyond(place, end)).toBe(expected);
});

test("shards of which nothing was read make no difference", () => {
  expect(isSamePlace([3, 0, 0], [3])).toBe(true);
  expect(isSamePlace([3, 0, 1], [3])).toBe(false);
});
