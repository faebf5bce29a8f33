import { expect, test } from "vitest";
import { allPages } from "./all-pages.ts";

/** Numbers from 0, in pages of at most 1000. */
function numbers(count: number) {
  const asked: { readonly limit: number; readonly cursor?: string }[] = [];
  const load = async (page: { readonly limit: number; readonly cursor?: string }) => {
    asked.push(page);
    const first = Number(page.cursor ?? 0);
    const end = Math.min(count, first + page.limit);
    const items = Array.from({ length: end - first }, (_, i) => first + i);
    return end < count ? { items, nextCursor: String(end) } : { items };
  };
  return { asked, load };
}

test("pages are asked for until there is no more", async () => {
  const { asked, load } = numbers(2500);
  const { items, isCut } = await allPages(load, 10_000);
  expect(items).toEqual(Array.from({ length: 2500 }, (_, i) => i));
  expect(isCut).toBe(false);
  expect(asked).toEqual([{ limit: 1000 }, { limit: 1000, cursor: "1000" }, { limit: 1000, cursor: "2000" }]);
});

test("what is beyond the limit is not asked for, and it is said", async () => {
  const { asked, load } = numbers(2500);
  const { items, isCut } = await allPages(load, 1500);
  expect(items.length).toBe(1500);
  expect(isCut).toBe(true);
  expect(asked).toEqual([{ limit: 1000 }, { limit: 500, cursor: "1000" }]);
});

test.each([0, 1500])("%i entries within their limit are not cut", async (count) => {
  const { items, isCut } = await allPages(numbers(count).load, 1500);
  expect({ count: items.length, isCut }).toEqual({ count, isCut: false });
});
