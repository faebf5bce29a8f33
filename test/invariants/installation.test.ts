import { ledgerStart } from "@meterbook/sharding/ledger-place";
import { expect, onTestFinished, test } from "vitest";
import { instant, registerSeries } from "../support/readings.ts";
import { openAggregatorWorld } from "../support/worlds/aggregator-world.ts";

const may = 2026 * 12 + 4;

test("a meter installed before its first report opens with the installation reading", async () => {
  const world = await openAggregatorWorld({ nowMs: Date.parse("2026-11-20T12:00:00Z"), timeZone: "Europe/Kyiv" });
  onTestFinished(() => world.dispose());
  await world.register({
    meterId: "m-1",
    usagePointId: "up-1",
    registers: [{ register: "1.8.0", unit: "Wh" }],
    installed: { at: instant("2026-05-31T20:00:00Z"), values: { "1.8.0": 40 } },
  });
  await world.deliver({ meterId: "m-1", series: [registerSeries([[instant("2026-05-31T21:00:00Z"), 100]])] });
  await world.deliver({ meterId: "m-1", series: [registerSeries([[instant("2026-06-30T21:00:00Z"), 900]])] });
  await world.close();
  const issued = (await world.issued("m-1")).filter(({ period }) => period <= may + 1);
  expect(issued.map(({ revision, lifecycle, registers }) => ({ revision, lifecycle, ...registers[0] }))).toMatchObject([
    { revision: 1, lifecycle: "final", value: 100, opening: 40, openingBasis: "installation", consumption: 60 },
    { revision: 1, lifecycle: "final", value: 900, opening: 100, openingBasis: "previous", consumption: 800 },
  ]);
});

test("master data before the history: what it changes is gathered, not issued month by month and revised", async () => {
  const world = await openAggregatorWorld({ nowMs: Date.parse("2026-11-20T12:00:00Z"), timeZone: "Europe/Kyiv" });
  onTestFinished(() => world.dispose());
  const installed = { at: instant("2026-05-31T20:00:00Z"), values: { "1.8.0": 40 } };
  await world.register({
    meterId: "m-1",
    usagePointId: "up-1",
    registers: [{ register: "1.8.0", unit: "Wh" }],
    installed,
  });
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await world.ledger.lastPlace()).toEqual(ledgerStart);
});
