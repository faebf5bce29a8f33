import { type AggregatorPorts, aggregateReadings } from "@meterbook/aggregator/aggregate-readings";
import { silentAggregatorEvents } from "@meterbook/aggregator/aggregator-events";
import { usualAdmission } from "@meterbook/aggregator/apply/admit-reports";
import type { FrameConsumer } from "@meterbook/core/ports/readings-log";
import type { SnapshotLedger } from "@meterbook/core/ports/snapshot-ledger";
import { damageLogIn } from "../support/worlds/memory-ports.ts";
import type { Through } from "./held-calls.ts";
import type { MemoryLog } from "./memory-log.ts";
import type { MemoryPartition } from "./memory-series.ts";
import type { SharedWorld } from "./walked-world.ts";

/** A process of the aggregator, whose calls of ports are held under its name. */
export interface WalkedAggregator {
  readonly name: string;
  /** Gives it a partition as this owner; what it had of it before is another's since. */
  assign(partition: number, ownerNo: number): void;
  /** Tells it that the partition is no longer its. */
  revoke(partition: number): void;
  /** There is something in the log, or in the registry. */
  wake(): void;
  /** It is gone, in the middle of whatever it does. */
  kill(): void;
}

export const settleSeconds = 30;
export const walkZone = "Europe/Kyiv";
const batchMax = 7;

export async function walkedAggregator(
  world: SharedWorld,
  name: string,
  random: () => number,
): Promise<WalkedAggregator> {
  const { heldCalls } = world;
  const through: Through = (what, work) => heldCalls.through(name, what, work);
  const own = new Map<number, { stop: () => void; ended: Promise<void> }>();
  const news = waitingForNews();
  const registry = toldRegistry(world, through);
  let consumer: FrameConsumer | undefined;
  let isDead = false;

  const consume = (given: FrameConsumer) => {
    consumer = given;
  };
  await aggregateReadings(portsOf(world, through, { consume, told: news.told, registry: registry.port }), {
    ...{ timeZone: walkZone, settleSeconds, limits: usualAdmission, events: silentAggregatorEvents },
    ...{ damaged: () => undefined, crashPoint: () => undefined },
  });

  return {
    name,
    assign(partition, ownerNo) {
      const before = own.get(partition);
      before?.stop();
      const gone = new AbortController();
      const taking = { consumer: consumer as FrameConsumer, log: world.log, random, wait: news.wait };
      const begun = (before?.ended ?? Promise.resolve()).then(() =>
        consumePartition(taking, { partition, ownerNo, gone: gone.signal, isDead: () => isDead }),
      );
      own.set(partition, { stop: () => gone.abort(), ended: begun });
      news.told();
    },
    revoke(partition) {
      own.get(partition)?.stop();
      news.told();
    },
    wake() {
      news.told();
      registry.tell();
    },
    kill() {
      isDead = true;
      heldCalls.kill(name);
    },
  };
}

/** Whoever waits goes on when there is something new. */
function waitingForNews() {
  const waiters = new Set<() => void>();
  return {
    wait: () => new Promise<void>((resolve) => waiters.add(resolve)),
    told(): void {
      for (const wake of [...waiters]) {
        waiters.delete(wake);
        wake();
      }
    },
  };
}

interface ToldParts {
  readonly consume: (consumer: FrameConsumer) => void;
  readonly told: () => void;
  readonly registry: AggregatorPorts["registry"];
}

function portsOf(world: SharedWorld, through: Through, { consume, told, registry }: ToldParts): AggregatorPorts {
  const { log } = world;
  return {
    clock: { nowMs: world.nowMs },
    log: {
      partitions: log.partitions,
      starts: async () => new Map([...log.ends().keys()].map((partition) => [partition, 0])),
      ends: async () => log.ends(),
      appendBarrier: (partitions, barrier) =>
        through("barrier", async () => {
          const offsets = log.appendBarrier(partitions, barrier, world.nowMs());
          told();
          return offsets;
        }),
      consume: async (given) => {
        consume(given);
        return { close: async () => undefined };
      },
    },
    series: {
      open: (partition, ownerNo) =>
        through("open", async () => (world.stores[partition] as MemoryPartition).open(ownerNo, through)),
      close: async () => undefined,
    },
    ledgers: {
      open: (partition) => through("fence", async () => heldLedger(world.ledger.open(partition), through)),
      close: async () => undefined,
    },
    registry,
    rejected: { append: async () => undefined },
    damages: damageLogIn(new Map()),
  };
}

/** Tells each who follows of what was put since, when somebody says that there is something. */
function toldRegistry(world: SharedWorld, through: Through) {
  let tellAll = async (): Promise<void> => undefined;
  return {
    tell: () => void tellAll(),
    port: {
      async follow(changed, { wants = () => true } = {}) {
        let seen = 0;
        const isBehind = () => world.registry.length > seen;
        const tell = async () => {
          if (isBehind()) await through("registry", async () => undefined);
          const fresh = world.registry.filter(({ position }) => position > seen);
          seen = world.registry.length;
          const wanted = fresh.filter(({ meterId }) => wants(meterId));
          if (wanted.length > 0) await changed(wanted);
        };
        let isTelling = false;
        const before = tellAll;
        tellAll = async () => {
          void before();
          if (isTelling || !isBehind()) return;
          isTelling = true;
          await tell().catch(() => undefined);
          isTelling = false;
        };
        await tell();
        return { close: async () => undefined, caughtUp: tell };
      },
    } as AggregatorPorts["registry"],
  };
}

interface Taking {
  readonly consumer: FrameConsumer;
  readonly log: MemoryLog;
  readonly random: () => number;
  /** Until there is something in the log. */
  readonly wait: () => Promise<void>;
}

interface WalkedAssignment {
  readonly partition: number;
  readonly ownerNo: number;
  readonly gone: AbortSignal;
  readonly isDead: () => boolean;
}

/** As a consumer does: opens, hands over in order, and again what was not taken. */
async function consumePartition({ consumer, log, random, wait }: Taking, assignment: WalkedAssignment): Promise<void> {
  const { partition, ownerNo, gone, isDead } = assignment;
  const isOver = () => gone.aborted || isDead();
  let next: number | undefined;
  while (next === undefined && !isOver()) {
    next = await consumer.assigned(partition, ownerNo, gone, () => undefined).catch(() => undefined);
    if (next === undefined) await pause();
  }
  while (!isOver()) {
    const frames = log.frames(partition).slice(next, (next ?? 0) + 1 + Math.floor(random() * batchMax));
    const last = frames.at(-1);
    if (last === undefined) {
      await wait();
      continue;
    }
    try {
      await consumer.handle({ partition, frames });
      next = last.offset + 1;
    } catch {
      await pause();
    }
  }
  if (!isDead()) await consumer.revoked(partition).catch(() => undefined);
}

/** In virtual time. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100));
}

function heldLedger(ledger: SnapshotLedger, through: Through): SnapshotLedger {
  return {
    ...ledger,
    append: (snapshots) => through("issue", () => ledger.append(snapshots)),
    seal: (atMs) => through("seal", () => ledger.seal(atMs)),
    latestOfMeter: (meterId, from) => through("look up", () => ledger.latestOfMeter(meterId, from)),
    latestOfMeters: (meterIds, from) => through("look up", () => ledger.latestOfMeters(meterIds, from)),
  };
}
