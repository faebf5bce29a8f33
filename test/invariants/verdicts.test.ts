// Goal: what an operator decides of a reading revises the months that it touches, and only those; the revision names
// the reason, whatever order things come in, and through a restart before it is issued.
import type { ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { readingCode } from "@meterbook/core/domain/reading/reading";
import fc from "fast-check";
import { expect, test } from "vitest";
import { instant, registerSeries } from "../support/readings.ts";
import { openAggregatorWorld } from "../support/worlds/aggregator-world.ts";
import type { TestReport } from "../support/worlds/scripted-log.ts";

const boundaries = ["2026-07-31T21:00:00Z", "2026-08-31T21:00:00Z", "2026-09-30T21:00:00Z", "2026-10-31T22:00:00Z"];
const [july, august, september, october] = boundaries.map(instant) as [number, number, number, number];
const readings: TestReport = {
  meterId: "m-1",
  series: [
    registerSeries([
      [july, 1000, "actual"],
      [august, 2000, "actual"],
      [september - 1800, 2990, "actual"],
      [september, 3000, "suspect"],
      [september + 1800, 3030, "actual"],
      [october, 4000, "actual"],
    ]),
  ],
};

function verdict(quality: "actual" | "suspect", revision: number, note: string): TestReport {
  const [code, value] = [readingCode(quality, "operator", { revision }), 3000];
  const channel = readings.series[0]?.channel as ReadingSeries["channel"];
  return {
    meterId: "m-1",
    origin: "operator",
    note,
    series: [{ channel, at: [september], value: [value], code: [code] }],
  };
}

async function opened() {
  return openAggregatorWorld({ nowMs: Date.parse("2026-11-20T12:00:00Z"), timeZone: "Europe/Kyiv", settleSeconds: 0 });
}

type World = Awaited<ReturnType<typeof opened>>;

async function months(world: World) {
  const issued = await world.issued("m-1");
  return issued.map(({ revision, reason, registers: [row] }) => [revision, reason, row?.value, row?.consumption]);
}

test("an acceptance revises the months on both sides of the reading, and names who and why", async () => {
  const world = await opened();
  try {
    await world.deliver(readings);
    await world.close();
    const before = await months(world);
    expect(before.map(([, , value]) => value)).toEqual([1000, 2000, 3010, 4000].slice(before.length === 3 ? 1 : 0));
    await world.deliver(verdict("actual", 0, "accepted by anna: перевірено, «на місці»"));
    await world.close();
    const after = await months(world);
    const why = "inputs changed after final: accepted by anna: перевірено, «на місці»";
    expect(after.slice(-2)).toEqual([
      [2, why, 3000, 1000],
      [2, why, 4000, 1000],
    ]);
    expect(after.slice(0, -2), "no other month").toEqual(before.slice(0, -2));
    await world.deliver(verdict("actual", 0, "accepted by anna: once more"));
    await world.close();
    expect(await months(world), "the same again").toEqual(after);
    await world.deliver(verdict("suspect", 1, "rejected by ivan: another meter"));
    await world.close();
    const [, reason, value] = (await months(world)).at(-2) ?? [];
    expect([reason, value]).toEqual(["inputs changed after final: rejected by ivan: another meter", 3010]);
  } finally {
    await world.dispose();
  }
});

test("the reason is named after a restart that came before the revision", async () => {
  const world = await opened();
  try {
    await world.deliver(readings);
    await world.close();
    await world.restart(async () => world.append(verdict("actual", 0, "accepted by anna: read on the spot")));
    await world.close();
    expect((await months(world)).at(-1)?.[1]).toContain("accepted by anna: read on the spot");
  } finally {
    await world.dispose();
  }
});

test("of several verdicts the last one counts, in whatever order the log brings them", {
  timeout: 60_000,
}, async () => {
  const orders = fc.shuffledSubarray([0, 1, 2], { minLength: 3 });
  await fc.assert(
    fc.asyncProperty(orders, fc.boolean(), async (order, readingsFirst) => {
      const world = await opened();
      try {
        if (readingsFirst) await world.deliver(readings);
        for (const revision of order) {
          await world.deliver(verdict(revision === 1 ? "suspect" : "actual", revision, `verdict ${revision}`));
        }
        if (!readingsFirst) await world.deliver(readings);
        await world.close();
        expect((await months(world)).map(([, , value]) => value).slice(-2)).toEqual([3000, 4000]);
      } finally {
        await world.dispose();
      }
    }),
    { numRuns: 12 },
  );
});
