import { setImmediate } from "node:timers/promises";
import type { FollowOptions, Registry, RegistryChange, RegistrySubscription } from "@meterbook/core/ports/registry";
import type { RegistryReads } from "./registry-reads.ts";
import type { RecordRow } from "./registry-table.ts";

/** Those who follow a registry, each at its own pace and one call at a time. */
export interface RegistryFollowers {
  /** Resolves when what the table holds is delivered; where that fails it rejects, and nobody follows. */
  readonly follow: Registry["follow"];
  /** There are changes. */
  wake(): void;
  close(): Promise<void>;
}

interface Follower extends RegistrySubscription {
  wake(): void;
}

const rowsPerCallMax = 5000;
const pagesKeptMax = 4;
/** A call that failed is made again after this time. */
const againAfterMs = 500;

export function registryFollowers(reads: RegistryReads): RegistryFollowers {
  const followers = new Set<Follower>();
  const pageAfter = sharedPages(reads);
  return {
    async follow(changed, options = {}) {
      const one = follower(pageAfter, changed, changesIn(reads, options));
      followers.add(one);
      const close = async () => {
        followers.delete(one);
        await one.close();
      };
      await one.caughtUp().catch(async (error: unknown) => {
        await close();
        throw error;
      });
      return { close, caughtUp: one.caughtUp };
    },
    wake() {
      for (const one of followers) one.wake();
    },
    async close() {
      await Promise.all([...followers].map((one) => one.close()));
      followers.clear();
    },
  };
}

/**
 * Pages that several followers read one after the other: the partitions of a process begin together and each wants a
 * few meters of the millions.
 */
function sharedPages({ rows }: RegistryReads): (no: number) => readonly RecordRow[] {
  const kept = new Map<number, readonly RecordRow[]>();
  return (no) => {
    const known = kept.get(no);
    if (known !== undefined) return known;
    const page = rows.after(no, rowsPerCallMax);
    if (page.length < rowsPerCallMax) {
      kept.clear();
      return page;
    }
    const whole = withoutLastChange(page);
    kept.set(no, whole);
    const [oldest] = kept.keys();
    if (oldest !== undefined && kept.size > pagesKeptMax) kept.delete(oldest);
    return whole;
  };
}

/** The rows of one change are never in two calls: whoever hears of its position has heard of all of it. */
function withoutLastChange(page: readonly RecordRow[]): readonly RecordRow[] {
  const last = page.at(-1)?.position;
  const whole = page.filter(({ position }) => position !== last);
  return whole.length === 0 ? page : whole;
}

/** What a follower hears of rows: a change of each meter that they are of. */
function changesIn(reads: RegistryReads, { wants = () => true, asOf = 0 }: FollowOptions) {
  const { rows } = reads;
  const changeOf = (meterId: string, row: RecordRow, seenAt: number): readonly RegistryChange[] => {
    const record = reads.meterAsOf(meterId, seenAt);
    // Nobody has said anything of it, or what was said was taken back.
    return record === null ? [] : [{ meterId, record, position: row.position }];
  };

  function isNewestThen({ entity, version }: RecordRow): boolean {
    const next = rows.one(entity, version + 1);
    return next === undefined || next.position > asOf;
  }

  /** A new version of a point that says the same of it: only its meters changed, which have rows of their own. */
  function saysTheSame({ entity, version, body }: RecordRow): boolean {
    const before = rows.one(entity, version - 1)?.body ?? null;
    return body === null ? before === null : before !== null && Buffer.compare(before, body) === 0;
  }

  return (row: RecordRow): readonly RegistryChange[] => {
    const { entity, position } = row;
    if (entity.kind === "meter") {
      if (!wants(entity.id) || (position <= asOf && !isNewestThen(row))) return [];
      return changeOf(entity.id, row, Math.max(position, asOf));
    }
    if (position <= asOf || saysTheSame(row)) return [];
    const points = entity.kind === "outage" ? rows.pointsWithout(entity.id) : [entity.id];
    const meters = new Set(points.flatMap((point) => rows.metersAt(point)));
    return [...meters].sort().flatMap((id) => (wants(id) ? changeOf(id, row, position) : []));
  };
}

/** What is told at once: an outage of a feeder is a change of each of its meters. */
function* inCalls(
  page: readonly RecordRow[],
  changesOf: (row: RecordRow) => readonly RegistryChange[],
): Generator<RegistryChange[]> {
  let call: RegistryChange[] = [];
  for (const [index, row] of page.entries()) {
    for (const change of changesOf(row)) call.push(change);
    const isWhole = page[index + 1]?.position !== row.position;
    if (call.length < rowsPerCallMax || !isWhole) continue;
    yield call;
    call = [];
  }
  if (call.length > 0) yield call;
}

function follower(
  pageAfter: (no: number) => readonly RecordRow[],
  changed: (changes: readonly RegistryChange[]) => Promise<void>,
  changesOf: (row: RecordRow) => readonly RegistryChange[],
): Follower {
  let seen = 0;
  let closed = false;
  let again = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;

  async function deliver(): Promise<void> {
    while (!closed) {
      const page = pageAfter(seen);
      const last = page.at(-1);
      if (last === undefined) return;
      for (const wanted of inCalls(page, changesOf)) await changed(wanted);
      seen = last.no;
      await setImmediate();
    }
  }

  function run(): Promise<void> {
    const delivered = deliver();
    running = delivered
      .catch(() => {
        if (!closed) timer = setTimeout(wake, againAfterMs);
      })
      .finally(() => {
        running = undefined;
        if (again) wake();
      });
    return delivered;
  }

  function wake(): void {
    again = running !== undefined && !closed;
    if (running === undefined && !closed) run().catch(() => undefined);
  }

  return {
    async caughtUp() {
      // What is under way may have read its last page before the call.
      while (running !== undefined) await running;
      await run();
    },
    wake,
    async close() {
      closed = true;
      clearTimeout(timer);
      await running;
    },
  };
}
