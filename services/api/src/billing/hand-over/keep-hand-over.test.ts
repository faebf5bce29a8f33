import { expect, test } from "vitest";
import { aLine } from "../../../../../test/contracts/billing-log.contract.ts";
import { aSnapshot } from "../../../../../test/support/worlds/api-world.ts";
import { memoryBillingLog, memorySnapshots } from "../../../../../test/support/worlds/memory-ports.ts";
import { keptHandOvers } from "./keep-hand-over.ts";

const { period } = aSnapshot();

/** A ledger of two meters, billing that has used one, and how often the lines of billing were gone through. */
async function world() {
  const snapshots = memorySnapshots(aSnapshot(), aSnapshot({ meterId: "m-2" }));
  const log = memoryBillingLog();
  await log.record([aLine({ period })]);
  let made = 0;
  let hold: Promise<void> | undefined;
  const billing = {
    ...log,
    async used(page: Parameters<typeof log.used>[0]) {
      made += 1;
      const used = await log.used(page);
      await hold;
      return used;
    },
  };
  const clock = { ms: 0 };
  const kept = keptHandOvers({ billing, snapshots }, () => clock.ms);
  return {
    ...{ snapshots, log, kept, clock },
    made: () => made,
    holdUntil(released: Promise<void> | undefined) {
      hold = released;
    },
  };
}

test("it is made once for all who ask, and again after billing has said something or a revision has come", async () => {
  const { snapshots, log, kept, made } = await world();
  const asked = await Promise.all([kept(period, "as of now"), kept(period, "as of now"), kept(period, "soon")]);
  expect(asked).toEqual(Array(3).fill(expect.objectContaining({ meters: 1, waiting: 1, toCorrect: 0 })));
  await kept(period, "as of now");
  expect(made()).toBe(1);
  snapshots.issue(aSnapshot({ revision: 2 }));
  expect(await kept(period, "as of now")).toMatchObject({ toCorrect: 1 });
  await log.record([aLine({ period, meterId: "m-2" })]);
  expect(await kept(period, "as of now")).toMatchObject({ meters: 2, waiting: 0 });
  expect(made()).toBe(3);
});

test("what is issued for another month leaves it as it is", async () => {
  const { snapshots, kept, made } = await world();
  await kept(period, "as of now");
  for (let i = 0; i < 3; i += 1) {
    snapshots.issue(aSnapshot({ meterId: `other-${i}`, period: period + 1 }));
    await kept(period, "as of now");
  }
  expect(made()).toBe(1);
  snapshots.issue(aSnapshot({ meterId: "m-3" }));
  expect(await kept(period, "as of now")).toMatchObject({ waiting: 2 });
});

test("who can wait gets what there is for ten times as long as it took; who cannot gets it as of now", async () => {
  const { log, kept, clock, made, holdUntil } = await world();
  const { promise, resolve } = Promise.withResolvers<void>();
  holdUntil(promise);
  const first = kept(period, "soon");
  await expect.poll(made).toBe(1);
  clock.ms = 50;
  holdUntil(undefined);
  resolve();
  await first;
  await log.record([aLine({ period, meterId: "m-2" })]);
  clock.ms = 549;
  expect(await kept(period, "soon")).toMatchObject({ meters: 1 });
  expect(await kept(period, "as of now")).toMatchObject({ meters: 2 });
  clock.ms = 551;
  await log.record([aLine({ period, meterId: "m-2", invoice: "inv-2" })]);
  expect(await kept(period, "soon")).toMatchObject({ lines: 3 });
});

test("one that could not be made is not kept", async () => {
  const { kept, holdUntil } = await world();
  holdUntil(Promise.reject(new Error("away")));
  await expect(kept(period, "as of now")).rejects.toThrow("away");
  holdUntil(undefined);
  expect(await kept(period, "soon")).toMatchObject({ meters: 1 });
});
