import { type CloseJobs, closeJobs, type JobPorts } from "@meterbook/api/billing/close-jobs";
import { type Snapshot, snapshotId } from "@meterbook/core/domain/snapshot/snapshot";
import type { SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import { memoryDamageLog, nothingStored } from "../support/worlds/memory-ports.ts";
import type { Through } from "./held-calls.ts";
import { issuedIn, type SharedWorld } from "./walked-world.ts";

/** A process of the API, whose calls of ports are held under its name. */
export interface WalkedApi {
  readonly name: string;
  readonly view: Pick<SnapshotView, "changes">;
  /** Asks for a close, as a job. */
  ask(period: number): Promise<void>;
  /** Reads a meter, and compares what it sees with what it saw before. */
  look(meterId: string): Promise<void>;
  kill(): void;
}

/** Closes that were said to be done. */
export interface DoneCloses {
  /** What was issued then, by the id of the close. */
  readonly seen: Map<string, ReadonlySet<string>>;
  wrong: string | undefined;
}

const timeoutMs = 2 ** 31 - 1;

export function walkedApi(world: SharedWorld, name: string, done: DoneCloses): WalkedApi {
  const { heldCalls, ledger } = world;
  const through: Through = (what, work) => heldCalls.through(name, what, work);
  const view: SnapshotView = {
    ...ledger.view,
    changes: (page) => through("changes", () => ledger.view.changes(page)),
    catchUp: () => through("catch up", () => ledger.view.catchUp()),
  };
  const closes = closeJobs(portsOf(world, through, view, done), timeoutMs);
  return {
    name,
    view,
    ask: (period) => askOf(closes, period),
    look: readingLooks(world, through),
    kill: () => heldCalls.kill(name),
  };
}

/** Whoever asks hears nothing of a call that is never answered, and asks no more. */
async function askOf(closes: CloseJobs, period: number): Promise<void> {
  await closes.ask(period, "walk").catch(() => undefined);
}

function portsOf(world: SharedWorld, through: Through, snapshots: SnapshotView, done: DoneCloses): JobPorts {
  const { jobs, log, registry, stores, nowMs } = world;
  return {
    clock: { nowMs },
    snapshots,
    damage: memoryDamageLog(),
    jobs: {
      ...jobs,
      put: (job) =>
        through("put job", async () => {
          await jobs.put(job);
          if (job.state !== "done") return;
          done.wrong ??= notPassed(world, job.id);
          if (!done.seen.has(job.id)) done.seen.set(job.id, new Set((await issuedIn(world)).map(said)));
        }),
    },
    readingsLog: {
      partitions: log.partitions,
      // One after the other, so that a close may stand in some of them and not in the others.
      async appendBarrier(partitions: readonly number[], barrier: Parameters<typeof log.appendBarrier>[1]) {
        const offsets = new Map<number, number>();
        for (const partition of partitions) {
          const own = await through("ask", async () => log.appendBarrier([partition], barrier, nowMs()));
          offsets.set(partition, own.get(partition) as number);
        }
        return offsets;
      },
    },
    registry: { newest: () => through("newest", async () => registry.length) },
    series: {
      totals: () =>
        through("totals", async () => {
          const all = await Promise.all(stores.map(({ reader }) => reader.totals()));
          const pending = all.reduce((sum, one) => sum + one.pending, 0);
          return { ...nothingStored, pending, positions: new Map(all.flatMap(({ positions }) => [...positions])) };
        }),
    },
  };
}

/** A close that is done was passed wherever it stands; what is wrong where it was not. */
function notPassed({ log, stores }: SharedWorld, id: string): string | undefined {
  for (const [partition, store] of stores.entries()) {
    const at = log.frames(partition).find(({ barrier }) => barrier?.closeId === id)?.offset;
    if (at === undefined || store.progress().position > at) continue;
    return `close ${id} was said to be done before partition ${partition} passed it`;
  }
  return undefined;
}

/** As it is compared, record by record. */
export function said(snapshot: Snapshot): string {
  return `${snapshotId(snapshot)} ${JSON.stringify(snapshot)}`;
}

/** A reading that was seen once is seen ever after. */
function readingLooks({ stores }: SharedWorld, through: Through): (meterId: string) => Promise<void> {
  const seen = new Map<string, ReadonlySet<number>>();
  let round = 0;
  return async (meterId) => {
    round += 1;
    const own = round;
    const everything = { from: 0, to: Number.MAX_SAFE_INTEGER };
    const found = await through("look", () =>
      Promise.all(stores.map(({ reader }) => reader.read(meterId, everything))),
    );
    const at = new Set(found.flat().flatMap((series) => series.at));
    const gone = [...(seen.get(meterId) ?? [])].filter((instant) => !at.has(instant));
    // A look that was asked for earlier may be answered later.
    if (own === round && gone.length > 0) throw new Error(`${meterId}: ${gone.length} readings are gone`);
    seen.set(meterId, at);
  };
}
