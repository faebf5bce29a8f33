import { mock } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Barrier } from "@meterbook/core/domain/barrier";
import type { Snapshot } from "@meterbook/core/domain/snapshot";
import { snapshotId } from "@meterbook/core/domain/snapshot";
import type { RegistryChange } from "@meterbook/core/ports/registry";
import { encodeReport } from "@meterbook/core/wire/meter-report-protobuf";
import { seededRandom } from "../support/random.ts";
import { instant, registerSeries } from "../support/readings.ts";
import { gates } from "./gates.ts";
import { memoryLedger } from "./memory-ledger.ts";
import { type MemoryLog, memoryLog } from "./memory-log.ts";
import { memoryPartition } from "./memory-series.ts";
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
 * Walks several aggregators through kills, stand-stills, take-overs that nobody told them of, calls that fail before or after they are carried out
 * and any order in which calls are answered, all by a seed, in virtual time. Then one aggregator brings everything to rest, and what is
 * issued must be what one aggregator makes of the same log in a straight way, record by record.
 *
 * @throws Error that says what differs
 */
export async function walk({ seed, steps }: WalkOptions): Promise<WalkReport> {
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  try {
    const walked = await crooked(seed, steps);
    const straight = await replayed(walked.log, walked.registry, walked.nowMs);
    compare(walked.issued, straight);
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
  let epoch = 0;
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
    epoch += 1;
    to.assign(partition, epoch);
  }

  async function kill(one: WalkedAggregator): Promise<void> {
    one.kill();
    alive.splice(alive.indexOf(one), 1);
    if (alive.length === 0) await start();
    for (const [partition, owner] of owners) if (owner === one) give(partition, pick(alive), false);
  }

  const register = () => {
    const known = new Set(world.registry.map(({ meterId }) => meterId));
    const fresh = meterIds.filter((meterId) => !known.has(meterId));
    if (fresh.length === 0) return;
    const meterId = pick(fresh);
    const multiplier = pick([1, 40]);
    const record = {
      meterId,
      usagePointId: `${meterId}-up`,
      registers: [{ register: "1.8.0", unit: "Wh" as const, multiplier }],
    };
    world.registry.push({ meterId, record, position: world.registry.length + 1 });
  };
  const actions: readonly (readonly [weight: number, act: () => Promise<void> | void])[] = [
    [14, () => report(world, pick(meterIds), random, nowMs)],
    [2, register],
    [2, () => void world.log.appendBarrier([0, 1], closing(world, nowMs, names), nowMs)],
    [30, () => pick(world.gates.waiting)?.pass("done")],
    [3, () => fail("fails before")],
    [3, () => fail("fails after")],
    [8, () => tick()],
    [4, () => pass(pick([900, 31_000, 3_600_000, 12 * 3_600_000, 5 * day * 1000]))],
    [
      1,
      async () => {
        count.kills += 1;
        await kill(pick(alive));
      },
    ],
    [1, async () => void (alive.length < 3 && (await start()))],
    [
      2,
      () => {
        count.takeOvers += 1;
        give(Math.floor(random() * partitions), pick(alive), random() < 0.5);
      },
    ],
  ];

  function fail(fate: "fails before" | "fails after"): void {
    const gate = pick(world.gates.waiting);
    if (gate === undefined) return;
    count.failures += 1;
    gate.pass(fate);
  }

  function pass(ms: number): void {
    nowMs += ms;
  }

  function tick(): void {
    mock.timers.tick(100);
  }

  async function act(): Promise<void> {
    await pick(actions.flatMap(([weight, one]) => Array<typeof one>(weight).fill(one)))();
    for (const one of alive) one.wake();
    await quiet(world);
  }

  const first = await start();
  for (let partition = 0; partition < partitions; partition += 1) give(partition, first, true);
  for (let step = 0; step < steps; step += 1) await act();

  // All is well from here on, and one has everything.
  world.gates.hold(false);
  for (const one of [...alive]) one.kill();
  alive.splice(0);
  const last = await start();
  for (let partition = 0; partition < partitions; partition += 1) give(partition, last, false);
  await rest(world, last, pass);
  last.kill();
  const issued = await issuedIn(world);
  const records = [0, 1].reduce((sum, partition) => sum + world.log.frames(partition).length, 0);
  const reported: WalkReport = { seed, steps, ...count, records, revisions: issued.length };
  return { log: world.log, registry: world.registry, nowMs, issued, report: reported };
}

function newWorld(log: MemoryLog, nowMs: () => number, registry: RegistryChange[] = []): SharedWorld {
  const stores = Array.from({ length: log.partitions }, () => memoryPartition());
  return { log, stores, ledger: memoryLedger(), registry, gates: gates(), nowMs };
}

function closing({ registry }: SharedWorld, nowMs: number, number: number): Barrier {
  const position = registry.length;
  return { atMs: nowMs, registry: position, quietBefore: 0, readyThrough: null, closeId: `close-${number}` };
}

/** Most go on where the meter was; some are late, come twice or contradict. */
function report({ log }: SharedWorld, meterId: string, random: () => number, nowMs: number): void {
  const today = Math.floor((nowMs / 1000 - from) / day);
  const on = Math.max(0, today - Math.floor(random() * random() * 40));
  const at = from + on * day + (random() < 0.3 ? 21 * 3600 : 0);
  const value = on * 1000 + (random() < 0.8 ? 0 : Math.floor(random() * 50));
  const series = [registerSeries([[at, value]])];
  log.append(
    { meterId, receivedAtMs: nowMs, origin: "remote", report: encodeReport({ meterId, series }), readings: 1 },
    nowMs,
  );
}

/** Lets whatever goes on by itself go on, until nothing does. */
async function quiet({ gates: { waiting } }: SharedWorld): Promise<void> {
  for (let still = 0, seen = -1; still < 3; ) {
    await turn();
    still = waiting.length === seen ? still + 1 : 0;
    seen = waiting.length;
  }
}

const hoursMax = 400;

/** Until all is taken in, nothing waits, and an hour changes nothing. */
async function rest(world: SharedWorld, one: WalkedAggregator, pass: (ms: number) => void): Promise<void> {
  for (let hour = 0; hour < hoursMax; hour += 1) {
    for (let ticks = 0; ticks < 40; ticks += 1) {
      one.wake();
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
  world.gates.hold(false);
  for (let partition = 0; partition < log.partitions; partition += 1)
    (copy.frames(partition) as unknown[]).push(...log.frames(partition));
  const one = await walkedAggregator(world, "straight", () => 0.99);
  for (let partition = 0; partition < log.partitions; partition += 1) one.assign(partition, 1);
  await rest(world, one, () => undefined);
  one.kill();
  return issuedIn(world);
}

async function issuedIn({ ledger }: SharedWorld): Promise<Snapshot[]> {
  const entries = await ledger.view.changes({ afterSequence: 0, limit: 1_000_000 });
  return entries.map(({ snapshot }) => snapshot);
}

function compare(walked: readonly Snapshot[], straight: readonly Snapshot[]): void {
  const [there, right] = [walked, straight].map(
    (all) => new Map(all.map((one) => [snapshotId(one), JSON.stringify(one)])),
  );
  const ids = new Set([...(there?.keys() ?? []), ...(right?.keys() ?? [])]);
  const wrong = [...ids].filter((id) => there?.get(id) !== right?.get(id)).sort();
  if (wrong.length === 0) return;
  const [id = ""] = wrong;
  throw new Error(
    `${wrong.length} revisions differ, the first is ${id}:\n  walked   ${there?.get(id)}\n  straight ${right?.get(id)}`,
  );
}
