import { syncBuiltinESMExports } from "node:module";
import { mock } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import type { RegistryChange } from "@meterbook/core/ports/registry";
import { partitionOf } from "@meterbook/sharding/slot";
import { seededRandom } from "../support/seeded-random.ts";
import { type CrookedWalk, closing, crookedWalk, type Pass } from "./crooked-walk.ts";
import { type MemoryLog, memoryLog } from "./memory-log.ts";
import { atOnce, checkMonths, compare, compareLatest, counting, lastClose, upToClose } from "./oracles.ts";
import { checkSeals, isSealed } from "./sealed-ledger.ts";
import { type WalkedAggregator, walkedAggregator } from "./walked-aggregator.ts";
import { type DoneCloses, said } from "./walked-api.ts";
import { partitions, walkFrom } from "./walked-meters.ts";
import { issuedIn, type SharedWorld, walkedWorld } from "./walked-world.ts";

/** What one walk tried. */
export interface WalkReport {
  readonly seed: number;
  readonly steps: number;
  readonly kills: number;
  readonly takeOvers: number;
  readonly failures: number;
  readonly records: number;
  readonly revisions: number;
  /** Closes that an API said were done. */
  readonly closes: number;
}

export interface WalkOptions {
  readonly seed: number;
  readonly steps: number;
}

/**
 * Walks several aggregators and APIs through kills, pauses, take-overs that nobody told them of, calls that fail before
 * or after they are carried out, and answers in any order. All is drawn from a seed, in virtual time. Then everything
 * is brought to rest. What is issued must be what one aggregator makes of the same log without any fault, record by
 * record. Billing must have had each once, all must be sealed, and a close that was said to be done must have been.
 *
 * @throws Error that says what differs
 */
export async function walk({ seed, steps }: WalkOptions): Promise<WalkReport> {
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
  // For whoever has imported them from node:timers/promises.
  syncBuiltinESMExports();
  // What has a budget of real time would do more or less of its work, and the same seed would walk another way.
  const { mock: elapsed } = mock.method(performance, "now", () => 0);
  try {
    const walked = await walkedThrough(seed, steps);
    const { log, registry, nowMs } = walked;
    const straight = await replayed(log, registry, nowMs);
    compare(walked.issued, straight);
    checkMonths(log, walked.issued, walked.meters);
    const counts = (some: MemoryLog) => counting(some, registry, (meterId) => partitionOf(meterId, partitions));
    compareLatest(straight, await replayed(atOnce(log), counts(log), nowMs));
    const closed = upToClose(log, lastClose(log));
    // The clock stands still, so what the close has left out would wait for ever.
    if (closed !== undefined) await replayed(closed.log, counts(closed.log), closed.nowMs);
    await checkDone(log, walked.done, (some, atMs) => replayed(some, counts(some), atMs));
    return walked.report;
  } finally {
    mock.timers.reset();
    syncBuiltinESMExports();
    elapsed.restore();
  }
}

async function walkedThrough(seed: number, steps: number) {
  const random = seededRandom(seed);
  let nowMs = walkFrom * 1000;
  const world = walkedWorld(memoryLog(partitions), () => nowMs);
  const pass = (ms: number) => {
    nowMs += ms;
  };
  const crooked = await crookedWalk(world, random, pass);
  const { crew, count, meters } = crooked;
  for (let step = 0; step < steps; step += 1) await crooked.step();

  // All is well from here on: one begins anew and has everything, or each goes on with its own.
  world.heldCalls.hold(false);
  if (random() < 0.5) await crew.killAll();
  crew.tellAll();
  await rest(world, crew.aggregators, pass);
  // What nothing is due behind may wait long for its seal.
  world.log.appendBarrier([0, 1], closing(world, null), nowMs);
  await rest(world, crew.aggregators, pass, () => isSealed(world.ledger.view));
  const issued = await issuedIn(world);
  checkSeals(world.ledger.database, world.log);
  await checkReaders(crooked, issued);
  for (const one of [...crew.aggregators, ...crew.apis]) one.kill();
  const { log, registry } = world;
  const records = [0, 1].reduce((sum, partition) => sum + log.frames(partition).length, 0);
  const report: WalkReport = { seed, steps, ...count, records, revisions: issued.length, closes: crew.done.seen.size };
  return { log, registry, nowMs, issued, meters: due(world, meters.firstAt), done: crew.done, report };
}

async function checkReaders({ billing, crew, wrong }: CrookedWalk, issued: readonly Snapshot[]): Promise<void> {
  if (wrong() !== undefined) throw wrong();
  for (let pages = 0; pages <= issued.length; pages += 1) await billing.pull(crew.apis[0]?.view as never, 50);
  billing.check(issued);
}

/** Whoever was told that a close is done saw all that the log up to it issues. */
async function checkDone(
  log: MemoryLog,
  done: DoneCloses,
  replay: (log: MemoryLog, nowMs: number) => Promise<Snapshot[]>,
): Promise<void> {
  if (done.wrong !== undefined) throw new Error(done.wrong);
  const last = [...done.seen].at(-1);
  const closed = upToClose(log, last?.[0]);
  if (last === undefined || closed === undefined) return;
  const [id, seen] = last;
  const missing = (await replay(closed.log, closed.nowMs)).map(said).filter((one) => !seen.has(one));
  if (missing.length > 0) throw new Error(`close ${id} was said to be done without ${missing[0]}`);
}

/** Meters whose months must be there, with what counts of their master data. */
function due({ log, registry }: SharedWorld, firstAt: ReadonlyMap<string, number>) {
  const counts = counting(log, registry, (id) => partitionOf(id, partitions));
  return [...firstAt].flatMap(([meterId, at]) => {
    const record = counts.find((one) => one.meterId === meterId)?.record;
    const own = { meterId, partition: partitionOf(meterId, partitions), zone: record?.zone, firstAt: at };
    return record?.removed === undefined ? [own] : [];
  });
}

const hoursMax = 400;

/** Until all is taken in, nothing waits, and an hour changes nothing. */
async function rest(
  world: SharedWorld,
  all: readonly WalkedAggregator[],
  pass: Pass,
  isRight: () => Promise<boolean> = async () => true,
): Promise<void> {
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
    if (isAtRest && hour > 2 && (await world.jobs.unfinished()).length === 0 && (await isRight())) return;
    pass(3_600_000);
  }
  const where = world.stores.map((store) => JSON.stringify(store.progress())).join(" ");
  const jobs = JSON.stringify(await world.jobs.unfinished());
  throw new Error(`it never comes to rest: ${where} of ${JSON.stringify([...world.log.ends()])}, jobs ${jobs}`);
}

/** What one aggregator makes of the log, from nothing, with nobody in its way. */
async function replayed(log: MemoryLog, registry: readonly RegistryChange[], nowMs: number): Promise<Snapshot[]> {
  const copy = memoryLog(log.partitions);
  const world = walkedWorld(copy, () => nowMs, [...registry]);
  world.heldCalls.hold(false);
  for (let partition = 0; partition < log.partitions; partition += 1) copy.take(partition, log.frames(partition));
  const one = await walkedAggregator(world, "straight", () => 0.99);
  for (let partition = 0; partition < log.partitions; partition += 1) one.assign(partition, 1);
  await rest(world, [one], () => undefined);
  one.kill();
  return issuedIn(world);
}
