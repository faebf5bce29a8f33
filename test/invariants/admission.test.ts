// Goal: nobody takes up the room of the others: meters and channels are limited, and what is beyond is kept, not
// thrown.
// Method: the real aggregator on the embedded store, with small limits and with hostile reports.
import type { ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { messageReader, readLimits } from "@meterbook/intake/read-message";
import { expect, onTestFinished, test } from "vitest";
import { instant, registerSeries } from "../support/readings.ts";
import { openAggregatorWorld } from "../support/worlds/aggregator-world.ts";

const nowMs = Date.parse("2026-11-20T12:00:00Z");
const at = instant("2026-11-20T11:00:00Z");

async function openWorld(
  limits: NonNullable<Parameters<typeof openAggregatorWorld>[0]["limits"]>,
  committing?: () => void,
) {
  const world = await openAggregatorWorld({ nowMs, limits, ...(committing && { committing }) });
  onTestFinished(() => world.dispose());
  return world;
}

/** One reading each of registers that differ, all of them OBIS codes. */
function registers(count: number, first = 0): ReadingSeries[] {
  return Array.from({ length: count }, (_, index) => {
    const number = first + index;
    const register = `0-0:${96 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
    const one = registerSeries([[at, 100]]);
    return { ...one, channel: { ...one.channel, register } };
  });
}

const short = registerSeries([[at, 100]]);

test("H09: channels beyond the limit are refused and kept, and the others go on", async () => {
  const world = await openWorld({ channelsPerMeterMax: 3 });
  await world.deliver({ meterId: "m-1", series: registers(2) }, { meterId: "m-2", series: [short] });
  await world.deliver({ meterId: "m-1", series: registers(4) }, { meterId: "m-1", series: registers(5) });
  expect((await world.store.meter("m-1"))?.channels.map(({ index }) => index)).toEqual([0, 1, 2]);
  expect((await world.store.meter("m-2"))?.channels).toHaveLength(1);
  expect(world.rejections.map(({ reason, meterId, topic }) => ({ reason, meterId, topic }))).toEqual(
    Array.from({ length: 2 }, () => ({ reason: "too_many_channels", meterId: "m-1", topic: "meters/m-1/readings" })),
  );
  expect(world.rejections[1]?.detail).toMatch(/^register: .*METERBOOK_CHANNELS_PER_METER_MAX.*2 more.*0-0:96\.0\.3/);
  // What the meter had before a start counts too.
  await world.restart();
  await world.deliver({ meterId: "m-1", series: registers(1, 10) });
  expect(world.rejections).toHaveLength(3);
});

test("H09: what was refused can be replayed, and is no more than what was refused", async () => {
  const world = await openWorld({ channelsPerMeterMax: 1 });
  await world.deliver({ meterId: "m-1", series: registers(3) });
  const reader = messageReader(readLimits, { nowMs: () => nowMs });
  const [refused] = world.rejections;
  if (refused === undefined) throw new Error("nothing was refused");
  const { accepted, rejections } = reader.replay({ ...refused, id: "r1", replayedAtMs: null });
  expect({ readings: accepted?.readings, meterId: accepted?.meterId, rejections }).toEqual({
    readings: 2,
    meterId: "m-1",
    rejections: [],
  });
});

test("H09: three messages of 9000 new registers each cost no more than their length", async () => {
  const world = await openWorld({});
  const before = process.cpuUsage();
  for (const first of [0, 9000, 18_000]) await world.deliver({ meterId: "m-1", series: registers(9000, first) });
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(1000);
  expect((await world.store.meter("m-1"))?.channels).toHaveLength(64);
});

test("H11: meters beyond the limit are refused, none throws inside a batch", async () => {
  const world = await openWorld({ metersMax: 2 });
  await world.register({ meterId: "m-9", usagePointId: "up-9", registers: [{ register: "1.8.0", unit: "Wh" }] });
  await world.deliver(...["m-1", "m-2", "m-3", "m-9"].map((meterId) => ({ meterId, series: [short] })));
  await world.restart();
  await world.deliver(...["m-3", "m-1"].map((meterId) => ({ meterId, series: [registerSeries([[at + 60, 101]])] })));
  expect(world.rejections.map(({ reason, meterId }) => [meterId, reason])).toEqual([
    ["m-3", "too_many_meters"],
    ["m-9", "too_many_meters"],
    ["m-3", "too_many_meters"],
  ]);
  expect((await world.totals()).stored).toBe(3);
});

test("H11: meters without master data are refused where the setting says so", async () => {
  const world = await openWorld({ unknownMeters: "refuse" });
  await world.register({ meterId: "m-1", usagePointId: "up-1", registers: [{ register: "1.8.0", unit: "Wh" }] });
  await world.deliver({ meterId: "m-1", series: [short] }, { meterId: "m-2", series: [short] });
  expect(world.rejections.map(({ reason, meterId }) => [meterId, reason])).toEqual([["m-2", "meter_unknown"]]);
  expect(await world.store.meter("m-2")).toBeUndefined();
  await world.register({ meterId: "m-2", usagePointId: "up-2", registers: [{ register: "1.8.0", unit: "Wh" }] });
  await world.deliver({ meterId: "m-2", series: [short] });
  expect((await world.store.meter("m-2"))?.channels).toHaveLength(1);
});

test("a batch that is tried again keeps its refusals once", async () => {
  let failures = 3;
  const world = await openWorld({ metersMax: 1 }, () => {
    if (failures-- > 0) throw new Error("the store is away");
  });
  const reports = ["m-1", "m-2"].map((meterId) => ({ meterId, series: [short] }));
  await expect(world.deliver(...reports)).rejects.toThrow("the store is away");
  for (let left = 2; left > 0; left -= 1) await expect(world.deliver()).rejects.toThrow("the store is away");
  await world.deliver();
  expect(world.rejections.map(({ meterId }) => meterId)).toEqual(["m-2"]);
  expect(await world.store.meter("m-1")).toBeDefined();
});
