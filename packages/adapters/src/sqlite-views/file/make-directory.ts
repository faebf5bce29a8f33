import { chmodSync, mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** Only the user that the service runs as may read what meters and customers send. */
const directoryMode = 0o700;

/**
 * Makes a directory and those above it that are missing; one that is there is closed to others. One step at a time:
 * where the file system takes no directories (`/proc`), the recursive form of Node tries for ever.
 *
 * @throws the system's error with the path that could not be made.
 */
export function makeDirectory(path: string): void {
  const missing = missingDirectories(resolve(path));
  for (const one of missing) {
    try {
      mkdirSync(one, { mode: directoryMode });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
  if (missing.length === 0) closeToOthers(path, directoryMode);
}

/** A volume may belong to another user who lets us write: then its mode is that user's to say. */
export function closeToOthers(path: string, mode: number): void {
  try {
    chmodSync(path, mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") throw error;
  }
}

/** Outermost first. */
function missingDirectories(path: string): string[] {
  const missing: string[] = [];
  for (let one = path; statSync(one, { throwIfNoEntry: false }) === undefined; one = dirname(one)) missing.unshift(one);
  return missing;
}
