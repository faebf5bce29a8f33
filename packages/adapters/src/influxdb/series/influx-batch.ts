import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { Conflict, MeterWrite, Progress, SeriesBatch } from "@meterbook/core/ports/series-store";
import type { RefusedLines } from "../client/influx-write.ts";
import { conflictContent, conflictId, conflictLine, conflictsWithin } from "../points/conflict-rows.ts";
import type { SlotRoutes } from "../points/slot-routes.ts";
import type { Trail } from "../trail/trail.ts";
import { lineQueue } from "./line-queue.ts";
import { findInWrites, findStored } from "./look-ups.ts";
import { meterLines, readingsInLine } from "./meter-lines.ts";
import type { RememberedMeters } from "./remembered-meters.ts";

export interface BatchParts {
  readonly partition: number;
  /** What is recorded as the batch begins. */
  readonly recorded: Progress;
  readonly remembered: RememberedMeters;
  readonly routes: SlotRoutes;
  /** By server. */
  readonly trails: readonly Trail[];
  readonly refused: RefusedLines;
  readonly linesMax: number;
  /** Aborts when the store is closed. */
  readonly closed: AbortSignal;
  /** Writes the row that makes all of it happen. */
  record(progress: Progress, signal: AbortSignal): Promise<void>;
}

/** Lines go out as soon as there is a request full of them; only the row of progress makes them count. */
export function influxBatch(parts: BatchParts): SeriesBatch {
  const { partition, recorded, remembered, routes, trails, linesMax } = parts;
  const { position } = recorded;
  const ended = new AbortController();
  const signal = AbortSignal.any([ended.signal, parts.closed]);
  const counted = refusedReadings(parts.refused);
  const { refused } = counted;
  const queue = lineQueue(routes.connections, trails, { precision: "s", signal, refused, linesMax });
  const conflictQueue = lineQueue(routes.connections, trails, { precision: "ns", signal, refused, linesMax });
  const lines = meterLines(remembered, queue, { partition, position });
  let put: readonly MeterWrite[] = [];

  async function conflicts(found: readonly Conflict[]): Promise<number> {
    const known = await recordedContents(routes, found, position, signal);
    let fresh = 0;
    for (const conflict of found.toSorted((a, b) => conflictId(a) - conflictId(b))) {
      const content = conflictContent(conflict);
      if (known.has(content)) continue;
      known.add(content);
      conflictQueue.add(routes.serverOfMeter(conflict.meterId), conflictLine(conflict));
      fresh += 1;
    }
    return fresh;
  }

  return {
    meet: async (meters) => remembered.meet(meters),
    async put(writes) {
      put = writes;
      for (const write of writes) lines.put(write);
    },
    async find(lookups) {
      const own = findInWrites(put);
      const found = lookups.map(own);
      const others = lookups.filter((_, index) => found[index] === undefined);
      const stored = others.length === 0 ? [] : await findStored({ remembered, routes, signal }, others, position);
      let next = 0;
      return found.map((reading) => {
        if (reading !== undefined) return reading;
        next += 1;
        return stored[next - 1];
      });
    },
    async insert(writes) {
      for (const write of writes) lines.insert(write);
    },
    async replace(writes) {
      for (const write of writes) lines.insert(write);
    },
    conflicts: async (found) => (found.length === 0 ? 0 : conflicts(found)),
    async commit(progress) {
      if (signal.aborted) throw new AdapterError("store_write_failed", { retryable: true, detail: "abandoned" });
      lines.announceRest();
      await Promise.all([queue.finish(), conflictQueue.finish()]);
      await parts.record({ ...progress, counts: counted.without(progress.counts) }, signal);
      remembered.commit();
    },
    async abandon() {
      ended.abort();
      remembered.undo(recorded.newestAt);
    },
  };
}

/** What the server will not store stands in the rejected log, and counts there. */
function refusedReadings(refused: RefusedLines) {
  const sum = { stored: 0, conflicts: 0 };
  return {
    async refused(lines: Parameters<RefusedLines>[0]): Promise<void> {
      await refused(lines);
      for (const { line } of lines) {
        if (line.startsWith("conflict,")) sum.conflicts += 1;
        else sum.stored += readingsInLine(line);
      }
    },
    without: (counts: Progress["counts"]): Progress["counts"] => ({
      ...counts,
      stored: counts.stored - sum.stored,
      conflicts: counts.conflicts - sum.conflicts,
      refused: counts.refused + sum.stored + sum.conflicts,
    }),
  };
}

const meterMax = 200;

/** Contents of the conflicts that frames before `position` brought, as far as they may be those of `found`. */
async function recordedContents(
  routes: SlotRoutes,
  found: readonly Conflict[],
  position: number,
  signal: AbortSignal,
): Promise<Set<string>> {
  const contents = new Set<string>();
  for (const [connection, some] of routes.byServer(found, ({ meterId }) => meterId)) {
    const meters = [...Map.groupBy(some, ({ meterId }) => meterId)];
    for (let first = 0; first < meters.length; first += meterMax) {
      const part = meters.slice(first, first + meterMax);
      const instants = part.flatMap(([, theirs]) => theirs.map(({ at }) => at));
      const [from, to] = instants.reduce(([a, b], at) => [Math.min(a, at), Math.max(b, at)], [Infinity, -Infinity]);
      const asked = {
        meterIds: part.map(([meterId]) => meterId),
        from: from as number,
        to: to as number,
        beforeOffset: position,
      };
      for (const conflict of await conflictsWithin(connection, asked, signal)) contents.add(conflictContent(conflict));
    }
  }
  return contents;
}
