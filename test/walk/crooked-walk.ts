import { mock } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { Barrier } from "@meterbook/sharding/barrier";
import { periodOf } from "./oracles.ts";
import { walkZone } from "./walked-aggregator.ts";
import { type WalkedBilling, walkedBilling } from "./walked-billing.ts";
import { type WalkedCrew, walkedCrew } from "./walked-crew.ts";
import { type WalkedMeters, walkedMeters, walkFrom } from "./walked-meters.ts";
import type { SharedWorld } from "./walked-world.ts";

/** A walk on its way: everything in it draws from one seed. */
export interface CrookedWalk {
  readonly crew: WalkedCrew;
  readonly meters: WalkedMeters;
  readonly billing: WalkedBilling;
  readonly count: { kills: number; takeOvers: number; failures: number };
  /** One thing happens, and what goes on by itself goes on until nothing does. */
  step(): Promise<void>;
  /** What an API has seen that cannot be; undefined where there is none. */
  readonly wrong: () => unknown;
}

export type Pass = (ms: number) => void;
const [hour, day] = [3_600_000, 86_400_000];
/** Before anything is older than readings reach. */
const walkUntilMs = (walkFrom + 150 * 86_400) * 1000;

function untilMonthsEnd(nowMs: number): number {
  return localCalendar(walkZone).boundaryOf(periodOf(nowMs)) * 1000 - nowMs;
}

export async function crookedWalk(world: SharedWorld, random: () => number, pass: Pass): Promise<CrookedWalk> {
  const pick = picking(random);
  const crew = walkedCrew(world, random);
  const [meters, billing] = [walkedMeters(world, random), walkedBilling()];
  const count = { kills: 0, takeOvers: 0, failures: 0 };
  const { startApi, startAggregator } = crew;
  const { heard, wrong } = hearing();
  const { waiting, fail, pauseOrNot, kill, takeOver } = mishaps({ world, crew, count, random });
  const copyOrPutBack = storesPutBack(world, crew);

  const actions: readonly (readonly [weight: number, act: () => Promise<unknown> | unknown])[] = [
    [14, () => meters.report()],
    [2, () => meters.register()],
    [2, () => world.log.appendBarrier([0, 1], closing(world, `close-${crew.names}`), world.nowMs())],
    [1, () => heard(pick(crew.apis).ask(periodOf(world.nowMs()) - 1))],
    [3, () => heard(billing.pull(pick(crew.apis).view, 1 + Math.floor(random() * 4)))],
    [1, () => heard(pick(crew.apis).look(meters.any()))],
    [36, () => pick(waiting())?.pass("done")],
    [1, pauseOrNot],
    [0.2, copyOrPutBack],
    [3, () => fail("fails before")],
    [3, () => fail("fails after")],
    [8, () => mock.timers.tick(100)],
    [4, () => leap(pick([900, 31_000, hour, 12 * hour, 5 * day, 20 * day]))],
    // Two months' ends may pass while nothing happens, or one in the middle of everything.
    [0.4, () => leap(40 * day)],
    [1, () => leap(untilMonthsEnd(world.nowMs()) + (random() * 5 - 0.1) * day)],
    [1, () => kill()],
    [0.4, () => crew.killApi(pick(crew.apis))],
    [0.4, () => crew.apis.length < 2 && startApi()],
    [1, async () => crew.aggregators.length < 3 && (await startAggregator())],
    [3, () => takeOver()],
  ];
  function leap(ms: number): void {
    const atMs = world.nowMs() + Math.max(0, Math.round(ms));
    if (atMs < walkUntilMs) pass(atMs - world.nowMs());
  }

  const drawn = actions.flatMap(([weight, act]) => Array<typeof act>(Math.round(weight * 5)).fill(act));

  startApi();
  const first = await startAggregator();
  for (let partition = 0; partition < world.log.partitions; partition += 1) crew.give(partition, first, true);
  return {
    ...{ crew, meters, billing, count, wrong },
    async step() {
      await pick(drawn)();
      for (const one of crew.aggregators) one.wake();
      await quiet(world);
    },
  };
}

function picking(random: () => number) {
  return <Thing>(things: readonly Thing[]) => things[Math.floor(random() * things.length)] as Thing;
}

/** An answer that fails says nothing; what is wrong in one that comes is kept. */
function hearing() {
  let wrong: unknown;
  return {
    wrong: () => wrong,
    heard(answer: Promise<void>): void {
      answer.catch((error: unknown) => {
        if (!String(error).includes("by the walk")) wrong ??= error;
      });
    },
  };
}

/** All stores are as they were when they were copied last, or are copied now. */
function storesPutBack(world: SharedWorld, crew: WalkedCrew): () => Promise<void> {
  let putBack: (() => void)[] | undefined;
  return async () => {
    const copied = putBack;
    putBack = copied === undefined ? world.stores.map((store) => store.copy()) : undefined;
    if (copied === undefined) return;
    for (const one of [...crew.apis]) crew.killApi(one);
    await crew.killAll(() => {
      for (const back of copied) back();
    });
  };
}

interface Mishaps extends Pick<CrookedWalk, "crew" | "count"> {
  readonly world: SharedWorld;
  readonly random: () => number;
}

/** What befalls the processes and their calls. */
function mishaps({ world, crew, count, random }: Mishaps) {
  const pick = picking(random);
  const waiting = () => world.heldCalls.waiting.filter(({ owner }) => !crew.paused.has(owner));
  return {
    waiting,
    fail(fate: "fails before" | "fails after"): void {
      const calls = waiting();
      // These are few, and what becomes of them stays.
      const lasting = calls.filter(({ name }) => name === "issue" || name === "seal");
      const call = pick(lasting.length > 0 && random() < 0.5 ? lasting : calls);
      if (call === undefined) return;
      count.failures += 1;
      call.pass(fate);
    },
    pauseOrNot(): void {
      if (crew.paused.size > 0 && random() < 0.7) crew.paused.clear();
      else crew.paused.add(pick([...crew.aggregators, ...crew.apis]).name);
    },
    kill(): Promise<void> {
      count.kills += 1;
      return crew.kill(pick(crew.aggregators));
    },
    takeOver(): void {
      count.takeOvers += 1;
      crew.give(Math.floor(random() * world.log.partitions), pick(crew.aggregators), random() < 0.5);
    },
  };
}

/** A close that somebody asked for, whoever that was. */
export function closing({ registry, nowMs }: SharedWorld, closeId: string | null): Barrier {
  return { atMs: nowMs(), registry: registry.length, quietBefore: 0, readyThrough: null, closeId };
}

/** Lets whatever goes on by itself go on, until nothing does. */
async function quiet({ heldCalls: { waiting } }: SharedWorld): Promise<void> {
  for (let still = 0, seen = -1; still < 3; ) {
    await turn();
    still = waiting.length === seen ? still + 1 : 0;
    seen = waiting.length;
  }
}
