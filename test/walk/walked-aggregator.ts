import { type AggregatorPorts, aggregateReadings } from "@meterbook/aggregator/aggregate-readings";
import { silentAggregatorEvents } from "@meterbook/aggregator/aggregator-events";
import { usualAdmission } from "@meterbook/aggregator/apply/admit-reports";
import type { FrameConsumer } from "@meterbook/core/ports/readings-log";
import type { SnapshotLedger } from "@meterbook/core/ports/snapshot-ledger";
import { damageLogIn } from "../support/worlds/memory-ports.ts";
import type { Through } from "./held-calls.ts";
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
  const { log, heldCalls } = world;
  const through = <Answer>(what: string, work: () => Promise<Answer>) => heldCalls.through(name, what, work);
  const own = new Map<number, { stop: () => void; ended: Promise<void> }>();
  const waiters = new Set<() => void>();
  let consumer: FrameConsumer | undefined;
  let isDead = false;
  let tellRegistry = async (): Promise<void> => undefined;

  const ports: AggregatorPorts = {
    clock: { nowMs: world.nowMs },
    log: {
      partitions: log.partitions,
      starts: async () => new Map([...log.ends().keys()].map((partition) => [partition, 0])),
      ends: async () => log.ends(),
      appendBarrier: (partitions, barrier) =>
        through("barrier", async () => {
          const offsets = log.appendBarrier(partitions, barrier, world.nowMs());
          ring();
          return offsets;
        }),
      consume: async (given) => {
        consumer = given;
        return { close: async () => undefined };
      },
    },
    series: {
      open: (partition, ownerNo) =>
        through("open", async () => (world.stores[partition] as MemoryPartition).open(ownerNo, through)),
      close: async () => undefined,
    },
    ledgers: {
      open: (partition) => through("fence", async () => gatedLedger(world.ledger.open(partition), through)),
      close: async () => undefined,
    },
    registry: {
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
        const before = tellRegistry;
        tellRegistry = async () => {
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
    rejected: { append: async () => undefined },
    damages: damageLogIn(new Map()),
  };
  await aggregateReadings(ports, {
    ...{ timeZone: walkZone, settleSeconds, limits: usualAdmission, events: silentAggregatorEvents },
    ...{ damaged: () => undefined, crashPoint: () => undefined },
  });

  function ring(): void {
    for (const wake of [...waiters]) {
      waiters.delete(wake);
      wake();
    }
  }

  /** As a consumer does: opens, hands over in order, and again what was not taken. */
  async function pump(partition: number, ownerNo: number, gone: AbortController): Promise<void> {
    const taking = consumer as FrameConsumer;
    const isOver = () => gone.signal.aborted || isDead;
    let next: number | undefined;
    while (next === undefined && !isOver()) {
      next = await taking.assigned(partition, ownerNo, gone.signal, () => undefined).catch(() => undefined);
      if (next === undefined) await pause();
    }
    while (!isOver()) {
      const frames = log.frames(partition).slice(next, (next ?? 0) + 1 + Math.floor(random() * batchMax));
      const last = frames.at(-1);
      if (last === undefined) {
        await new Promise<void>((resolve) => waiters.add(resolve));
        continue;
      }
      try {
        await taking.handle({ partition, frames });
        next = last.offset + 1;
      } catch {
        await pause();
      }
    }
    if (!isDead) await taking.revoked(partition).catch(() => undefined);
  }

  return {
    name,
    assign(partition, ownerNo) {
      const before = own.get(partition);
      before?.stop();
      const gone = new AbortController();
      const ended = (before?.ended ?? Promise.resolve()).then(() => pump(partition, ownerNo, gone));
      own.set(partition, { stop: () => gone.abort(), ended });
      ring();
    },
    revoke(partition) {
      own.get(partition)?.stop();
      ring();
    },
    wake() {
      ring();
      void tellRegistry();
    },
    kill() {
      isDead = true;
      heldCalls.kill(name);
    },
  };
}

/** In virtual time. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100));
}

function gatedLedger(ledger: SnapshotLedger, through: Through): SnapshotLedger {
  return {
    ...ledger,
    append: (snapshots) => through("issue", () => ledger.append(snapshots)),
    seal: (atMs) => through("seal", () => ledger.seal(atMs)),
    latestOfMeter: (meterId, from) => through("look up", () => ledger.latestOfMeter(meterId, from)),
    latestOfMeters: (meterIds, from) => through("look up", () => ledger.latestOfMeters(meterIds, from)),
  };
}
