import fc from "fast-check";
import { expect, test } from "vitest";
import { mergedPage } from "./merged-page.ts";

const lists = fc.array(fc.uniqueArray(fc.stringMatching(/^[ab]{1,4}$/)), { minLength: 1, maxLength: 5 });

test("all lists come in one order, each key once, whatever the pages and the spread", async () => {
  await fc.assert(
    fc.asyncProperty(lists, fc.integer({ min: 1, max: 9 }), async (given, limit) => {
      const sorted = given.map((list) => [...list].sort());
      const cursors = sorted.map((list) => ({
        next: async (after: string, most: number) => list.filter((item) => item > after).slice(0, most),
        keyOf: (item: string) => item,
      }));
      const seen: string[] = [];
      for (;;) {
        const page = await mergedPage(cursors, seen.at(-1) ?? "", limit);
        seen.push(...page);
        if (page.length < limit) break;
      }
      expect(seen).toEqual([...new Set(sorted.flat())].sort());
    }),
  );
});

test("of lists that are spread evenly little more is read than is answered", async () => {
  const numbers = Array.from({ length: 4000 }, (_, i) => String(i).padStart(5, "0"));
  let read = 0;
  const cursors = [0, 1, 2, 3].map((list) => ({
    async next(after: string, most: number) {
      const page = numbers.filter((item, i) => i % 4 === list && item > after).slice(0, most);
      read += page.length;
      return page;
    },
    keyOf: (item: string) => item,
  }));
  expect(await mergedPage(cursors, "", 1000)).toEqual(numbers.slice(0, 1000));
  expect(read).toBeLessThan(1150);
});
