// Goal: C17: of two values of one instant the higher revision is in effect, in any order, through redeliveries and
// restarts.
import type { ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { readingCode, revisionOf } from "@meterbook/core/domain/reading/reading";
import fc from "fast-check";
import { expect, test } from "vitest";
import { instant } from "../support/readings.ts";
import { openAggregatorWorld } from "../support/worlds/aggregator-world.ts";

const at = instant("2026-10-10T10:00:00Z");
const channel = { register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds: 3600 } as const;

function hour(value: number, revision: number): ReadingSeries {
  return { channel, at: [at], value: [value], code: [readingCode("actual", "remote", { revision })] };
}

async function sent(deliveries: readonly (readonly ReadingSeries[])[], restartAfter = -1) {
  const world = await openAggregatorWorld({
    nowMs: Date.parse("2026-11-20T12:00:00Z"),
    timeZone: "Europe/Kyiv",
    settleSeconds: 0,
  });
  try {
    for (const [index, batch] of deliveries.entries()) {
      await world.deliver(...batch.map((series) => ({ meterId: "m-1", series: [series] })));
      if (index === restartAfter) await world.restart();
    }
    await world.close();
    const [series] = await world.store.read("m-1", { from: at, to: at });
    const conflicts = await world.store.conflictsOf("m-1", { afterId: 0, limit: 100 });
    const [october] = await world.issued("m-1");
    return { series, conflicts, consumption: october?.registers[0]?.consumption };
  } finally {
    await world.dispose();
  }
}

test("C17: without a revision the first stays, with one the correction is in effect; both are shown", async () => {
  const plain = await sent([[hour(100_000, 0)], [hour(100, 0)], [hour(100_000, 0)]]);
  expect(plain.series?.value).toEqual([100_000]);
  expect(plain.consumption).toBe(100_000);
  const corrected = await sent([[hour(100_000, 0)], [hour(100, 1)], [hour(100_000, 0)]]);
  expect(corrected.series?.value).toEqual([100]);
  expect(corrected.consumption).toBe(100);
  expect(corrected.conflicts).toMatchObject([{ kept: { value: 100 }, refused: { value: 100_000 } }]);
});

test("C17: of all that came the highest revision is in effect, whatever the order, the batches and the restarts", {
  timeout: 60_000,
}, async () => {
  const revisions = fc.uniqueArray(fc.nat(2 ** 32 - 1), { minLength: 2, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(
      revisions.chain((all) => {
        const twice = [...all, ...all];
        return fc
          .shuffledSubarray(
            twice.map((_, index) => index),
            { minLength: twice.length },
          )
          .map((order) => ({ all, order: order.map((index) => twice[index] as number) }));
      }),
      fc.boolean(),
      fc.nat(3),
      async ({ all, order }, inOneBatch, restartAfter) => {
        const hours = order.map((revision) => hour(all.indexOf(revision) + 1, revision));
        const { series, conflicts } = await sent(inOneBatch ? [hours] : hours.map((one) => [one]), restartAfter);
        const newest = Math.max(...all);
        expect(series?.value).toEqual([all.indexOf(newest) + 1]);
        expect(revisionOf(series?.code[0] as number)).toBe(newest);
        const shown = conflicts.flatMap(({ kept, refused }) => [kept.value, refused.value]);
        expect(new Set(shown)).toEqual(new Set(all.map((_, index) => index + 1)));
      },
    ),
    { numRuns: 15 },
  );
});
