import { setImmediate } from "node:timers/promises";
import type { Registry, RegistryChange, RegistrySubscription } from "@meterbook/core/ports/registry";
import type { RegistryRow, RegistryTable } from "./registry-table.ts";

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

const changesPerCallMax = 5000;
const pagesKeptMax = 4;
/** A call that failed is made again after this time. */
const againAfterMs = 500;

export function registryFollowers(table: RegistryTable): RegistryFollowers {
  const followers = new Set<Follower>();
  const pageAfter = sharedPages(table);
  return {
    async follow(changed, wants = () => true) {
      const one = follower(pageAfter, changed, wants);
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
 * Pages that several followers read one after the other: the partitions of a process begin together and each wants a few
 * meters of the millions. What has changed since a page was read comes again, later in the order.
 */
function sharedPages(table: RegistryTable): (position: number) => readonly RegistryRow[] {
  const kept = new Map<number, readonly RegistryRow[]>();
  return (position) => {
    const known = kept.get(position);
    if (known !== undefined) return known;
    const page = table.changedAfter(position, changesPerCallMax);
    if (page.length < changesPerCallMax) kept.clear();
    else kept.set(position, page);
    const [oldest] = kept.keys();
    if (oldest !== undefined && kept.size > pagesKeptMax) kept.delete(oldest);
    return page;
  };
}

function changeIn({ meterId, position, record }: RegistryRow): RegistryChange {
  return { meterId, position, record: record() };
}

function follower(
  pageAfter: (position: number) => readonly RegistryRow[],
  changed: (changes: readonly RegistryChange[]) => Promise<void>,
  wants: (meterId: string) => boolean,
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
      const wanted = page.filter(({ meterId }) => wants(meterId)).map(changeIn);
      if (wanted.length > 0) await changed(wanted);
      seen = last.position;
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
