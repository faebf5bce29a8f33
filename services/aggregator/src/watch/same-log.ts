import type { LogFrame } from "@meterbook/core/ports/readings-log";
import type { FrameTally, Tally } from "@meterbook/sharding/tally";

/** Watches that the log is the one that the store was filled from. */
export interface SameLog {
  /**
   * Looks at frames before they are taken in.
   *
   * @param filled how far the store was filled, and what it was told of the writers by then
   * @throws an Error where it is another log, and where that cannot be told yet: then the partition is opened anew.
   */
  look(frames: readonly LogFrame[], filled: Filled): void;
}

interface Filled {
  readonly position: number;
  readonly tally: Tally;
}

export interface SameLogOptions {
  readonly partition: number;
  /** Of the log as the partition was opened. */
  readonly start: number;
  /** Has the partition opened anew, so that the frames before its position are read once more. */
  readonly again: () => void;
  /** Told of readings that are gone though no offset is missing. */
  readonly missing: (found: MissingReadings) => void;
}

/** The log was cut off behind the position and has gone on since, or its end was never written. */
export interface MissingReadings {
  readonly writer: string;
  /** They stood before this one. */
  readonly offset: number;
  readonly readings: number;
}

/**
 * A partition reads this many records before its position once more when it is opened, because barriers carry no
 * writer's count.
 */
export const lookBackMax = 4;

/**
 * A log that was put back to an older copy goes on with the offsets of the records that are gone. Offsets alone do not
 * show that. Writers count what they append. A frame below the position with a count above what the store was told is
 * of another log. A frame above it, before which some frames of its writer are missing, is a reason to look. Where what
 * stands below is sound, those frames are lost, and are told; but for those that retention took, which are told
 * elsewhere.
 */
export function sameLog({ partition, start, again, missing }: SameLogOptions): SameLog {
  /** Nothing that the store lacks stood in the log below this position. */
  let soundAt: number | undefined;
  let isForgotten = false;

  function lookBelow(frames: readonly LogFrame[], { position, tally }: Filled): void {
    const strange = frames.find((frame) => isAhead(frame.tally, tally));
    if (strange !== undefined)
      throw new Error(otherLog(partition, `offset ${strange.offset} holds what it was not given`));
    if (frames.at(-1)?.offset === position - 1) soundAt = position;
  }

  return {
    look(frames, filled) {
      const { position, tally } = filled;
      if (position <= start && start > 0) isForgotten = true;
      if (position <= start) soundAt ??= position;
      const first = frames.findIndex(({ offset }) => offset >= position);
      const below = first === -1 ? frames.length : first;
      if (below > 0) lookBelow(frames.slice(0, below), filled);
      const fresh = frames.slice(below);
      const holes = framesAfterHoles(fresh, tally);
      const [hole] = holes;
      if (hole === undefined) return;
      if (soundAt === position) {
        if (!isForgotten && isWhole(fresh, position)) holes.forEach(missing);
        return;
      }
      again();
      throw new Error(
        `frames of one writer are missing before offset ${hole.offset} of partition ${partition}: the log is looked at again`,
      );
    },
  };
}

/** In words for whoever runs it. */
export function otherLog(partition: number, why: string): string {
  return `partition ${partition} of the readings log: ${why}: it is not the log that the store was filled from. Put the store back to a copy that is older than that of the log (docs/restore.md)`;
}

function isAhead(frame: FrameTally | undefined, { writers, earlier }: Tally): boolean {
  if (frame === undefined || frame.writer <= earlier.through) return false;
  return frame.total > (writers[frame.writer] ?? 0);
}

function framesAfterHoles(frames: readonly LogFrame[], { writers, earlier }: Tally): readonly MissingReadings[] {
  const holes: MissingReadings[] = [];
  const seen = new Map<string, number>();
  for (const { offset, tally } of frames) {
    if (tally === undefined || tally.writer <= earlier.through) continue;
    const { writer, total, readings } = tally;
    const before = seen.get(writer) ?? writers[writer] ?? 0;
    seen.set(writer, Math.max(before, total));
    if (total - readings > before) holes.push({ writer, offset, readings: total - readings - before });
  }
  return holes;
}

/** Whether each record is there and says who wrote it: what does not is told as damaged by itself. */
function isWhole(frames: readonly LogFrame[], position: number): boolean {
  return frames[0]?.offset === position && frames.every(({ barrier, tally }) => barrier !== undefined || tally?.writer);
}
