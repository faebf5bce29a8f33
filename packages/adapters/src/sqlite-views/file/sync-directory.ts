import { closeSync, fsyncSync, openSync } from "node:fs";

/** SQLite syncs its files, but a power cut could still take back that they were made. */
export function syncDirectory(path: string): void {
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
