import { expect, test } from "vitest";
import { apiWorld, aRegisterSnapshot, aSnapshot, injectableApi } from "../../../../../test/support/worlds/api-world.ts";
import { memoryRegistry, memorySnapshots } from "../../../../../test/support/worlds/memory-ports.ts";
import { statementSchema } from "./statement-json.ts";
import { statementsSchema } from "./statement-routes.ts";

const registers = [{ register: "1.8.0", unit: "Wh" as const, multiplier: 40 }];
const exchange = Date.parse("2026-10-15T07:00:00Z") / 1000;
const old = { meterId: "m-1", usagePointId: "up-1", registers, removed: { at: exchange, values: {} } };
const fresh = { meterId: "m-2", usagePointId: "up-1", registers, installed: { at: exchange, values: {} } };

async function world() {
  const of = (meterId: string, usagePointId: string, consumption: number, more = {}) =>
    aSnapshot({ meterId, usagePointId, registers: [aRegisterSnapshot({ consumption })], ...more });
  const snapshots = memorySnapshots(
    of("m-1", "up-1", 80),
    of("m-2", "m-2", 50, { lifecycle: "final" }),
    of("m-2", "up-1", 50, { revision: 3, lifecycle: "revised" }),
    of("m-3", "m-3", 7),
  );
  const app = await injectableApi(apiWorld({ snapshots, registry: memoryRegistry(old, fresh) }));
  return (url: string, accept = "application/json") => app.inject({ url, headers: { accept } });
}

test("a statement is the sum of its segments, and says from which revisions", async () => {
  const get = await world();
  const answer = await get("/v1/usage-points/up-1/statements/2026-10");
  const statement = statementSchema.parse(answer.json());
  expect(statement).toMatchObject({
    id: "up-1/2026-10",
    from: "2026-09-30T21:00:00Z",
    to: "2026-10-31T22:00:00Z",
    lifecycle: "revised",
    void: false,
    incomplete: false,
    snapshots: [{ id: "m-1/2026-10/1" }, { id: "m-2/2026-10/3" }],
    registers: [{ register: "1.8.0", consumption: 130, correction: 50 }],
  });
  expect(statement.registers[0]?.segments).toMatchObject([
    { meterId: "m-1", from: "2026-09-30T21:00:00Z", to: "2026-10-15T07:00:00Z", consumption: 80, multiplier: 40 },
    { meterId: "m-2", from: "2026-10-15T07:00:00Z", to: "2026-10-31T22:00:00Z", consumption: 50 },
  ]);
});

test("a month that a late exchange has taken away is void, not gone", async () => {
  const get = await world();
  const statement = statementSchema.parse((await get("/v1/usage-points/m-2/statements/2026-10")).json());
  expect(statement).toMatchObject({
    void: true,
    incomplete: false,
    registers: [{ consumption: null, correction: -50 }],
  });
  expect((await get("/v1/usage-points/up-9/statements/2026-10")).json().code).toBe("statement_unknown");
  expect((await get("/v1/usage-points/up-1/statements/2026-12")).json().code).toBe("period_open");
});

test("all of a month, as pages, lines and rows", async () => {
  const get = await world();
  const whole = statementsSchema.parse((await get("/v1/statements?period=2026-10")).json());
  expect(whole.items.map(({ usagePointId }) => usagePointId)).toEqual(["m-2", "m-3", "up-1"]);
  const first = (await get("/v1/statements?period=2026-10&limit=2")).json();
  expect(first.items).toHaveLength(2);
  const second = (await get(`/v1/statements?period=2026-10&limit=2&cursor=${first.nextCursor}`)).json();
  expect(second).toEqual({ items: whole.items.slice(2) });
  const lines = (await get("/v1/statements?period=2026-10", "application/x-ndjson")).body.trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toEqual(whole.items);
  const rows = (await get("/v1/statements?period=2026-10", "text/csv")).body.trimEnd().split("\n");
  const cells = rows.map((row) => row.split(",").length);
  expect(new Set(cells).size).toBe(1);
  expect(rows.slice(1).map((row) => row.split(",").filter((_, i) => [0, 9, 12, 22].includes(i)))).toEqual([
    ["m-2", "", "", ""],
    ["m-3", "7", "m-3", "7"],
    ["up-1", "130", "m-1", "80"],
    ["up-1", "130", "m-2", "50"],
  ]);
  expect((await get("/v1/statements?period=2026-10&quality=missing")).json().items).toMatchObject([
    { usagePointId: "m-2", void: true },
  ]);
});
