import { setImmediate } from "node:timers/promises";
import type { GapLog } from "@meterbook/core/ports/gap-log";
import type { Subscription } from "@meterbook/core/ports/readings-log";
import type { GapTable } from "./gap-table.ts";

/** Those who follow a gap log, each at its own pace and one call at a time. */
export interface GapFollowers extends Pick<GapLog, "follow"> {
  /** There are changes. */
  wake(): void;
  close(): Promise<void>;
}

interface Follower extends Subscription {
  wake(): Promise<void>;
}

const recordsPerCallMax = 1000;
/** A call that failed is made again after this time. */
const againAfterMs = 500;

export function gapFollowers(table: Pick<GapTable, "changedAfter">): GapFollowers {
  const followers = new Set<Follower>();
  return {
    async follow(changed) {
      const one = follower(table, changed);
      followers.add(one);
      await one.wake();
      return {
        async close() {
          followers.delete(one);
          await one.close();
        },
      };
    },
    wake() {
      for (const one of followers) void one.wake().catch(() => undefined);
    },
    async close() {
      await Promise.all([...followers].map((one) => one.close()));
      followers.clear();
    },
  };
}

function follower(table: Pick<GapTable, "changedAfter">, changed: Parameters<GapLog["follow"]>[0]): Follower {
  let seen = 0;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let last = Promise.resolve();
  /** Calls that have not begun: one is enough. */
  let next: Promise<void> | undefined;

  async function deliver(): Promise<void> {
    next = undefined;
    while (!closed) {
      const page = table.changedAfter(seen, recordsPerCallMax);
      const newest = page.at(-1);
      if (newest === undefined) return;
      await changed(page.flatMap(({ gaps }) => gaps ?? []));
      seen = newest.position;
      await setImmediate();
    }
  }

  function wake(): Promise<void> {
    next ??= last.then(deliver);
    last = next.catch(() => {
      if (!closed) timer = setTimeout(() => void wake().catch(() => undefined), againAfterMs);
    });
    return next;
  }

  return {
    wake,
    async close() {
      closed = true;
      clearTimeout(timer);
      await last;
    },
  };
}
