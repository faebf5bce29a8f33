// Goal: what is in flight is bounded, and a connection that has much of it does not take the room of those that have
// little (H09).
import { expect, test } from "vitest";
import { inboundBudget } from "./inbound-budget.ts";

function budget() {
  const told: string[] = [];
  const one = inboundBudget({ bytesMax: 1_000, messagesMax: 4, none: () => void told.push("none") });
  return { ...one, told };
}

test("room is tight from half of the bytes on, there is none above all of them, and both come back at half of that", () => {
  const { add, remove, room, told } = budget();
  const seen = [500, 1, 500].map((bytes) => {
    add(bytes);
    return room();
  });
  expect(seen).toEqual(["free", "tight", "none"]);
  expect(told).toEqual(["none"]);
  remove(501);
  expect(room()).toBe("tight");
  remove(250);
  expect(room()).toBe("free");
});

test("many messages make it tight, and never more than that", () => {
  const { add, remove, room } = budget();
  for (let n = 0; n < 100; n += 1) add(1);
  expect(room()).toBe("tight");
  for (let n = 0; n < 97; n += 1) remove(1);
  expect(room()).toBe("tight");
  remove(1);
  expect(room()).toBe("free");
});

test("those that wait are asked in turn, some at a time, as long as there is room", () => {
  const scheduled: (() => void)[] = [];
  const schedule = (run: () => void) => void scheduled.push(run);
  const { add, remove, room, wait, forget } = inboundBudget({
    ...{ bytesMax: 1_000, messagesMax: 100, none: () => undefined },
    schedule,
  });
  const asked: number[] = [];
  const asking = Array.from({ length: 8 }, (_, n) => () => {
    asked.push(n);
    if (n === 6) add(1_001);
  });
  add(501);
  for (const one of asking) wait(one);
  forget(asking[2] as () => void);
  remove(501);
  expect(asked).toEqual([0, 1, 3, 4]);
  scheduled.shift()?.();
  expect(asked).toEqual([0, 1, 3, 4, 5, 6]);
  expect(room()).toBe("none");
  remove(1_001);
  expect(asked.at(-1)).toBe(7);
});

// Seen by reading: those that were asked one by one in between were subtracted too, and minus three of a list is nearly
// all of it.
test("those that are asked one by one meanwhile do not make it ask nearly everybody at the next turn", () => {
  const scheduled: (() => void)[] = [];
  const { add, remove, wait } = inboundBudget({
    ...{ bytesMax: 1_000, messagesMax: 100, none: () => undefined },
    schedule: (run) => void scheduled.push(run),
  });
  const asked: number[] = [];
  const waits = (count: number) => {
    for (let n = 0; n < count; n += 1) wait(() => void asked.push(n));
  };
  add(501);
  waits(8);
  remove(501);
  add(501);
  waits(30);
  for (let n = 0; n < 8; n += 1) {
    add(1);
    remove(1);
  }
  expect(asked).toHaveLength(12);
  scheduled.shift()?.();
  expect(asked.length).toBeLessThanOrEqual(16);
});
