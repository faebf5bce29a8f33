import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { AdapterError, messageOf } from "@meterbook/core/ports/adapter-error";
import { refuseOtherVersions } from "../database/file-version.ts";
import { shardCounts, shardDirectory } from "../database/shard-directory.ts";
import {
  type DirectoryIdentity,
  type Facts,
  type FileName,
  factsOfFile,
  fileNamesOf,
  identityOf,
  openToRead,
  pathOf,
} from "./directory-files.ts";
import { type KnownFiles, readMarks } from "./directory-marks.ts";

/** What a look at a file tells. */
export type FileState =
  | { readonly kind: "absent" }
  | { readonly kind: "empty" }
  | { readonly kind: "unreadable"; readonly detail: string }
  | { readonly kind: "there"; readonly of: DirectoryIdentity | undefined; readonly facts: Facts };

export type MarksState =
  | { readonly kind: "absent" }
  | { readonly kind: "unreadable"; readonly detail: string }
  | { readonly kind: "there"; readonly known: KnownFiles };

export interface Inspection {
  readonly marks: MarksState;
  readonly files: ReadonlyMap<FileName, FileState>;
}

/** Files up to this size are checked page by page at every start; larger ones by the scrub and by `npm run verify`. */
const checkedWholeBytesMax = 32 * 1024 * 1024;

/**
 * Looks at all files without changing what they say. `settle` first brings what their write-ahead logs hold into the
 * files themselves, as every start does: a file that is shorter than it says is then told from one that is not written
 * yet.
 *
 * @throws an AdapterError where a file is of another version of Meterbook
 */
export function inspectDirectory(dataDir: string, { settle }: { settle: boolean }): Inspection {
  // First what was known, then what is there: both grow meanwhile where a process works on them.
  const marks = inspectMarks(dataDir);
  const shards = marks.kind === "there" ? marks.known.shards : shardsFound(dataDir);
  return {
    marks,
    files: new Map(fileNamesOf(shards).map((name) => [name, inspectFile(dataDir, name, settle)] as const)),
  };
}

/** Nothing was ever kept there: a start would make it, and a misspelt path is such a place too. */
export function isNoDataDirectory({ marks, files }: Inspection): boolean {
  return marks.kind === "absent" && [...files.values()].every(({ kind }) => kind === "absent");
}

/** As many as there are folders for, where nothing says how many there were. */
function shardsFound(dataDir: string): number {
  const isThere = (shard: number) => statSync(shardDirectory(dataDir, shard), { throwIfNoEntry: false }) !== undefined;
  return [...shardCounts].reverse().find((count) => isThere(count - 1)) ?? 1;
}

function inspectMarks(dataDir: string): MarksState {
  const path = pathOf(dataDir, "directory");
  if ((sizeOf(path) ?? 0) === 0) return { kind: "absent" };
  try {
    checkPages(path);
    const known = readMarks(dataDir);
    return known === undefined ? { kind: "absent" } : { kind: "there", known };
  } catch (error) {
    return { kind: "unreadable", detail: unreadable(error, path) };
  }
}

function inspectFile(dataDir: string, name: FileName, settle: boolean): FileState {
  const path = pathOf(dataDir, name);
  const size = sizeOf(path);
  if (size === undefined) return { kind: "absent" };
  if (size === 0) return { kind: "empty" };
  try {
    if (settle) settleFile(path);
    checkPages(path);
    const database = openToRead(path);
    try {
      // Before anything is read of it: what it has not would be a loss, or damage.
      refuseOtherVersions(database);
      return { kind: "there", of: identityOf(database), facts: factsOfFile(name, database) };
    } finally {
      database.close();
    }
  } catch (error) {
    return { kind: "unreadable", detail: unreadable(error, path) };
  }
}

/** What is wrong with the pages of a file; undefined where it is sound, empty or not there. */
export function whyUnreadable(path: string): string | undefined {
  if ((sizeOf(path) ?? 0) === 0) return undefined;
  try {
    checkPages(path);
    return undefined;
  } catch (error) {
    return unreadable(error, path);
  }
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

/** Brings what the write-ahead log holds into the file, after which the file is whole by itself. */
export function settleFile(path: string): void {
  const database = new DatabaseSync(path, { timeout: 10_000 });
  try {
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } finally {
    database.close();
  }
}

function checkPages(path: string): void {
  const database = openToRead(path);
  try {
    const number = (pragma: string) => Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]);
    const bytes = number("page_count") * number("page_size");
    const size = sizeOf(path) ?? 0;
    // What is in the write-ahead log only is not missing.
    if (size < bytes && (sizeOf(`${path}-wal`) ?? 0) === 0) {
      throw new Error(`it is cut off: ${size} of ${bytes} bytes`);
    }
    if (bytes > checkedWholeBytesMax) return;
    const found = String(Object.values(database.prepare("PRAGMA quick_check(1)").get() ?? {})[0]);
    if (found !== "ok") throw new Error(found.replace(/\s+/g, " "));
  } finally {
    database.close();
  }
}

const damagedCodes = new Set([1, 11, 26]);

/** Faults of the disk or of rights are not the file's, and go to the caller, as a file of another version does. */
function unreadable(error: unknown, path: string): string {
  if (error instanceof AdapterError) throw error;
  const code = (error as { errcode?: number }).errcode;
  if (code !== undefined && !damagedCodes.has(code & 0xff))
    throw new Error(`${path}: ${messageOf(error)}`, { cause: error });
  return messageOf(error);
}
