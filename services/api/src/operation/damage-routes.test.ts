import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { aDamage } from "../../../../test/contracts/damage-log.contract.ts";
import { temporaryDirectory } from "../../../../test/support/temporary-directory.ts";
import { apiWorld, injectableApi } from "../../../../test/support/worlds/api-world.ts";
import { memoryDamageLog } from "../../../../test/support/worlds/memory-ports.ts";
import { damageMetrics } from "../api-metrics.ts";
import { makeKey } from "../http/access/api-keys.ts";
import { damageSchema } from "./damage-routes.ts";

const reason = { reason: "billed by hand" };

test("damage is listed in pages until it is acknowledged, and named by readiness at 200", async () => {
  const damage = memoryDamageLog(aDamage(), aDamage({ where: "a", place: "series" }), aDamage({ where: "b" }));
  const app = await injectableApi(apiWorld({ damage }));
  const first = (await app.inject("/v1/damage?limit=2")).json();
  expect(first.items.map((item: unknown) => damageSchema.parse(item).id)).toEqual(["ledger:b", aDamage().id]);
  const rest = (await app.inject(`/v1/damage?limit=2&cursor=${first.nextCursor}`)).json();
  expect(rest.items.map(({ id }: { id: string }) => id)).toEqual(["series:a"]);
  const ready = await app.inject("/readyz");
  expect(ready.statusCode).toBe(200);
  expect(ready.json().notices).toEqual([
    "ledger: 2 damaged or lost; GET /v1/damage names it",
    "series: 1 damaged or lost; GET /v1/damage names it",
  ]);
  const url = `/v1/damage/${aDamage().id}/acknowledgements`;
  const answer = await app.inject({ method: "POST", url, payload: reason });
  expect(damageSchema.parse(answer.json()).acknowledged).toEqual({
    at: "2026-11-10T12:00:00Z",
    by: "without a key",
    ...reason,
  });
  expect((await app.inject("/v1/damage")).json().items).toHaveLength(2);
  expect((await app.inject("/v1/damage?acknowledged=true")).json().items).toHaveLength(3);
});

test("the word is the key's, and only an operator has one", async () => {
  const [anna, billing] = [makeKey("anna", ["operator"]), makeKey("billing", ["billing"])];
  const apiKeysFile = join(await temporaryDirectory(), "keys");
  await writeFile(apiKeysFile, [anna, billing].map(({ stored }) => JSON.stringify(stored)).join("\n"));
  const app = await injectableApi(apiWorld({ damage: memoryDamageLog(aDamage()) }, { apiKeysFile }));
  const say = (key: string, id: string, payload: unknown) =>
    app.inject({
      method: "POST",
      url: `/v1/damage/${id}/acknowledgements`,
      headers: { authorization: `Bearer ${key}` },
      payload: payload as object,
    });
  expect((await say(billing.key, aDamage().id, reason)).json().code).toBe("scope_missing");
  expect((await say(anna.key, "ledger:nothing", reason)).json().code).toBe("damage_unknown");
  expect((await say(anna.key, aDamage().id, { reason: " " })).json().code).toBe("request_invalid");
  expect((await say(anna.key, aDamage().id, reason)).json().acknowledged.by).toBe("anna");
});

test("the metric counts what is open by place, and goes back to 0", async () => {
  const damage = memoryDamageLog(aDamage());
  const metrics = new Registry();
  damageMetrics(metrics, damage);
  expect(await metrics.metrics()).toContain('meterbook_damage_open{place="ledger"} 1');
  await damage.acknowledge(aDamage().id, { atMs: 1, by: "anna", reason: "seen" });
  expect(await metrics.metrics()).toContain('meterbook_damage_open{place="ledger"} 0');
});

test("H02, H06: a repair is an appended order with who and when; what was done is shown with it", async () => {
  const log = memoryDamageLog(
    aDamage(),
    aDamage({ place: "readings-log", where: "partition 0 offset 3" }),
    aDamage({ place: "series", where: "conflict 7" }),
  );
  const app = await injectableApi(apiWorld({ damage: log }));
  const { id } = aDamage();
  const ask = (of: string, body: object = reason) =>
    app.inject({ method: "POST", url: `/v1/damage/${of}/repairs`, payload: body });
  const asked = await ask(id);
  expect(asked.statusCode).toBe(200);
  const order = { at: "2026-11-10T12:00:00Z", by: "without a key", reason: "billed by hand" };
  expect(damageSchema.parse(asked.json())).toMatchObject({ state: "asked", repair: order, mended: null });
  // Asked again, the first order stands; it is not acknowledged by that.
  expect((await ask(id, { reason: "again" })).json()).toMatchObject({ repair: order, acknowledged: null });
  const atMs = Date.parse("2026-11-10T12:00:01Z");
  await log.mend(id, { atMs, outcome: "struck", detail: "revision 2 stands in its place", lost: null });
  const { items } = (await app.inject("/v1/damage?limit=1")).json();
  expect(items[0]).toMatchObject({
    state: "struck",
    repair: order,
    mended: { at: "2026-11-10T12:00:01Z", detail: "revision 2 stands in its place", lost: null },
  });
  expect((await ask(id)).json().state).toBe("struck");
  const csv = (await app.inject({ url: "/v1/damage", headers: { accept: "text/csv" } })).body;
  expect(csv).toContain(",struck,2026-11-10T12:00:00Z,without a key,billed by hand,2026-11-10T12:00:01Z,");
  for (const [of, code, status] of [
    ["nothing", "damage_unknown", 404],
    ["readings-log:partition-0-offset-3", "repair_impossible", 409],
    ["series:conflict-7", "repair_impossible", 409],
  ] as const) {
    const answer = await ask(of);
    expect([answer.statusCode, answer.json().code]).toEqual([status, code]);
  }
  expect((await ask(id, {})).json().code).toBe("request_invalid");
});
