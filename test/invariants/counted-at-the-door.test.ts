// Goal: D07. What is counted is what came, whatever became of it.
// Method: the real aggregator on a log that the test controls and that loses, repeats and refuses; the sum of what was
// found is compared with what the writer says.
import { noTally, readingsAppended, type Tally } from "@meterbook/sharding/tally";
import { expect, onTestFinished, test } from "vitest";
import { instant, registerSeries } from "../support/readings.ts";
import { type AggregatorWorld, openAggregatorWorld } from "../support/worlds/aggregator-world.ts";

const nowMs = Date.parse("2026-10-20T12:00:00Z");

function report(meterId: string, ...hours: readonly number[]) {
  const at = (hour: number): [number, number] => [instant("2026-10-20T00:00:00Z") + hour * 3600, 100 + hour];
  return { meterId, series: [registerSeries(hours.map(at))] };
}

async function openWorld(more: Partial<Parameters<typeof openAggregatorWorld>[0]> = {}): Promise<AggregatorWorld> {
  const world = await openAggregatorWorld({ nowMs, writer: "w-1", ...more });
  onTestFinished(() => world.dispose());
  return world;
}

/** What came, and what is found of it. */
async function counted(world: AggregatorWorld): Promise<{ came: number; found: number }> {
  const { stored, duplicates, conflicts, refused, tallies } = await world.totals();
  const tally: Tally = tallies.get(0) ?? noTally;
  return { came: readingsAppended(tally, [], 0), found: stored + duplicates + conflicts + refused };
}

test("frames that are gone unread are missing from what is found, and not from what came", async () => {
  const world = await openWorld();
  await world.deliver(report("m-1", 1, 2, 3));
  world.append(report("m-1", 4, 5), report("m-2", 4, 5));
  world.append(report("m-1", 6));
  world.expireLog();
  await world.restart();
  await world.deliver(report("m-1", 7));
  expect(await counted(world)).toEqual({ came: 9, found: 4 });
  await world.restart();
  await world.deliver(report("m-1", 7));
  expect(await counted(world)).toEqual({ came: 10, found: 5 });
});

test("D07: what is lost is told once, without what the store had, and not again by whoever takes over", async () => {
  const told: object[] = [];
  const world = await openWorld({ events: { framesLost: (facts) => told.push(facts) }, settleSeconds: 3600 });
  await world.deliver(report("m-1", 1), report("m-1", 2));
  world.append(report("m-1", 3));
  world.append(report("m-1", 4));
  world.append(report("m-1", 5));
  world.expireLog();
  await world.restart();
  await world.deliver(report("m-1", 6));
  await world.restart();
  await world.restart();
  await world.deliver(report("m-1", 7));
  expect(told).toEqual([{ partition: 0, from: 1, to: 4 }]);
  expect([...world.damages.values()].map(({ lost }) => lost)).toEqual([3]);
});

test("a frame that stands in the log twice is taken once", async () => {
  const world = await openWorld();
  await world.deliver(report("m-1", 1, 2));
  world.appendAgain();
  await world.deliver(report("m-1", 3));
  world.appendAgain();
  await world.restart();
  await world.deliver(report("m-1", 3));
  expect(await world.totals()).toMatchObject({ stored: 3, duplicates: 1 });
  expect(await counted(world)).toEqual({ came: 4, found: 4 });
});

test("a batch that is tried again counts once", async () => {
  let failures = 2;
  const committing = () => {
    failures -= 1;
    if (failures >= 0) throw new Error("no room");
  };
  const world = await openWorld({ committing });
  world.append(report("m-1", 1, 2));
  await expect(world.deliver()).rejects.toThrow("no room");
  await expect(world.deliver()).rejects.toThrow("no room");
  await world.deliver();
  expect(await counted(world)).toEqual({ came: 2, found: 2 });
});

test("a refusal says where it comes from, so that frames that are taken in again bring none anew", async () => {
  let failures = 0;
  const committing = () => {
    failures -= 1;
    if (failures >= 0) throw new Error("no room");
  };
  const world = await openWorld({ committing, limits: { unknownMeters: "refuse" } });
  failures = 1;
  world.append(report("m-1", 1), report("m-2", 1, 2), report("m-1", 3));
  await expect(world.deliver()).rejects.toThrow("no room");
  await world.restart();
  const sources = world.rejections.map(({ source }) => source);
  expect(sources).toEqual([...sources.slice(0, 3), ...sources.slice(0, 3)]);
  expect(new Set(sources).size).toBe(3);
  await world.deliver(report("m-1", 3));
  expect(new Set(world.rejections.map(({ source }) => source)).size).toBe(4);
  expect(await counted(world)).toEqual({ came: 5, found: 5 });
});

test("readings that the aggregator refuses are counted as that, whole reports and the channels beyond the limit", async () => {
  const world = await openWorld({ limits: { metersMax: 1, channelsPerMeterMax: 1 } });
  const other = {
    ...report("m-1", 1, 2).series[0],
    channel: { register: "2.8.0", kind: "register", unit: "Wh", stepSeconds: 0 },
  };
  const [series] = report("m-1", 1, 2, 3).series;
  await world.deliver({ meterId: "m-1", series: [series, other] as never }, report("m-2", 1, 2, 3, 4));
  expect(world.rejections).toHaveLength(2);
  expect(await world.totals()).toMatchObject({ stored: 3, refused: 6 });
  expect(await counted(world)).toEqual({ came: 9, found: 9 });
});
