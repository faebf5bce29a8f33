import fc from "fast-check";
import { expect, test } from "vitest";
import { waitingLine } from "./waiting-line.ts";

test("who came first is served first, whenever others come", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -2000, max: 2000 }), { maxLength: 20 }), (steps) => {
      const line = waitingLine<number>();
      const plain: number[] = [];
      let next = 0;
      for (const step of steps) {
        for (let i = 0; i < step; i += 1) {
          line.push(next);
          plain.push(next);
          next += 1;
        }
        for (let i = 0; i < -step; i += 1) expect(line.take()).toBe(plain.shift());
        expect([line.length, line.first()]).toEqual([plain.length, plain[0]]);
      }
    }),
    { numRuns: 30 },
  );
});

test("H09: it costs the same however many wait", () => {
  const line = waitingLine<number>();
  for (let i = 0; i < 200_000; i += 1) line.push(i);
  const before = process.cpuUsage();
  for (let i = 0; i < 200_000; i += 1) line.take();
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(500);
});
