import { chmodSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** Only the user that the service runs as may read what meters and customers send. */
const directoryMode = 0o700;

const databases = "audit|billing|damage|directory|gaps|groups|jobs|ledger|lock|log|registry|rejected|series";
const files = new RegExp(`^(${databases})(-\\d+)?(\\.view)?\\.db(-wal|-shm|-journal|\\.before|\\.set-aside-.+)?$`);

/** Whether something in a directory is of ours, by its name. */
export function isOurs(name: string): boolean {
  return files.test(name) || name === "backup.json" || /^(shard|api|aggregator)-\d+$/.test(name);
}

/**
 * Makes a directory and those above it that are missing; one that is there is closed to others where all that it holds
 * is ours: a setting may name `/tmp` by mistake, and root would close that to everybody. One step at a time: where the
 * file system takes no directories (`/proc`), the recursive form of Node tries for ever.
 *
 * @throws the system's error with the path that could not be made, or that is no directory.
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
  if (missing.length === 0 && holdsOursOnly(path)) closeToOthers(path, directoryMode);
}

function holdsOursOnly(path: string): boolean {
  // A new disk has its own directory for what it finds.
  return readdirSync(path).every((name) => isOurs(name) || name === "lost+found");
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
