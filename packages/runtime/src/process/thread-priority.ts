import { readlinkSync } from "node:fs";
import { setPriority } from "node:os";

/** Lets other threads of the machine go first, where the system can: on Linux each thread has a priority of its own. */
export function yieldToOthers(niceness: number): void {
  try {
    const thread = /task\/(\d+)$/.exec(readlinkSync("/proc/thread-self"))?.[1];
    if (thread !== undefined) setPriority(Number(thread), niceness);
  } catch {
    // Elsewhere all are equal.
  }
}
