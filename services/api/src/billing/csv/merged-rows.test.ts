import fc from "fast-check";
import { expect, test } from "vitest";
import { mergedRows, type RowPages } from "./merged-rows.ts";

const meterId = fc.stringMatching(/^[ab]{1,4}$/);
const lists = fc.array(fc.uniqueArray(meterId), { minLength: 1, maxLength: 5 });
/** How many bytes the rows of a meter take: none, some, and more than are copied together. */
const widths = fc.constantFrom(0, 3, 40, 300_000);

/** What a shard's thread answers: its meters in order, so many a page. */
function pagesOf(shard: number, meters: readonly string[], size: number, rowsOf: (id: string) => string): RowPages {
  const sorted = [...meters].sort();
  let at = 0;
  let isOver = false;
  return async () => {
    if (isOver) return undefined;
    const meterIds = sorted.slice(at, at + size);
    at += size;
    isOver = at >= sorted.length;
    const rows = meterIds.map((id) => Buffer.from(rowsOf(id)));
    let end = 0;
    const ends = rows.map(({ length }) => (end += length));
    return { shard, meterIds, ends, bytes: Uint8Array.from(Buffer.concat(rows)), isLast: isOver, leftOut: [] };
  };
}

async function merged(shards: readonly RowPages[], metersMax: number) {
  let [text, rows] = ["", 0];
  for await (const chunk of mergedRows(shards, metersMax)) {
    text += chunk.bytes.toString();
    rows += chunk.rows;
  }
  return { text, rows };
}

test("the rows of all shards come by meter id, each meter once, whatever the pages and the widths", async () => {
  const most = fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 1, max: 12 }));
  await fc.assert(
    fc.asyncProperty(lists, fc.integer({ min: 1, max: 9 }), most, widths, async (given, size, metersMax, width) => {
      const rowsOf = (id: string) => (width === 0 && id < "b" ? "" : `${id.padEnd(width, ".")}\n`);
      const shards = given.map((meters, shard) => pagesOf(shard, meters, size, rowsOf));
      const expected = [...new Set(given.flat())].sort().slice(0, metersMax);
      const found = await merged(shards, metersMax);
      expect(found.text).toBe(expected.map(rowsOf).join(""));
      if (width > 0) expect(found.rows).toBe(expected.length);
    }),
  );
});

test("a shard that fails fails the whole", async () => {
  const sound = pagesOf(0, ["a", "b"], 1, (id) => `${id}\n`);
  let asked = 0;
  const failing: RowPages = async () => {
    asked += 1;
    if (asked === 2) throw new Error("the disk is gone");
    return { shard: 1, meterIds: ["aa"], ends: [3], bytes: Buffer.from("aa\n"), isLast: false, leftOut: [] };
  };
  await expect(merged([sound, failing], 9)).rejects.toThrow("the disk is gone");
});
