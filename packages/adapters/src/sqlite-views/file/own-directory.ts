import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { makeDirectory } from "./make-directory.ts";

export interface OwnDirectory {
  readonly path: string;
  close(): void;
}

/** More processes of a kind than anybody runs on one machine. */
const slotsMax = 64;

/**
 * The first of `<dataDir>/<name>-1`, `<name>-2`, … that no other process has: a process that starts again finds its
 * views, and several of a kind share a machine without being told apart.
 *
 * @throws an Error that names METERBOOK_DATA_DIR where all are taken.
 */
export function takeOwnDirectory(dataDir: string, name: string): OwnDirectory {
  for (let slot = 1; slot <= slotsMax; slot += 1) {
    const path = join(dataDir, `${name}-${slot}`);
    makeDirectory(path);
    const lock = tryLock(path);
    if (lock !== undefined) return { path, close: lock.close };
  }
  throw new Error(`${slotsMax} processes work in ${dataDir} already (METERBOOK_DATA_DIR)`);
}

/**
 * Takes a directory for this process; undefined where another has it. The lock is the operating system's, on `lock.db`,
 * so it goes with the process however that ends.
 */
export function tryLock(directory: string): { close(): void } | undefined {
  const lock = new DatabaseSync(join(directory, "lock.db"), { timeout: 0 });
  try {
    lock.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (error) {
    lock.close();
    if (/locked|busy/.test((error as Error).message)) return undefined;
    throw error;
  }
  return { close: () => lock.close() };
}
