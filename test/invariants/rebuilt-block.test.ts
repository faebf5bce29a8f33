// Goal: H07, H08: a damaged block of readings is rebuilt from the log, as it would have been; what the log no longer
// holds is counted.
// Method: a twin that is never damaged gets the same reports; any bit of any block is flipped.
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { ReadingSeries } from "@meterbook/core/domain/reading/reading";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { instant } from "../support/readings.ts";
import { type AggregatorWorld, openAggregatorWorld } from "../support/worlds/aggregator-world.ts";

const register = { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 } as const;
const interval = { register: "2.8.0", kind: "interval", unit: "Wh", stepSeconds: 3600 } as const;
const start = instant("2026-10-19T00:00:00Z");
const hours = 72;
const everything = { from: 0, to: Number.MAX_SAFE_INTEGER };
const ids = ["m-1", "m-2"];

/** Three days of both kinds of reading, a report an hour; the last ones end the month. */
function reportsOf(meterId: string): { meterId: string; series: ReadingSeries[] }[] {
  const at = [...Array.from({ length: hours }, (_, hour) => start + hour * 3600), instant("2026-10-31T22:00:00Z")];
  return at.map((end, index) => ({
    meterId,
    series: [
      { channel: register, at: [end], value: [1000 + 7 * index], code: [0] },
      { channel: interval, at: [end], value: [index % 13], code: [0] },
    ],
  }));
}

async function filled(from: "start" | "half" = "start"): Promise<AggregatorWorld> {
  const world = await openAggregatorWorld({ nowMs: start * 1000, settleSeconds: 0 });
  onTestFinished(world.dispose);
  const all = ids.map(reportsOf);
  for (let index = 0; index <= hours; index += 1) {
    world.nowMs = (all[0]?.[index]?.series[0]?.at[0] ?? 0) * 1000;
    await world.deliver(...all.flatMap((reports) => reports[index] ?? []));
    if (from === "half" && index === hours / 2) world.expireLog();
  }
  return world;
}

/** Flips one bit in some of a meter's blocks; answers how many. */
function flip(world: AggregatorWorld, meterNo: number, choose: (block: number) => number | undefined): number {
  const file = new DatabaseSync(join(world.dataDir, "series.db"), { timeout: 10_000 });
  let flipped = 0;
  for (const table of ["sealed", "hot"]) {
    for (const { id, data } of file.prepare(`SELECT id, data FROM ${table} ORDER BY id`).all()) {
      const owner = table === "sealed" ? Math.floor(Number(id) / 2 ** 15) : Math.floor((Number(id) % 2 ** 32) / 1024);
      const bit = owner === meterNo ? choose(flipped) : undefined;
      if (bit === undefined) continue;
      const bytes = Uint8Array.from(data as Uint8Array);
      const at = (bit >> 3) % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
      file.prepare(`UPDATE ${table} SET data = ? WHERE id = ?`).run(bytes, id as number);
      flipped += 1;
    }
  }
  file.close();
  return flipped;
}

const mendings = async (world: AggregatorWorld) => [...world.damages.values()].map(({ mended }) => mended);

/** Closes until everything that was found is told as mended. */
async function mended(world: AggregatorWorld): Promise<void> {
  const closed = async () => {
    await world.close();
    return [...world.damages.values()].filter((one) => one.mended === null).map(({ where }) => where);
  };
  await expect.poll(closed, { timeout: 10_000 }).toEqual([]);
}

const sameAs = async (world: AggregatorWorld, twin: AggregatorWorld) => {
  const hashes = async (of: AggregatorWorld) => (await of.issued(...ids)).map(({ meterId, hash }) => [meterId, hash]);
  expect(await world.store.readMany(ids, everything)).toEqual(await twin.store.readMany(ids, everything));
  expect(await hashes(world)).toEqual(await hashes(twin));
};

test("H08: found after a start, all of a meter's blocks are made again, and its bill is that of the twin", async () => {
  const [world, twin] = [await filled(), await filled()];
  expect(flip(world, 0, () => 13)).toBeGreaterThan(2);
  world.nowMs = twin.nowMs = Date.parse("2026-11-01T03:00:00Z");
  await world.restart();
  await world.close();
  await mended(world);
  await twin.close();
  await sameAs(world, twin);
  for (const one of await mendings(world)) expect(one).toMatchObject({ outcome: "repaired", lost: 0 });
  const told = world.damages.size;
  // Whole before and after the next start, and nothing is told twice.
  await world.restart();
  await world.close();
  await sameAs(world, twin);
  expect(world.damages.size).toBe(told);
});

test("H08: damaged while it runs, with readings again, late and contradicting ones on the way", async () => {
  const [world, twin] = [await filled(), await filled()];
  flip(world, 0, () => 5);
  const at = start + 5 * 3600;
  const more = [
    ...reportsOf("m-1").slice(3, 8),
    { meterId: "m-1", series: [{ channel: register, at: [at, at + 60], value: [1, 1036], code: [0, 0] }] },
    ...reportsOf("m-2").slice(3, 5),
  ];
  for (const one of [world, twin]) {
    for (const report of more) await one.deliver(report);
    one.nowMs = Date.parse("2026-11-01T03:00:00Z");
    await one.close();
  }
  await mended(world);
  await sameAs(world, twin);
  expect((await world.totals()).stored).toBeGreaterThanOrEqual((await twin.totals()).stored);
  const conflicts = (of: AggregatorWorld) => of.store.conflictsOf("m-1", { afterId: 0, limit: 10 });
  expect((await conflicts(twin)).map(({ kept }) => kept.value)).toEqual([1035]);
});

test("H07: what the log holds no more is counted, and stays told until somebody acknowledges it", async () => {
  const world = await filled("half");
  const whole = await world.store.read("m-1", everything);
  flip(world, 0, () => 12);
  world.nowMs = Date.parse("2026-11-01T03:00:00Z");
  await world.restart();
  await world.close();
  await mended(world);
  const left = await world.store.read("m-1", everything);
  const count = (series: readonly ReadingSeries[]) => series.reduce((sum, { at }) => sum + at.length, 0);
  const lost = (await mendings(world)).reduce((sum, one) => sum + (one?.lost ?? 0), 0);
  expect(lost).toBe(count(whole) - count(left));
  expect(lost).toBeGreaterThan(50);
  expect((await world.damageLog.open()).byPlace).toEqual({ series: world.damages.size });
  // The month is made of what is there, and says so.
  const [row] = (await world.issued("m-1")).flatMap(({ registers }) =>
    registers.filter((one) => one.intervals !== null),
  );
  expect(row).toMatchObject({ quality: "incomplete" });
});

test("H08: a report that begins at the second of a damaged block stops nobody", async () => {
  const [world, twin] = [await today(), await today()];
  expect(flip(world, 0, () => 9)).toBe(10);
  const later = start + 11 * 3600;
  for (const one of [world, twin]) {
    await one.restart();
    await one.deliver(...reportsOf("m-1").slice(0, 10), ...reportsOf("m-2").slice(0, 10));
    await one.deliver({ meterId: "m-2", series: [{ channel: register, at: [later], value: [9000], code: [0] }] });
  }
  expect((await world.store.read("m-2", { from: later, to: later }))[0]?.value).toEqual([9000]);
  await expect.poll(() => world.damages.size).toBeGreaterThan(0);
  await mended(world);
  expect(await world.store.readMany(ids, everything)).toEqual(await twin.store.readMany(ids, everything));
});

/** Ten reports of a day that is not over: none is sealed. */
async function today(): Promise<AggregatorWorld> {
  const world = await openAggregatorWorld({ nowMs: (start + 12 * 3600) * 1000, settleSeconds: 0 });
  onTestFinished(world.dispose);
  for (let index = 0; index < 10; index += 1) await world.deliver(...ids.flatMap((id) => reportsOf(id)[index] ?? []));
  return world;
}

test("ended again and again before it is told as mended, it is taken up anew, and the month is right", async () => {
  const [world, twin] = [await filled(), await filled()];
  flip(world, 0, () => 21);
  world.nowMs = twin.nowMs = Date.parse("2026-11-01T03:00:00Z");
  // The block is made again by then, and its months are not: an end now must not leave them as they are.
  const readable = () =>
    world.store.read("m-1", everything).then(
      () => true,
      () => false,
    );
  await world.restart();
  await expect.poll(readable, { timeout: 10_000, interval: 5 }).toBe(true);
  expect((await mendings(world)).some((one) => one === null)).toBe(true);
  for (let end = 0; end < 3; end += 1) await world.restart();
  await mended(world);
  await twin.close();
  await sameAs(world, twin);
});

test("any bits of any blocks: the meter ends as its twin", { timeout: 120_000 }, async () => {
  const twin = await filled();
  twin.nowMs = Date.parse("2026-11-01T03:00:00Z");
  await twin.close();
  const bits = fc.array(fc.option(fc.nat({ max: 400 }), { nil: undefined, freq: 3 }), { minLength: 3, maxLength: 12 });
  const property = fc.asyncProperty(bits, fc.boolean(), async (chosen, restarts) => {
    const world = await filled();
    flip(world, 0, (block) => chosen[block % chosen.length]);
    world.nowMs = Date.parse("2026-11-01T03:00:00Z");
    if (restarts) await world.restart();
    await world.close();
    await mended(world);
    await world.close();
    const hashes = async (of: AggregatorWorld) => (await of.issued(...ids)).map(({ hash }) => hash);
    expect(await hashes(world)).toEqual(await hashes(twin));
  });
  await fc.assert(property, { numRuns: 6 });
});
