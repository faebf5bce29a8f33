import { statSync } from "node:fs";

/** Looks whether what a connection writes to is what others find under its path. */
export interface OpenedFile {
  /** @throws an Error where the file, or its write-ahead log, was removed or another put in its place. */
  check(): void;
}

/** Which files stood under a path when they were opened; device and inode, which no other file has meanwhile. */
export type OpenedAs = readonly (string | undefined)[];

/**
 * SQLite keeps what is not in the database yet in a file beside it, which lives as long as anybody has the database
 * open.
 */
const suffixes = ["", "-wal"];

export function openedAs(path: string): OpenedAs {
  return suffixes.map((suffix) => identityOf(path + suffix));
}

/**
 * A file that is removed while it is open still takes writes, and gives them back to whoever has it open: to nobody
 * after a restart. So whoever acknowledges looks first, and again when all is written. One stat of a file each, some
 * microseconds.
 */
export function openedFile(path: string, opened: OpenedAs = openedAs(path)): OpenedFile {
  const known = [...opened];
  return {
    check() {
      for (const [index, suffix] of suffixes.entries()) {
        const now = identityOf(path + suffix);
        known[index] ??= now;
        if (now === undefined || now !== known[index]) throw new Error(goneFrom(path + suffix));
      }
    },
  };
}

/** Undefined where there is none. */
export function identityOf(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.dev}/${found.ino}`;
}

function goneFrom(path: string): string {
  return (
    `${path} (METERBOOK_DATA_DIR) was removed or replaced while it is in use, and what is written to it now would be lost: ` +
    "put the same file back, or stop Meterbook and restore a backup where npm run repair says so (docs/backup.md)"
  );
}
