// Goal: a month that nothing follows is estimated from what was issued before, by named revisions; a history that
// changes revises no final of its own accord; the next reading does, and the revision names it.
import { parsePeriod, type Snapshot, snapshotId } from "@meterbook/core/domain/snapshot/snapshot";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import { expect, test } from "vitest";
import { registerSeries } from "../support/readings.ts";
import { type AggregatorWorld, openAggregatorWorld } from "../support/worlds/aggregator-world.ts";

const calendar = localCalendar("Europe/Kyiv");
const day = 86_400;
const [lastYear, silent] = [parsePeriod("2025-09") as number, parsePeriod("2026-09") as number];

/** One reading at each month's end, from August 2025 to August 2026: 60 kWh a month, then 90. */
function totalAt(period: number): number {
  const before = Math.min(period, lastYear + 6) - (lastYear - 2);
  return 60_000 * before + 90_000 * Math.max(0, period - (lastYear + 6));
}

async function withSilentMeter(work: (world: AggregatorWorld) => Promise<void>): Promise<void> {
  const nowMs = (calendar.boundaryOf(silent) + 5 * day) * 1000;
  const world = await openAggregatorWorld({ nowMs, timeZone: "Europe/Kyiv", settleSeconds: 0 });
  try {
    const periods = Array.from({ length: silent - lastYear + 1 }, (_, index) => lastYear - 1 + index);
    const rows = periods.map((period) => [calendar.boundaryOf(period), totalAt(period), "actual"] as const);
    // That of September 2025 is the meter's own estimate, which a measurement replaces.
    const estimated = rows.map(([at, value]) =>
      at === calendar.boundaryOf(lastYear) ? ([at, value, "derived"] as const) : ([at, value, "actual"] as const),
    );
    await world.deliver({ meterId: "m-1", series: [registerSeries(estimated)] });
    await world.settle();
    await work(world);
  } finally {
    await world.dispose();
  }
}

async function monthOf(world: AggregatorWorld, period: number): Promise<Snapshot> {
  return (await world.issued("m-1")).find((one) => one.period === period) as Snapshot;
}

test("the month is last year's, times how much more is used now, and names the revisions that say so", async () => {
  await withSilentMeter(async (world) => {
    const { registers, lifecycle } = await monthOf(world, silent);
    expect(lifecycle).toBe("final");
    const [row] = registers;
    // September 2025 had 60 kWh; August 2026 has 90 kWh where August 2025 is not known.
    expect(row).toMatchObject({
      method: "ADU_PRIOR_YEAR",
      quality: "estimated",
      consumption: 60_000,
      origin: "estimator",
    });
    expect(row?.estimate).toMatchObject({ inputs: ["m-1/2025-09/1"], outageSeconds: 0, cap: null });
  });
});

test("a changed history revises no final; the next reading does, by a revision that names it", async () => {
  await withSilentMeter(async (world) => {
    const before = await monthOf(world, silent);
    const end = calendar.boundaryOf(lastYear);
    await world.deliver({ meterId: "m-1", series: [registerSeries([[end, totalAt(lastYear) + 20_000, "actual"]])] });
    await world.settle();
    expect(await monthOf(world, lastYear)).toMatchObject({ revision: 2, registers: [{ consumption: 80_000 }] });
    expect(await monthOf(world, silent)).toEqual(before);

    const at = calendar.boundaryOf(silent) + 4 * day;
    await world.deliver({ meterId: "m-1", series: [registerSeries([[at, totalAt(silent - 1) + 34_000, "actual"]])] });
    await world.settle();
    const after = await monthOf(world, silent);
    expect(after).toMatchObject({
      revision: 2,
      lifecycle: "revised",
      reason: `inputs changed after final: the estimate of 1.8.0 gave way to the reading of 2026-10-04T21:00:00Z`,
      registers: [{ consumption: 30_000, method: "FLAT_BETWEEN" }],
    });
    expect(snapshotId(after)).toBe("m-1/2026-09/2");
  });
});

test("after two months it is said, after six nothing is estimated any more", async () => {
  await withSilentMeter(async (world) => {
    world.nowMs = (calendar.boundaryOf(silent + 6) + 5 * day) * 1000;
    await world.look();
    await world.close();
    const rows = (await world.issued("m-1"))
      .filter(({ period }) => period >= silent)
      .map(({ registers }) => registers[0]);
    expect(rows.map((row) => row?.method)).toEqual([
      ...Array.from({ length: 6 }, () => expect.stringMatching(/^ADU_/)),
      "MISSING",
    ]);
    const prolonged = rows.map((row) => row?.findings.some(({ rule }) => rule === "V29"));
    expect(prolonged).toEqual([false, true, true, true, true, true, true]);
  });
});

test("the same log on an empty store gives the same revisions", async () => {
  await withSilentMeter(async (world) => {
    const expected = await world.ledger.revisions("m-1", silent);
    await world.restart();
    await world.close();
    expect(await world.ledger.revisions("m-1", silent)).toEqual(expected);
    const again = await openAggregatorWorld({
      nowMs: world.nowMs,
      timeZone: "Europe/Kyiv",
      settleSeconds: 0,
      log: world.log,
    });
    try {
      await again.take(world.log.length);
      const found = await again.ledger.revisions("m-1", silent);
      expect(found.map(({ hash }) => hash)).toEqual(expected.map(({ hash }) => hash));
    } finally {
      await again.dispose();
    }
  });
});
