// Goal: H02, H06, H08: what callers are told while something is damaged. Never a wrong number, never a 500; others are
// served.
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import type { Api } from "../../services/api/src/api-context.ts";
import { latestSchema } from "../../services/api/src/billing/snapshot-routes.ts";
import { instant, registerSeries } from "../support/readings.ts";
import { type AggregatorWorld, openAggregatorWorld } from "../support/worlds/aggregator-world.ts";
import { apiWorld, injectableApi } from "../support/worlds/api-world.ts";
import { memoryReadingsLog } from "../support/worlds/memory-ports.ts";

const start = instant("2026-09-30T21:00:00Z");
const boundary = instant("2026-10-31T22:00:00Z");

async function worldOf(...meterIds: string[]): Promise<AggregatorWorld> {
  const world = await openAggregatorWorld({ nowMs: start * 1000, settleSeconds: 3600, withoutHistory: true });
  onTestFinished(world.dispose);
  for (const [at, value] of [
    [start, 100],
    [boundary, 250],
  ] as const) {
    await world.deliver(...meterIds.map((meterId) => ({ meterId, series: [registerSeries([[at, value]])] })));
  }
  world.nowMs = instant("2026-11-10T12:00:00Z") * 1000;
  return world;
}

async function apiOn(world: AggregatorWorld): Promise<Api> {
  return injectableApi(
    apiWorld({
      series: world.store,
      snapshots: world.ledger,
      damage: world.damageLog,
      readingsLog: { ...memoryReadingsLog(() => world.nowMs), appendBarrier: world.appendBarrier },
    }),
  );
}

function change(world: AggregatorWorld, file: "series" | "ledger", of: string): void {
  const database = new DatabaseSync(join(world.dataDir, `${file}.db`), { timeout: 10_000 });
  onTestFinished(() => database.close());
  const rows =
    file === "series"
      ? "SELECT id AS key, data AS body, 'hot' AS name FROM hot WHERE (id % 4294967296) / 1024 = (SELECT no FROM meter WHERE meter_id = ?)"
      : "SELECT sequence AS key, body, 'ledger' AS name FROM ledger JOIN revision USING (sequence) WHERE meter_id = ? AND period = 24321";
  if (file === "ledger") database.exec("DROP TRIGGER IF EXISTS ledger_is_final");
  for (const { key, body } of database.prepare(rows).all(of)) {
    const bytes = Uint8Array.from(body as Uint8Array);
    bytes[3] = (bytes[3] ?? 0) ^ 2;
    const update =
      file === "series" ? "UPDATE hot SET data = ? WHERE id = ?" : "UPDATE ledger SET body = ? WHERE sequence = ?";
    database.prepare(update).run(bytes, key as number);
  }
}

const get = async (api: Api, url: string) => {
  const answer = await api.inject(url);
  return { status: answer.statusCode, body: answer.json() };
};

test("H08: a meter whose readings are damaged answers with a problem that names it, and a close names it", async () => {
  const world = await worldOf("m-1", "m-2");
  change(world, "series", "m-1");
  await world.restart();
  const api = await apiOn(world);
  const headers = { prefer: "wait=60" };
  const close = await api.inject({ method: "POST", url: "/v1/periods/2026-10/close", headers });
  expect(close.json().result).toMatchObject({ issued: 1, heldBack: 1, heldBackMeters: ["m-1"] });
  const range = "from=2026-10-01T00:00:00Z&to=2026-11-02T00:00:00Z";
  for (const path of [`curve?register=1.8.0&resolution=P1M&${range}`, `readings?${range}`, "snapshots/2026-10"]) {
    const { status, body } = await get(api, `/v1/meters/m-1/${path}`);
    expect([path, status, body.code]).toEqual([path, 409, "store_damaged"]);
    expect(body.detail).toContain("GET /v1/damage has it as series:m-1-2026-");
    expect((await get(api, `/v1/meters/m-2/${path}`)).status).toBe(200);
  }
  expect((await get(api, "/v1/snapshots?period=2026-10")).body.items).toHaveLength(1);
});

test("H06: lists, totals and a meter's revisions say what they leave out", async () => {
  const world = await worldOf("m-1", "m-2", "m-3");
  const api = await apiOn(world);
  await world.close();
  const whole = await get(api, "/v1/periods/2026-10");
  expect(whole.body).toMatchObject({ meters: 3, damaged: 0 });
  expect((await get(api, "/v1/snapshots?period=2026-10")).body).not.toHaveProperty("damaged");
  change(world, "ledger", "m-2");
  const page = (await get(api, "/v1/snapshots?period=2026-10&limit=2")).body;
  expect(latestSchema.parse(page)).toMatchObject({ damaged: 1, items: [{ meterId: "m-1" }, { meterId: "m-3" }] });
  const changes = (await get(api, "/v1/snapshots/changes")).body;
  expect(changes.damaged).toBe(1);
  expect(
    changes.items.every(({ meterId, period }: Record<string, unknown>) => meterId !== "m-2" || period !== "2026-10"),
  ).toBe(true);
  expect(await get(api, "/v1/meters/m-2/snapshots/2026-10")).toMatchObject({
    status: 409,
    body: { code: "record_damaged" },
  });
  const revisions = await get(api, "/v1/meters/m-2/snapshots/2026-10/revisions");
  const left = {
    where: "m-2 2026-10 revision 1",
    code: "checksum_mismatch",
    damageId: "ledger:m-2-2026-10-revision-1",
  };
  expect(revisions).toMatchObject({ status: 200, body: { items: [], damaged: [left] } });
  // Another API process, which remembers no totals.
  const fresh = await injectableApi(apiWorld({ snapshots: world.ledger }));
  const { body } = await get(fresh, "/v1/periods/2026-10");
  expect(body).toMatchObject({ meters: 2, registers: 2, damaged: 1, controlTotals: [{ rows: 2, consumption: "300" }] });
  // Struck out, all is whole again, and what was damaged is still named among the revisions.
  await api.inject({ method: "POST", url: `/v1/damage/${left.damageId}/repairs`, payload: { reason: "a bit" } });
  await world.close();
  expect((await get(api, "/v1/periods/2026-10")).body).toMatchObject({ meters: 3, damaged: 0, hash: whole.body.hash });
  expect((await get(api, "/v1/meters/m-2/snapshots/2026-10/revisions")).body).toMatchObject({
    items: [{ revision: 2 }],
    damaged: [left],
  });
});
