import { statfs } from "node:fs/promises";
import type { StandingProblems } from "./standing-problems.ts";

export interface DiskWatchOptions {
  /** A directory on the disk. */
  readonly path: string;
  /** Which setting says where it is. */
  readonly setting: string;
  readonly standing: Pick<StandingProblems, "raise" | "clear">;
  readonly notices: Pick<StandingProblems, "raise" | "clear">;
  readonly everyMs?: number;
  readonly roomOf?: (path: string) => Promise<DiskRoom>;
}

export interface DiskRoom {
  readonly freeBytes: number;
  readonly bytes: number;
}

/** With less than this a transaction may not fit any more. */
const freeBytesMin = 256 * 1024;
const freeShareMin = 0.05;

/** Says that there is no room on a disk, also while nothing is written to it, and before that that there is little. */
export function watchDisk(options: DiskWatchOptions): { close(): void } {
  const { path, setting, standing, notices, everyMs = 2000, roomOf = roomOfDisk } = options;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  async function look(): Promise<void> {
    const room = await roomOf(path).catch(() => undefined);
    // What cannot be asked is told by whoever writes there.
    if (room === undefined || closed) return;
    const isFull = room.freeBytes < freeBytesMin;
    const isLow = !isFull && room.freeBytes < freeShareMin * room.bytes;
    if (isFull) standing.raise("disk", `no room on the disk of ${path} (${setting})`);
    else standing.clear("disk");
    if (isLow) notices.raise("disk", `less than 5 % of the disk of ${path} is free (${setting})`);
    else notices.clear("disk");
  }

  function lookLater(): void {
    if (closed) return;
    timer = setTimeout(() => void look().then(lookLater), everyMs);
    timer.unref();
  }

  lookLater();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

async function roomOfDisk(path: string): Promise<DiskRoom> {
  const { bavail, blocks, bsize } = await statfs(path);
  return { freeBytes: bavail * bsize, bytes: blocks * bsize };
}
