// Goal: what was not there yet is waited for where it is on its way, and what was issued is known, whatever went wrong
// meanwhile: no revision corrects what only a restart or a slow ledger had made of a meter. Method: the real
// aggregator, with the log, the clock and the ledger's answers in the test's hand.

import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { SnapshotLedgers } from "@meterbook/core/ports/snapshot-ledger";
import { ledgerStart } from "@meterbook/sharding/ledger-place";
import { expect, onTestFinished, test } from "vitest";
import { instant, registerSeries } from "../support/readings.ts";
import { type AggregatorWorld, openAggregatorWorld } from "../support/worlds/aggregator-world.ts";
import { ledgersWithAppend } from "../support/worlds/ledgers-with-append.ts";

const nowMs = Date.parse("2026-11-20T12:00:00Z");
const october = 2026 * 12 + 9;

/** One reading of the meter, at an instant. */
function report(at: string, value: number) {
  return { meterId: "m-1", series: [registerSeries([[instant(at), value]])] };
}

async function openWorld(more: Partial<Parameters<typeof openAggregatorWorld>[0]> = {}): Promise<AggregatorWorld> {
  const world = await openAggregatorWorld({ nowMs, ...more });
  onTestFinished(() => world.dispose());
  return world;
}

async function issued(world: AggregatorWorld) {
  const entries = await world.ledger.changes({ after: ledgerStart, limit: 1000 });
  return entries.map(({ snapshot: { period, revision, registers } }) => [period, revision, registers[0]?.value]);
}

test("a meter that sends its history is waited for by whoever takes over in the middle of it", async () => {
  const world = await openWorld({ settleSeconds: 3600 });
  await world.deliver(report("2026-08-31T21:00:00Z", 100));
  await world.restart(() => world.look());
  await world.look();
  await world.deliver(report("2026-09-30T21:00:00Z", 200), report("2026-10-31T22:00:00Z", 300));
  await world.close();
  expect(await issued(world)).toEqual([
    [october - 1, 1, 200],
    [october, 1, 300],
  ]);
});

test("what came in while nobody was there is read before anything is issued", async () => {
  const world = await openWorld({ nowMs: Date.parse("2026-10-20T12:00:00Z"), settleSeconds: 30 });
  await world.deliver(report("2026-08-31T21:00:00Z", 100));
  await world.deliver(report("2026-09-30T21:00:00Z", 200));
  await world.close();
  await world.settle();
  world.append(report("2026-10-31T22:00:00Z", 300));
  world.nowMs = nowMs;
  await world.restart(() => world.look());
  world.nowMs += 31_000;
  await world.settle();
  expect(await issued(world)).toEqual([
    [october - 1, 1, 200],
    [october, 1, 300],
  ]);
});

test("when a month is due and its last readings wait in the log, they are read first", async () => {
  const world = await openWorld({ nowMs: Date.parse("2026-10-31T22:30:00Z"), settleSeconds: 30 });
  await world.deliver(report("2026-09-30T21:00:00Z", 200));
  await world.close();
  await world.settle();
  world.append(report("2026-10-31T22:00:00Z", 300));
  world.nowMs = Date.parse("2026-11-03T23:00:00Z");
  await world.look();
  await world.deliver(report("2026-10-31T23:00:00Z", 301));
  world.nowMs += 31_000;
  await world.settle();
  expect(await issued(world)).toEqual([[october, 1, 300]]);
});

test("after a standstill the readings that waited in the log are read before a meter is taken for quiet", async () => {
  const world = await openWorld({ settleSeconds: 30 });
  await world.deliver(report("2026-09-30T21:00:00Z", 200), report("2026-10-31T20:00:00Z", 290));
  await world.look();
  world.append(report("2026-10-31T22:00:00Z", 300));
  world.nowMs += 31_000;
  await world.look();
  await world.deliver(report("2026-10-31T23:00:00Z", 301));
  world.nowMs += 31_000;
  await world.settle();
  expect(await issued(world)).toEqual([[october, 1, 300]]);
});

test("a close issues also what came due a moment ago, of meters that sent nothing since", async () => {
  const world = await openWorld({ nowMs: Date.parse("2026-10-31T22:30:00Z"), settleSeconds: 3600 });
  const other = { ...report("2026-09-30T21:00:00Z", 200), meterId: "m-2" };
  await world.deliver(report("2026-09-30T21:00:00Z", 200), other);
  await world.close();
  world.nowMs = nowMs;
  await world.deliver(report("2026-10-31T22:00:00Z", 300));
  await world.close();
  expect((await world.issued("m-1", "m-2")).map(({ meterId, period }) => [meterId, period])).toEqual([
    ["m-1", october],
    ["m-2", october],
  ]);
});

test("nothing settles before what is due is marked", async () => {
  const world = await openWorld({ nowMs: Date.parse("2026-10-31T22:30:00Z"), settleSeconds: 3600 });
  await world.register({ meterId: "m-1", usagePointId: "p-1", registers: [{ register: "1.8.0", unit: "Wh" }] });
  await world.deliver(report("2026-09-30T21:00:00Z", 200));
  await world.close();
  await world.settle();
  world.nowMs = nowMs;
  world.append(report("2026-11-19T22:00:00Z", 300));
  await world.restart(async () => {
    expect((await world.totals()).pending).toBe(1);
    await world.look();
    expect((await world.totals()).pending).toBe(1);
  });
  await world.settle();
  expect(await issued(world)).toEqual([[october, 1, 262]]);
});

test("a batch that could not be committed is read again, also by the owner after the one that failed", async () => {
  let fails = true;
  const committing = () => {
    if (fails) throw new AdapterError("store_write_failed", { retryable: true, detail: "the disk is full" });
  };
  const world = await openWorld({ settleSeconds: 3600, committing });
  await expect(world.deliver(report("2026-11-19T22:00:00Z", 300))).rejects.toThrow("the disk is full");
  await world.look();
  fails = false;
  await world.restart();
  expect((await world.totals()).stored).toBe(1);
});

test("what a crash left unissued is issued even where the log no longer holds it", async () => {
  const world = await openWorld({ settleSeconds: 3600 });
  await world.deliver(report("2026-09-30T21:00:00Z", 200), report("2026-10-31T22:00:00Z", 300));
  world.expireLog();
  world.append({ ...report("2026-11-19T22:00:00Z", 300), meterId: "m-2" });
  await world.restart();
  await world.close();
  expect(await issued(world)).toEqual([[october, 1, 300]]);
  expect((await world.totals()).pending).toBe(0);
});

/** A ledger whose appends `after` looks at once they are kept: it may throw. */
function ledgersWith(after: () => void) {
  return ledgersWithAppend((append) => async (snapshots) => {
    await append(snapshots);
    after();
  });
}

test("D13: a close says for how many meters of its month it issued, beside those that were issued before", async () => {
  const world = await openWorld({ settleSeconds: 1 });
  const month = (meterId: string) =>
    ["2026-08-31T21:00:00Z", "2026-09-30T21:00:00Z", "2026-10-31T22:00:00Z"].map((at, i) => ({
      ...report(at, 100 + i),
      meterId,
    }));
  await world.deliver(...month("m-1"));
  world.nowMs += 60_000;
  await world.settle();
  await world.deliver(...month("m-2"), ...month("m-3"));
  await world.close();
  expect(await world.ledger.issuedMeters(october)).toBe(3);
  const issuedThen = await issued(world);
  await world.close();
  expect(await issued(world)).toEqual(issuedThen);
});

test("an append that was kept although it failed is found again, and more readings make the next revision", async () => {
  let isLate = true;
  const ledgers = ledgersWith(() => {
    if (isLate) throw new AdapterError("store_read_failed", { retryable: true, detail: "too late" });
  });
  const world = await openWorld({ ledgers, settleSeconds: 3600 });
  await world.deliver(report("2026-09-30T21:00:00Z", 200), report("2026-10-31T20:00:00Z", 290));
  const close = world.close();
  await world.look();
  isLate = false;
  await close;
  await world.deliver(report("2026-10-31T22:00:00Z", 300));
  await world.close();
  expect((await issued(world)).filter(([period]) => period === october)).toEqual([
    [october, 1, 290],
    [october, 2, 300],
  ]);
});

test("a close while the right to issue is in doubt is answered when it has it again, and everything is issued", async () => {
  let appends = 0;
  const ledgers = ledgersWith(() => {
    appends += 1;
    if (appends === 1) throw new AdapterError("ledger_fenced", { retryable: true });
  });
  const world = await openWorld({ ledgers, settleSeconds: 3600 });
  await world.deliver(report("2026-09-30T21:00:00Z", 200), report("2026-10-31T22:00:00Z", 300));
  let answered = 0;
  const closes = [world.close(), world.close()].map((close) => close.finally(() => (answered += 1)));
  await world.look();
  expect(answered).toBe(0);
  // What comes behind the close waits with it.
  const next = world.deliver({ ...report("2026-10-31T22:00:00Z", 400), meterId: "m-2" }).catch(() => undefined);
  world.nowMs += 15_000;
  await Promise.all([...closes, next]);
  expect((await world.issued("m-1")).map(({ period }) => period)).toEqual([october]);
  await world.close();
  expect((await world.totals()).pending).toBe(0);
});

test("whoever had lost the right to issue passes the barrier where it stands: the owner between made the same of it", async () => {
  let opened = 0;
  const ledgers = (real: SnapshotLedgers): SnapshotLedgers => ({
    ...real,
    async open(partition) {
      opened += 1;
      // Behind the barrier: whoever passes it has not read this.
      if (opened === 2) world.append(report("2026-10-31T22:00:00Z", 300));
      const ledger = await real.open(partition);
      const fenced = new AdapterError("ledger_fenced", { retryable: true });
      return opened === 1 ? { ...ledger, append: () => Promise.reject(fenced) } : ledger;
    },
  });
  const world = await openWorld({ ledgers, settleSeconds: 30 });
  await world.deliver(report("2026-09-30T21:00:00Z", 200), report("2026-10-31T20:00:00Z", 290));
  world.nowMs += 31_000;
  await world.look();
  world.nowMs += 15_000;
  await world.look();
  expect(await issued(world)).toEqual([[october, 1, 290]]);
  await world.deliver(report("2026-10-31T23:00:00Z", 301));
  world.nowMs += 31_000;
  await world.settle();
  expect(await issued(world)).toEqual([
    [october, 1, 290],
    [october, 2, 300],
  ]);
});

test("a close counts with the master data of its moment, also where more of them came before it was passed", async () => {
  const world = await openWorld();
  await world.deliver(report("2026-09-30T21:00:00Z", 200), report("2026-10-31T22:00:00Z", 300));
  const record = (multiplier: number) => ({
    ...{ meterId: "m-1", usagePointId: "m-1" },
    registers: [{ register: "1.8.0", unit: "Wh" as const, multiplier }],
  });
  await world.register(record(40));
  // It stands in the log, behind what the aggregator still has to do.
  const closing = { atMs: nowMs, registry: 1, quietBefore: 0, readyThrough: null, closeId: "close" };
  await world.appendBarrier([0], closing);
  await world.register(record(60));
  await world.close();
  const entries = await world.ledger.changes({ after: ledgerStart, limit: 1000 });
  const revisions = entries.filter(({ snapshot }) => snapshot.period === october);
  expect(revisions.map(({ snapshot }) => snapshot.registers[0]?.consumption)).toEqual([4000, 6000]);
});
