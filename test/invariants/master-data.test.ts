import { isVoid, periodName } from "@meterbook/core/domain/snapshot/snapshot";
import { ledgerStart } from "@meterbook/sharding/ledger-place";
import { expect, onTestFinished, test } from "vitest";
import { instant, registerSeries } from "../support/readings.ts";
import { openAggregatorWorld } from "../support/worlds/aggregator-world.ts";
import { masterDataInvariants } from "./master-data.invariants.ts";

masterDataInvariants({ newSeries: async () => undefined, share: 1 });

test("H04: a zone there and back: October is as it was, and what the other zone issued is taken back", async () => {
  const world = await openAggregatorWorld({ nowMs: Date.parse("2026-11-20T12:00:00Z"), timeZone: "Europe/Kyiv" });
  onTestFinished(() => world.dispose());
  const record = { meterId: "m-1", usagePointId: "up-1", registers: [] };
  await world.deliver({ meterId: "m-1", series: [registerSeries([[instant("2026-09-30T21:00:00Z"), 12_100_000]])] });
  await world.deliver({ meterId: "m-1", series: [registerSeries([[instant("2026-10-31T22:00:00Z"), 12_345_678]])] });
  for (const zone of ["Europe/Kyiv", "UTC", "Europe/Kyiv"]) {
    await world.register({ ...record, zone });
    await world.close();
  }
  const feed = await world.ledger.changes({ after: ledgerStart, limit: 100 });
  const told = feed.map(({ snapshot }) => ({
    id: `${periodName(snapshot.period)}/${snapshot.revision}`,
    lifecycle: snapshot.lifecycle,
    consumption: snapshot.registers[0]?.consumption,
    isVoid: isVoid(snapshot),
    boundary: new Date(snapshot.boundary * 1000).toISOString(),
  }));
  expect(told).toMatchObject([
    { id: "2026-10/1", lifecycle: "final", consumption: 245_678, isVoid: false, boundary: "2026-10-31T22:00:00.000Z" },
    { id: "2026-09/1", lifecycle: "final", consumption: 989, isVoid: false, boundary: "2026-10-01T00:00:00.000Z" },
    { id: "2026-10/2", lifecycle: "revised", consumption: null, isVoid: false, boundary: "2026-11-01T00:00:00.000Z" },
    { id: "2026-09/2", lifecycle: "revised", consumption: null, isVoid: true, boundary: "2026-10-01T00:00:00.000Z" },
    {
      id: "2026-10/3",
      lifecycle: "revised",
      consumption: 245_678,
      isVoid: false,
      boundary: "2026-10-31T22:00:00.000Z",
    },
  ]);
  expect(feed[3]?.snapshot.reason).toBe("void: the meter's months begin after this one");
  expect(feed[4]?.snapshot.hash).toBe(feed[0]?.snapshot.hash);
});

test("H04: a month is taken back when the meter was removed before it, or is not over in its zone", async () => {
  const world = await openAggregatorWorld({ nowMs: Date.parse("2026-10-31T12:00:00Z"), timeZone: "Europe/Kyiv" });
  onTestFinished(() => world.dispose());
  const record = { meterId: "m-1", usagePointId: "up-1", registers: [] };
  const reports = ["2026-08-31T21:00:00Z", "2026-09-30T21:00:00Z", "2026-10-31T10:00:00Z"].map((at, i) => ({
    meterId: "m-1",
    series: [registerSeries([[instant(at), 1000 * (i + 1)]])],
  }));
  await world.deliver(...reports);
  await world.register({ ...record, zone: "Pacific/Kiritimati" });
  await world.close();
  await world.register(record);
  await world.close();
  const removed = { at: instant("2026-08-20T00:00:00Z"), values: {} };
  await world.register({ ...record, removed });
  await world.close();
  const feed = await world.ledger.changes({ after: ledgerStart, limit: 100 });
  expect(feed.map(({ snapshot }) => `${periodName(snapshot.period)}/${snapshot.revision} ${snapshot.reason}`)).toEqual([
    "2026-09/1 window closed",
    "2026-10/1 boundary passed",
    "2026-10/2 void: this month is not over in Europe/Kyiv",
    "2026-09/2 inputs changed after final: master data: its zone: the estimate of 1.8.0 gave way to the reading of 2026-09-30T21:00:00Z",
    "2026-09/3 void: the meter was removed before this month",
  ]);
});

test("H04: METERBOOK_TIME_ZONE there and back, with a stop in between, gives the same bills", async () => {
  const world = await openAggregatorWorld({ nowMs: Date.parse("2026-11-20T12:00:00Z"), timeZone: "Europe/Kyiv" });
  onTestFinished(() => world.dispose());
  const readings = [instant("2026-09-30T21:00:00Z"), instant("2026-10-31T22:00:00Z")] as const;
  await world.deliver({ meterId: "m-1", series: [registerSeries([[readings[0], 12_100_000]])] });
  await world.deliver({ meterId: "m-1", series: [registerSeries([[readings[1], 12_345_678]])] });
  for (const zone of ["Europe/Kyiv", "UTC", "Europe/Kyiv", "UTC", "Europe/Kyiv"]) {
    world.timeZone = zone;
    await world.restart();
    await world.close();
  }
  const issued = (await world.issued("m-1")).map((one) => [
    periodName(one.period),
    one.revision,
    isVoid(one),
    one.registers,
  ]);
  expect(issued).toMatchObject([
    ["2026-09", 4, true, [{ consumption: null }]],
    ["2026-10", 5, false, [{ consumption: 245_678, opening: 12_100_000, quality: "actual" }]],
  ]);
});
