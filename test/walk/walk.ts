import { mock } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import type { RegistryChange } from "@meterbook/core/ports/registry";
import { encodeReport } from "@meterbook/intake/decoders/protobuf/meter-report-protobuf";
import type { Barrier } from "@meterbook/sharding/barrier";
import { ledgerStart } from "@meterbook/sharding/ledger-place";
import { partitionOf } from "@meterbook/sharding/slot";
import { instant, registerSeries } from "../support/readings.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { heldCalls } from "./held-calls.ts";
import { memoryLedger } from "./memory-ledger.ts";
import { type MemoryLog, memoryLog } from "./memory-log.ts";
import { memoryPartition } from "./memory-series.ts";
import { atOnce, checkMonths, compare, compareLatest, counting, upToClose } from "./oracles.ts";
import { type SharedWorld, type WalkedAggregator, walkedAggregator } from "./walked-aggregator.ts";

/** What one walk tried. */
export interface WalkReport {
  readonly seed: number;
  readonly steps: number;
  readonly kills: number;
  readonly takeOvers: number;
  readonly failures: number;
  readonly records: number;
  readonly revisions: number;
}

export interface WalkOptions {
  readonly seed: number;
  readonly steps: number;
}

const day = 86_400;
const from = instant("2026-09-29T00:00:00Z");
const partitions = 2;
const meterIds = ["m-0", "m-1", "m-2", "m-3", "m-4", "m-5"];

/**
 * Walks several aggregators through kills, pauses, take-overs that nobody told them of, calls that fail before or after
 * they are carried out, and answers in any order. All is drawn from a seed, in virtual time. Then one aggregator brings
 * everything to rest. What is issued must be what one aggregator makes of the same log without any fault, record by
 * record.
 *
 * @throws Error that says what differs
 */
export async function walk({ seed, steps }: WalkOptions): Promise<WalkReport> {
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  try {
    const walked = await crooked(seed, steps);
    const straight = await replayed(walked.log, walked.registry, walked.nowMs);
    compare(walked.issued, straight);
    checkMonths(walked.log, walked.issued, walked.meters);
    const { log, registry, nowMs } = walked;
    const counts = (some: MemoryLog) => counting(some, registry, (meterId) => partitionOf(meterId, partitions));
    compareLatest(straight, await replayed(atOnce(log), counts(log), nowMs));
    const closed = upToClose(log);
    // The clock stands still, so what the close has left out would wait for ever.
    if (closed !== undefined) await replayed(closed.log, counts(closed.log), closed.nowMs);
    return walked.report;
  } finally {
    mock.timers.reset();
  }
}

async function crooked(seed: number, steps: number) {
  const random = seededRandom(seed);
  const pick = <Thing>(things: readonly Thing[]) => things[Math.floor(random() * things.length)] as Thing;
  let nowMs = from * 1000;
  const world = newWorld(memoryLog(partitions), () => nowMs);
  const count = { kills: 0, takeOvers: 0, failures: 0 };
  const alive: WalkedAggregator[] = [];
  const owners = new Map<number, WalkedAggregator>();
  const paused = new Set<string>();
  const firstAt = new Map<string, number>();
  let putBack: (() => void)[] | undefined;
  let ownerNo = 0;
  let names = 0;

  async function start(): Promise<WalkedAggregator> {
    names += 1;
    const one = await walkedAggregator(world, `a${names}`, random);
    alive.push(one);
    return one;
  }

  function give(partition: number, to: WalkedAggregator, isTold: boolean): void {
    const before = owners.get(partition);
    if (isTold && before !== undefined && before !== to) before.revoke(partition);
    owners.set(partition, to);
    ownerNo += 1;
    to.assign(partition, ownerNo);
  }

  async function kill(one: WalkedAggregator): Promise<void> {
    one.kill();
    alive.splice(alive.indexOf(one), 1);
    if (alive.length === 0) await start();
    for (const [partition, its] of owners) if (its === one) give(partition, pick(alive), false);
  }

  const waiting = () => world.heldCalls.waiting.filter((call) => !paused.has(call.owner));

  /** All stores are as they were when they were copied last, or are copied now. */
  async function copyOrPutBack(): Promise<void> {
    const copied = putBack;
    putBack = undefined;
    if (copied === undefined) {
      putBack = world.stores.map((store) => store.copy());
      return;
    }
    for (const one of [...alive]) one.kill();
    alive.splice(0);
    for (const back of copied) back();
    const next = await start();
    for (let partition = 0; partition < partitions; partition += 1) give(partition, next, false);
  }

  const register = () => {
    const known = new Set(world.registry.map(({ meterId }) => meterId));
    const fresh = meterIds.filter((meterId) => !known.has(meterId));
    if (fresh.length === 0) return;
    const meterId = pick(fresh);
    const multiplier = pick([1, 40]);
    const removed = random() < 0.2 ? { removed: { at: from + 45 * day, values: {} } } : {};
    const zone = random() < 0.3 ? { zone: pick(["Asia/Tokyo", "America/Lima"]) } : {};
    const registers = [{ register: "1.8.0", unit: "Wh" as const, multiplier }];
    const record = { meterId, usagePointId: `${meterId}-up`, registers, ...zone, ...removed };
    world.registry.push({ meterId, record, position: world.registry.length + 1 });
  };
  const actions: readonly (readonly [weight: number, act: () => Promise<void> | void])[] = [
    [14, () => report(world, pick(meterIds), random, nowMs, firstAt)],
    [2, register],
    [2, () => void world.log.appendBarrier([0, 1], closing(world, nowMs, names), nowMs)],
    [30, () => pick(waiting())?.pass("done")],
    [1, () => void (paused.size > 0 && random() < 0.7 ? paused.clear() : paused.add(pick(alive).name))],
    [0.2, copyOrPutBack],
    [3, () => fail("fails before")],
    [3, () => fail("fails after")],
    [8, () => tick()],
    [4, () => pass(pick([900, 31_000, 3_600_000, 12 * 3_600_000, 5 * day * 1000, 20 * day * 1000]))],
    [
      1,
      async () => {
        count.kills += 1;
        await kill(pick(alive));
      },
    ],
    [1, async () => void (alive.length < 3 && (await start()))],
    [
      3,
      () => {
        count.takeOvers += 1;
        give(Math.floor(random() * partitions), pick(alive), random() < 0.5);
      },
    ],
  ];

  function fail(fate: "fails before" | "fails after"): void {
    const call = pick(waiting());
    if (call === undefined) return;
    count.failures += 1;
    call.pass(fate);
  }

  function pass(ms: number): void {
    nowMs += ms;
  }

  function tick(): void {
    mock.timers.tick(100);
  }

  async function act(): Promise<void> {
    await pick(actions.flatMap(([weight, one]) => Array<typeof one>(weight * 5).fill(one)))();
    for (const one of alive) one.wake();
    await quiet(world);
  }

  const first = await start();
  for (let partition = 0; partition < partitions; partition += 1) give(partition, first, true);
  for (let step = 0; step < steps; step += 1) await act();

  // All is well from here on: one begins anew and has everything, or each goes on with its own.
  world.heldCalls.hold(false);
  if (random() < 0.5) {
    for (const one of [...alive]) one.kill();
    alive.splice(0);
    const last = await start();
    for (let partition = 0; partition < partitions; partition += 1) give(partition, last, false);
  }
  for (const one of alive) for (const [partition, its] of owners) if (its !== one) one.revoke(partition);
  await rest(world, alive, pass);
  for (const one of alive) one.kill();
  const issued = await issuedIn(world);
  const records = [0, 1].reduce((sum, partition) => sum + world.log.frames(partition).length, 0);
  const reported: WalkReport = { seed, steps, ...count, records, revisions: issued.length };
  const meters = [...firstAt].flatMap(([meterId, at]) => {
    const record = counting(world.log, world.registry, (id) => partitionOf(id, partitions)).find(
      (one) => one.meterId === meterId,
    )?.record;
    const own = { meterId, partition: partitionOf(meterId, partitions), zone: record?.zone, firstAt: at };
    return record?.removed === undefined ? [own] : [];
  });
  return { log: world.log, registry: world.registry, nowMs, issued, meters, report: reported };
}

function newWorld(log: MemoryLog, nowMs: () => number, registry: RegistryChange[] = []): SharedWorld {
  const stores = Array.from({ length: log.partitions }, (_, partition) => memoryPartition(partition));
  return { log, stores, ledger: memoryLedger(), registry, heldCalls: heldCalls(), nowMs };
}

function closing({ registry }: SharedWorld, nowMs: number, number: number): Barrier {
  const position = registry.length;
  return { atMs: nowMs, registry: position, quietBefore: 0, readyThrough: null, closeId: `close-${number}` };
}

/** Most go on where the meter was; some are late, come twice or contradict, and some come in one frame. */
function report(
  { log }: SharedWorld,
  meterId: string,
  random: () => number,
  nowMs: number,
  firstAt: Map<string, number>,
): void {
  const today = Math.floor((nowMs / 1000 - from) / day);
  const own = meterIds.filter((one) => partitionOf(one, partitions) === partitionOf(meterId, partitions));
  const others = own.filter((one) => one !== meterId && random() < 0.1);
  const reports = [meterId, ...others].map((one) => {
    const earliest = Math.max(0, today - Math.floor(random() * random() * 40));
    const days = Array.from({ length: random() < 0.2 ? 3 : 1 }, (_, index) => earliest + index);
    const rows = days
      .filter((on) => on <= Math.max(0, today))
      .map((on): [number, number] => {
        const at = from + on * day + (random() < 0.3 ? 21 * 3600 : 0);
        return [at, on * 1000 + (random() < 0.8 ? 0 : Math.floor(random() * 50))];
      });
    firstAt.set(one, Math.min(firstAt.get(one) ?? Number.POSITIVE_INFINITY, ...rows.map(([at]) => at)));
    const encoded = encodeReport({ meterId: one, series: [registerSeries(rows)] });
    return { meterId: one, receivedAtMs: nowMs, origin: "remote" as const, report: encoded, readings: rows.length };
  });
  log.append(reports, nowMs);
}

/** Lets whatever goes on by itself go on, until nothing does. */
async function quiet({ heldCalls: { waiting } }: SharedWorld): Promise<void> {
  for (let still = 0, seen = -1; still < 3; ) {
    await turn();
    still = waiting.length === seen ? still + 1 : 0;
    seen = waiting.length;
  }
}

const hoursMax = 400;

/** Until all is taken in, nothing waits, and an hour changes nothing. */
async function rest(world: SharedWorld, all: readonly WalkedAggregator[], pass: (ms: number) => void): Promise<void> {
  for (let hour = 0; hour < hoursMax; hour += 1) {
    for (let ticks = 0; ticks < 40; ticks += 1) {
      for (const one of all) one.wake();
      mock.timers.tick(100);
      for (let turns = 0; turns < 8; turns += 1) await turn();
    }
    const ends = world.log.ends();
    const isAtRest = world.stores.every((store, partition) => {
      const { position, pending } = store.progress();
      return position === ends.get(partition) && pending === 0;
    });
    if (isAtRest && hour > 2) return;
    pass(3_600_000);
  }
  const where = world.stores.map((store) => JSON.stringify(store.progress())).join(" ");
  throw new Error(`it never comes to rest: ${where} of ${JSON.stringify([...world.log.ends()])}`);
}

/** What one aggregator makes of the log, from nothing, with nobody in its way. */
async function replayed(log: MemoryLog, registry: readonly RegistryChange[], nowMs: number): Promise<Snapshot[]> {
  const copy = memoryLog(log.partitions);
  const world = newWorld(copy, () => nowMs, [...registry]);
  world.heldCalls.hold(false);
  for (let partition = 0; partition < log.partitions; partition += 1) copy.take(partition, log.frames(partition));
  const one = await walkedAggregator(world, "straight", () => 0.99);
  for (let partition = 0; partition < log.partitions; partition += 1) one.assign(partition, 1);
  await rest(world, [one], () => undefined);
  one.kill();
  return issuedIn(world);
}

async function issuedIn({ ledger }: SharedWorld): Promise<Snapshot[]> {
  const entries = await ledger.view.changes({ after: ledgerStart, limit: 1_000_000 });
  return entries.map(({ snapshot }) => snapshot);
}
