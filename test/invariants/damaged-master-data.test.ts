// Goal: H07: while a meter's master data cannot be read, nothing is made of them: no default, no wrong number. What is
// issued stays, what is new is suspect with a code, and revisions correct all of it when the data are sent again.

import { registryDamage } from "@meterbook/core/domain/damage/registry-damage";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import { expect, onTestFinished, test } from "vitest";
import { instant, registerSeries } from "../support/readings.ts";
import { type AggregatorWorld, openAggregatorWorld } from "../support/worlds/aggregator-world.ts";
import { apiWorld, injectableApi } from "../support/worlds/api-world.ts";
import { memoryRegistry } from "../support/worlds/memory-ports.ts";

const ends = ["2026-09-30T21:00:00Z", "2026-10-31T22:00:00Z", "2026-11-30T22:00:00Z"].map(instant) as [
  number,
  number,
  number,
];
const master = (meterId: string) => ({
  meterId,
  usagePointId: `up-${meterId}`,
  registers: [{ register: "1.8.0", unit: "Wh", multiplier: 40 } as const],
});
const damage = registryDamage(
  { kind: "meter", id: "m-1" },
  "position 1",
  { code: "checksum_mismatch", detail: "a bit" },
  5,
);

async function worldWithOctober(limits = {}): Promise<AggregatorWorld> {
  const world = await openAggregatorWorld({ nowMs: (ends[0] + 60) * 1000, settleSeconds: 0, limits });
  onTestFinished(world.dispose);
  for (const meterId of ["m-1", "m-2"]) await world.register(master(meterId));
  await report(world, ends[0], 100);
  world.nowMs = instant("2026-11-05T00:00:00Z") * 1000;
  await report(world, ends[1], 300);
  await world.close();
  return world;
}

const report = (world: AggregatorWorld, at: number, value: number) =>
  world.deliver(...["m-1", "m-2"].map((meterId) => ({ meterId, series: [registerSeries([[at, value]])] })));

test("what is issued stays, the next month is suspect, and the data sent again make it right", async () => {
  const world = await worldWithOctober();
  const before = await world.issued("m-1");
  expect(before.map(({ registers }) => registers[0]?.consumption)).toEqual([200 * 40]);
  world.damageRecord("m-1");
  await world.damageLog.report([damage]);
  await world.restart();
  world.nowMs = instant("2026-12-05T00:00:00Z") * 1000;
  await report(world, ends[2], 700);
  await world.close();
  const [first, second] = await world.issued("m-1");
  expect(first).toEqual(before[0]);
  expect(second?.registers[0]).toMatchObject({
    value: 700,
    valueQuality: "suspect",
    consumption: null,
    quality: "suspect",
    fault: "master_data_damaged",
  });
  expect((await world.issued("m-2"))[1]?.registers[0]).toMatchObject({ consumption: 400 * 40, fault: null });
  // Again after a restart, and after a late reading of the month that stands.
  await world.restart();
  await world.deliver({ meterId: "m-1", series: [registerSeries([[ends[1] + 900, 301]])] });
  await world.close();
  expect((await world.issued("m-1"))[0]).toEqual(before[0]);
  await world.register(master("m-1"));
  await world.close();
  const right = await world.issued("m-1");
  expect(right[0]?.hash).toBe(before[0]?.hash);
  expect(right[1]).toMatchObject({ revision: (second?.revision ?? 0) + 1, lifecycle: "revised" });
  expect(right[1]?.registers[0]).toMatchObject({ consumption: 400 * 40, quality: "actual", fault: null });
  await expect.poll(async () => (await world.damageLog.find(damage.id))?.mended?.outcome).toBe("repaired");
});

test("a meter of ours stays one of ours where unknown ones are refused", async () => {
  const world = await worldWithOctober({ unknownMeters: "refuse" });
  world.damageRecord("m-1");
  await world.restart();
  await report(world, ends[1] + 3600, 310);
  expect(world.rejections).toEqual([]);
  expect((await world.store.read("m-1", { from: ends[1] + 3600, to: ends[1] + 3600 }))[0]?.value).toEqual([310]);
});

test("the API tells nothing that master data decide, and takes them again", async () => {
  const world = await worldWithOctober();
  const damaged = new AdapterError("record_damaged", { retryable: false, detail: "the master data of meter m-1" });
  const registry = memoryRegistry(master("m-2"));
  let isDamaged = true;
  const app = await injectableApi(
    apiWorld({
      series: world.store,
      snapshots: world.ledger,
      registry: {
        ...registry,
        get: (id) => (id === "m-1" && isDamaged ? Promise.reject(damaged) : registry.get(id)),
        async apply(changes) {
          isDamaged = false;
          return registry.apply(changes);
        },
      },
    }),
  );
  const range = "from=2026-10-01T00:00:00Z&to=2026-11-01T00:00:00Z";
  for (const path of ["", `/curve?register=1.8.0&${range}`]) {
    const answer = await app.inject(`/v1/meters/m-1${path}`);
    expect([answer.statusCode, answer.json().code]).toEqual([409, "record_damaged"]);
    expect((await app.inject(`/v1/meters/m-2${path}`)).statusCode).toBe(200);
  }
  // What was read is what was read, and what is issued was made by them.
  expect((await app.inject(`/v1/meters/m-1/readings?${range}`)).statusCode).toBe(200);
  expect((await app.inject("/v1/meters/m-1/snapshots/2026-10")).json().registers[0].consumption).toBe(8000);
  const { meterId: _, ...payload } = master("m-1");
  expect((await app.inject({ method: "PUT", url: "/v1/meters/m-1", payload })).statusCode).toBe(200);
  expect((await app.inject("/v1/meters/m-1")).json().registers[0].multiplier).toBe(40);
});
