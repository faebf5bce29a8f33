import { expect, test } from "vitest";
import { instant, registerSeries } from "../../../../test/support/readings.ts";
import { apiWorld, injectableApi } from "../../../../test/support/worlds/api-world.ts";
import { memorySeries } from "../../../../test/support/worlds/memory-ports.ts";
import { conflictSchema } from "./conflict-json.ts";

const first = instant("2026-10-01T00:00:00Z");
const channel = { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 } as const;

/** A conflict a day, of m-1 and m-2 by turns. */
async function withConflicts() {
  const conflicts = [1, 2, 3, 4, 5].map((id) => {
    const at = first + id * 86_400;
    const [kept, refused] = [
      { at, value: 10 * id, code: 0 },
      { at, value: 10 * id + 1, code: 0 },
    ];
    return { id, meterId: `m-${2 - (id % 2)}`, channel, at, kept, refused, receivedAtMs: at * 1000 };
  });
  const app = await injectableApi(
    apiWorld({ series: memorySeries({ "m-1": [registerSeries([[first, 1]])] }, conflicts) }),
  );
  return async (query: string, accept = "application/json") =>
    app.inject({ url: `/v1/conflicts${query}`, headers: { accept } });
}

test("N22: conflicts of the fleet, the newest first, page by page", async () => {
  const get = await withConflicts();
  const ids: number[] = [];
  for (let query = "?limit=2"; ; ) {
    const { items, nextCursor } = (await get(query)).json();
    for (const item of items) ids.push(conflictSchema.parse(item).id);
    if (nextCursor === undefined) break;
    query = `?limit=2&cursor=${nextCursor}`;
  }
  expect(ids).toEqual([5, 4, 3, 2, 1]);
  expect((await get("", "text/csv")).body.split("\n")[1]).toBe(
    "5,m-1,1.8.0,register,,Wh,2026-10-06T00:00:00Z,50,actual,remote,51,actual,remote,2026-10-06T00:00:00Z,0,0",
  );
});

test.each([
  ["?meterId=m-2", [4, 2]],
  ["?meterId=m-3", []],
  ["?from=2026-10-03T00:00:00Z&to=2026-10-05T00:00:00Z", [3, 2]],
  ["?meterId=m-1&from=2026-10-03T00:00:00Z", [5, 3]],
])("N22: %s", async (query, expected) => {
  const get = await withConflicts();
  expect((await get(query)).json().items.map(({ id }: { id: number }) => id)).toEqual(expected);
});

test("a range that ends before it begins, and a cursor of another question, are refused", async () => {
  const get = await withConflicts();
  const range = "?from=2026-10-05T00:00:00Z&to=2026-10-05T00:00:00Z";
  expect((await get(range)).json().errors[0].field).toBe("to");
  const { nextCursor } = (await get("?limit=1")).json();
  expect((await get(`?meterId=m-1&cursor=${nextCursor}`)).json().code).toBe("cursor_invalid");
});
