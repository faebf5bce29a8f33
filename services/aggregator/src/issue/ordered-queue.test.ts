import fc from "fast-check";
import { expect, test } from "vitest";
import { orderedQueue } from "./ordered-queue.ts";

const members = Array.from({ length: 12 }, (_, number) => ({ number }));

test("is a Set, whatever is added, deleted and moved", () => {
  const step = fc.record({ does: fc.constantFrom("add", "delete", "move"), which: fc.nat(members.length - 1) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 6000, minLength: 10, size: "max" }), (steps) => {
      const queue = orderedQueue<{ number: number }>();
      const set = new Set<{ number: number }>();
      for (const { does, which } of steps) {
        const member = members[which] as { number: number };
        if (does === "add") {
          queue.add(member);
          set.add(member);
        } else if (does === "delete") expect(queue.delete(member)).toBe(set.delete(member));
        else {
          const isIn = set.delete(member);
          if (isIn) set.add(member);
          expect(queue.moveToEnd(member)).toBe(isIn);
        }
      }
      expect([...queue]).toEqual([...set]);
      expect(queue.size).toBe(set.size);
    }),
    { numRuns: 50 },
  );
});

test("who is deleted during a walk is not met", () => {
  const [a, b, c] = members as [{ number: number }, { number: number }, { number: number }];
  const queue = orderedQueue([a, b, c]);
  const met: unknown[] = [];
  for (const member of queue) {
    met.push(member);
    queue.delete(b);
  }
  expect(met).toEqual([a, c]);
});
