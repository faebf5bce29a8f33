import type { Conflict, Progress, SeriesChanges } from "@meterbook/core/ports/series-store";
import { conflictContent, conflictId, conflictLine, conflictsWithin } from "../points/conflict-rows.ts";
import type { SlotRoutes } from "../points/slot-routes.ts";
import type { Trail } from "../trail/trail.ts";
import type { RefusedLines } from "../writing/influx-write.ts";
import { lineQueue } from "../writing/line-queue.ts";
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

/**
 * Writes changes and the row of progress that makes them happen. Lines go out as soon as there is a request full of
 * them. After a rejection the partition is as it was.
 */
export async function writeBatch(parts: BatchParts, changes: SeriesChanges, progress: Progress): Promise<void> {
  const { recorded, remembered } = parts;
  const ended = new AbortController();
  try {
    await write(parts, changes, progress, AbortSignal.any([ended.signal, parts.closed]));
    remembered.commit();
  } catch (error) {
    ended.abort();
    remembered.undo(recorded.newestAt);
    throw error;
  }
}

async function write(
  { partition, recorded, remembered, routes, trails, linesMax, ...parts }: BatchParts,
  changes: SeriesChanges,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const { position } = recorded;
  const counted = refusedReadings(parts.refused);
  const { refused } = counted;
  const queue = lineQueue(routes.connections, trails, { precision: "s", signal, refused, linesMax });
  const conflictQueue = lineQueue(routes.connections, trails, { precision: "ns", signal, refused, linesMax });
  const lines = meterLines(remembered, queue, { partition, position });
  remembered.meet(changes.met);
  for (const one of changes.newer) lines.newer(one);
  for (const one of changes.late) lines.late(one);
  lines.announceRest();
  const fresh = await newConflicts(routes, changes.conflicts, position, signal);
  for (const one of fresh) conflictQueue.add(routes.serverOfMeter(one.meterId), conflictLine(one));
  await Promise.all([queue.finish(), conflictQueue.finish()]);
  const repeated = changes.conflicts.length - fresh.length;
  await parts.record({ ...progress, counts: counted.without(progress.counts, repeated) }, signal);
}

/** Those that were not recorded before, in the order of the log. */
async function newConflicts(
  routes: SlotRoutes,
  found: readonly Conflict[],
  position: number,
  signal: AbortSignal,
): Promise<Conflict[]> {
  if (found.length === 0) return [];
  const known = await recordedContents(routes, found, position, signal);
  return found
    .toSorted((a, b) => conflictId(a) - conflictId(b))
    .filter((conflict) => {
      const content = conflictContent(conflict);
      if (known.has(content)) return false;
      known.add(content);
      return true;
    });
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
    without: (counts: Progress["counts"], repeated: number): Progress["counts"] => ({
      stored: counts.stored - sum.stored,
      duplicates: counts.duplicates + repeated,
      conflicts: counts.conflicts - sum.conflicts - repeated,
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
