// Goal: what is issued is a function of the log (decision 12). Any replay of one log, by one owner or by many, through
// kills and answers that were lost, gives the same revisions, and a kill alone adds none.
// Method: a world lives through random readings, closes, hours and restarts; its log is then taken in again in other
// pieces, with other restarts and failures, on an empty store.

import { AdapterError } from "@meterbook/core/ports/adapter-error";
import { ledgerStart } from "@meterbook/sharding/ledger-place";
import fc from "fast-check";
import { expect, test } from "vitest";
import { instant, registerSeries } from "../support/readings.ts";
import { type AggregatorWorld, openAggregatorWorld } from "../support/worlds/aggregator-world.ts";
import { ledgersWithAppend } from "../support/worlds/ledgers-with-append.ts";

const from = instant("2026-09-29T00:00:00Z");
const day = 86_400;

type Step =
  | { readonly kind: "reading"; readonly meter: number; readonly day: number; readonly value: number }
  | { readonly kind: "close" | "restart" | "look" | "register"; readonly meter: number }
  | { readonly kind: "pass"; readonly seconds: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("reading" as const),
      meter: fc.integer({ min: 0, max: 3 }),
      day: fc.integer({ min: 0, max: 40 }),
      value: fc.integer({ min: 0, max: 50 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("pass" as const),
      seconds: fc.constantFrom(2, 40, 3600, 12 * 3600, 5 * day),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("close" as const, "restart" as const, "look" as const, "register" as const),
      meter: fc.integer({ min: 0, max: 3 }),
    }),
  },
);

async function live(world: AggregatorWorld, steps: readonly Step[]): Promise<void> {
  for (const one of steps) {
    if (one.kind === "pass") world.nowMs += one.seconds * 1000;
    else if (one.kind === "reading") {
      const at = from + one.day * day;
      const series = registerSeries([[at, one.day * 1000 + one.value]]);
      await world.deliver({ meterId: `m-${one.meter}`, series: [series] });
    } else if (one.kind === "register") {
      const meterId = `m-${one.meter}`;
      await world.register({ meterId, usagePointId: `${meterId}-up`, registers: [{ register: "1.8.0", unit: "Wh" }] });
    } else if (one.kind === "close") await world.close();
    else if (one.kind === "restart") await world.restart();
    else await world.look();
  }
}

/** Every revision as it was issued, in order. */
async function revisions(world: AggregatorWorld) {
  const entries = await world.ledger.changes({ after: ledgerStart, limit: 10_000 });
  return entries.map(({ snapshot }) => snapshot);
}

/** Appends of which some fail, before or after they are kept. */
function failing(fates: readonly ("keeps" | "fails" | "is lost")[]) {
  let appends = 0;
  return ledgersWithAppend((append) => async (snapshots) => {
    const fate = fates[appends++ % Math.max(1, fates.length)] ?? "keeps";
    const error = new AdapterError("store_write_failed", { retryable: true, detail: fate });
    if (fate === "fails") throw error;
    await append(snapshots);
    if (fate === "is lost") throw error;
  });
}

test("any replay of one log gives the same revisions, and kills add none", { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 10, maxLength: 40 }),
      fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 5 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
      fc.array(fc.constantFrom("keeps" as const, "fails" as const, "is lost" as const), { maxLength: 4 }),
      async (steps, pieces, restarts, fates) => {
        const options = { nowMs: from * 1000, settleSeconds: 30 };
        const world = await openAggregatorWorld(options);
        let again: AggregatorWorld | undefined;
        try {
          await live(world, steps);
          // What is said at one hour may wait for the next: a record that counts now makes its meter wait.
          for (let hour = 0; hour < 3; hour += 1) {
            world.nowMs += 3_600_000;
            await world.look();
          }
          await world.settle();
          const issued = await revisions(world);
          // Registry records have no history yet: those of the end stand behind all barriers.
          const log = world.log.map((frame) => ({ ...frame }));
          const ledgers = failing([...fates, "keeps"]);
          again = await openAggregatorWorld({ ...options, nowMs: world.nowMs, log, ledgers });
          for (const record of world.registered) await again.register(record);
          for (let turn = 0; again.position < log.length; turn += 1) {
            expect(turn).toBeLessThan(500);
            await again.take(pieces[turn % pieces.length] ?? 1).catch(() => undefined);
            // Who has not issued what it took begins far back: killed for ever it would come to no end.
            if (turn < 12 && restarts[turn % restarts.length]) await again.restart(undefined, [], "take nothing");
          }
          expect(await revisions(again)).toEqual(issued);
        } finally {
          await world.dispose();
          await again?.dispose();
        }
      },
    ),
    { numRuns: Number(process.env["RUNS"] ?? 10), endOnFailure: true },
  );
});
