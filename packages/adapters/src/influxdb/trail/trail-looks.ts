import { setTimeout } from "node:timers/promises";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { InfluxConnection } from "../client/influx-connection.ts";
import { query, type RowSeries } from "../client/influx-query.ts";
import type { Trail, TrailLook } from "./trail.ts";

/** Looks at the trails of a process's partitions: together, one query per server, and not more often than is needed. */
export interface TrailLooks {
  /** Resolves with the next look at these trails, by server. Rejects where a server cannot be asked. */
  next(trails: readonly Trail[]): Promise<"sound" | "behind">;
  /** Looks at once. */
  now(trails: readonly Trail[]): Promise<"sound" | "behind">;
}

interface Waiting {
  readonly trails: readonly Trail[];
  readonly settled: PromiseWithResolvers<"sound" | "behind">;
}

/** A hole is noticed within 10 s of the server's coming back. */
const everyMs = 2000;
/** Who is told sooner would ask again at once. */
const gatherMs = 20;
const statementsMax = 100;

export function trailLooks(connections: readonly InfluxConnection[], signal: AbortSignal): TrailLooks {
  const waiting: Waiting[] = [];
  let isLooking = false;
  let lookedAtMs = Number.NEGATIVE_INFINITY;

  async function lookAt(some: readonly Waiting[]): Promise<void> {
    try {
      const found = await Promise.all(
        connections.map((connection, server) =>
          lookOn(
            connection,
            some.map(({ trails }) => (trails[server] as Trail).look()),
            signal,
          ),
        ),
      );
      for (const [index, { settled }] of some.entries()) {
        settled.resolve(found.every((ofServer) => ofServer[index] === "sound") ? "sound" : "behind");
      }
    } catch (error) {
      for (const { settled } of some) settled.reject(error);
    }
  }

  async function rounds(): Promise<void> {
    while (waiting.length > 0) {
      const waitMs = Math.max(gatherMs, lookedAtMs + everyMs - performance.now());
      await setTimeout(waitMs, undefined, { ref: false, signal }).catch(() => undefined);
      lookedAtMs = performance.now();
      const some = waiting.splice(0);
      if (signal.aborted) {
        const closed = new AdapterError("store_read_failed", { retryable: true, detail: "the store is closed" });
        for (const { settled } of some) settled.reject(closed);
      } else await lookAt(some);
    }
    isLooking = false;
  }

  return {
    now(trails) {
      const one = waitingFor(trails);
      void lookAt([one]);
      return one.settled.promise;
    },
    next(trails) {
      const one = waitingFor(trails);
      waiting.push(one);
      if (!isLooking) {
        isLooking = true;
        void rounds();
      }
      return one.settled.promise;
    },
  };
}

function waitingFor(trails: readonly Trail[]): Waiting {
  return { trails, settled: Promise.withResolvers<"sound" | "behind">() };
}

/** The answer at index i belongs to look i. */
async function lookOn(
  connection: InfluxConnection,
  looks: readonly TrailLook[],
  signal: AbortSignal,
): Promise<("sound" | "behind")[]> {
  const found: ("sound" | "behind")[] = [];
  for (let first = 0; first < looks.length; first += statementsMax) {
    const some = looks.slice(first, first + statementsMax);
    const text = some.map(({ where }) => `SELECT n, e FROM trail WHERE ${where} GROUP BY part`).join("; ");
    const rows = await query(connection, { text, parameters: {}, attemptsMax: 1 }, signal);
    const byPartition = Map.groupBy(rows, ({ tags }) => tags?.["part"] ?? "");
    found.push(...some.map((look) => look.found(byPartition.get(look.partition) ?? noRows)));
  }
  return found;
}

const noRows: readonly RowSeries[] = [];
