import { expect, test } from "vitest";
import { type PartitionStanding, stillPartitions } from "./still-partitions.ts";

const everyMs = 2000;

function looks(count: number, at: (index: number) => Omit<PartitionStanding, "partition">) {
  const still = stillPartitions();
  return Array.from({ length: count }, (_, index) => still.look([{ partition: 3, ...at(index) }], index * everyMs));
}

test("one that does not move though frames wait is named within 10 s", () => {
  const answers = looks(10, () => ({ position: 7, end: 9 }));
  expect(answers.findIndex(({ length }) => length > 0) * everyMs).toBeLessThan(10_000);
  expect(answers.at(-1)).toEqual([{ partition: 3, waiting: 2, seconds: 18 }]);
});

test("so is one that cannot be opened", () => {
  expect(looks(10, () => ({ position: undefined, end: undefined })).at(-1)).toEqual([
    { partition: 3, waiting: undefined, seconds: 18 },
  ]);
});

test("one that moves, has nothing to do, or has gone to another is not", () => {
  expect(looks(30, (index) => ({ position: index, end: 1000 })).flat()).toEqual([]);
  expect(looks(30, () => ({ position: 9, end: 9 })).flat()).toEqual([]);
  expect(looks(30, () => ({ position: 9, end: undefined })).flat()).toEqual([]);
  // The first frame after a quiet night has waited for no time.
  expect(looks(30, (index) => ({ position: 9, end: index === 29 ? 10 : 9 })).flat()).toEqual([]);
  const still = stillPartitions();
  still.look([{ partition: 1, position: 1, end: 2 }], 0);
  still.look([], 5000);
  expect(still.look([{ partition: 1, position: 1, end: 2 }], 9000)).toEqual([]);
});

test("one that makes the months of its first five thousand meters moves too, however slow its store is", () => {
  const making = (index: number) => ({ position: 9, pending: 5000, evaluated: Math.min(5000, index * 100), end: 11 });
  expect(looks(50, making).flat()).toEqual([]);
  expect(looks(60, making).at(-1)).toEqual([{ partition: 3, waiting: 2, seconds: 18 }]);
});

test("one that carries out a barrier for many meters moves, until it does not", () => {
  const issuing = (index: number) => ({ position: 9, pending: Math.max(5000, 100_000 - index * 5000), end: 11 });
  expect(looks(19, issuing).flat()).toEqual([]);
  expect(looks(30, issuing).at(-1)).toEqual([{ partition: 3, waiting: 2, seconds: 20 }]);
});
