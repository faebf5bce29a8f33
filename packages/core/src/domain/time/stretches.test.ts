import fc from "fast-check";
import { expect, test } from "vitest";
import { secondsWithin } from "./stretches.ts";

test("the seconds that lie in others are those counted one by one", () => {
  const bounds = fc.uniqueArray(fc.nat(200), { maxLength: 20 }).map((drawn) => drawn.sort((a, b) => a - b));
  fc.assert(
    fc.property(bounds, fc.nat(200), fc.nat(60), (edges, from, length) => {
      const times = edges.flatMap((start, i) =>
        i % 2 === 0 && i + 1 < edges.length ? [{ from: start, to: edges[i + 1] as number }] : [],
      );
      const isIn = (second: number) => times.some((time) => second >= time.from && second < time.to);
      const counted = Array.from({ length }, (_, i) => from + i).filter(isIn).length;
      expect(secondsWithin(times, { from, to: from + length })).toBe(counted);
    }),
  );
});
