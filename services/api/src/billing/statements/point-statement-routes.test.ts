import { expect, test } from "vitest";
import { apiWorld, aSnapshot, injectableApi } from "../../../../../test/support/worlds/api-world.ts";
import { memorySnapshots } from "../../../../../test/support/worlds/memory-ports.ts";
import { statementsSchema } from "./statement-routes.ts";

const { period: october } = aSnapshot();

async function world() {
  const months = [0, 1, 2, 4].map((back) => aSnapshot({ usagePointId: "m-1", period: october - back }));
  const snapshots = memorySnapshots(...months, aSnapshot({ meterId: "m-2", usagePointId: "up-2" }));
  const app = await injectableApi(apiWorld({ snapshots }));
  return (url: string) => app.inject({ url: `/v1/usage-points/${url}` });
}

const periodsOf = (answer: { json(): unknown }) =>
  statementsSchema.parse(answer.json()).items.map(({ period }) => period);

test("a usage point's statements come in one answer, the newest month first, as its single ones say", async () => {
  const get = await world();
  const answer = await get("m-1/statements");
  expect(periodsOf(answer)).toEqual(["2026-10", "2026-09", "2026-08", "2026-06"]);
  for (const statement of statementsSchema.parse(answer.json()).items)
    expect((await get(`m-1/statements/${statement.period}`)).json()).toEqual(statement);
  expect(periodsOf(await get("m-1/statements?from=2026-06&to=2026-08"))).toEqual(["2026-08", "2026-06"]);
  expect(periodsOf(await get("m-1/statements?from=2026-11"))).toEqual([]);
});

test("in pages of any size, and as rows", async () => {
  const get = await world();
  for (const limit of [1, 2, 3]) {
    const seen: string[] = [];
    for (let cursor: string | undefined = ""; cursor !== undefined; ) {
      const answer = await get(`m-1/statements?limit=${limit}&cursor=${cursor}`);
      seen.push(...periodsOf(answer));
      cursor = statementsSchema.parse(answer.json()).nextCursor;
    }
    expect(seen).toEqual(["2026-10", "2026-09", "2026-08", "2026-06"]);
  }
  const csv = await get("m-1/statements?format=csv");
  expect(csv.body.trimEnd().split("\n")).toHaveLength(5);
});

test("one that nobody knows is unknown, and months in the wrong order are told", async () => {
  const get = await world();
  expect((await get("nobody/statements")).json().code).toBe("usage_point_unknown");
  expect((await get("m-1/statements?from=2026-10&to=2026-09")).json().code).toBe("request_invalid");
  expect((await get("m-1/statements?from=2026-13")).json().code).toBe("request_invalid");
});
