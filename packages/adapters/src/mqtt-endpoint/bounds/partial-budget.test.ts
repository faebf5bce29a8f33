import { expect, test } from "vitest";
import { partialBudget } from "./partial-budget.ts";

test("H13: when packets that have begun take too much, the oldest lose their connections, small ones never", () => {
  const evicted: string[] = [];
  const budget = partialBudget<string>(100_000, (owner) => void evicted.push(owner));
  budget.hold("small", 4_096);
  budget.hold("old", 30_000);
  budget.hold("done", 30_000);
  budget.hold("done", 0);
  budget.hold("young", 60_000);
  expect([budget.bytes(), evicted]).toEqual([90_000, []]);
  budget.hold("new", 10_001);
  expect([budget.bytes(), evicted]).toEqual([70_001, ["old"]]);
  budget.hold("huge", 200_000);
  expect([budget.bytes(), evicted]).toEqual([0, ["old", "young", "new", "huge"]]);
});
