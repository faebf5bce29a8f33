import { randomUUID } from "node:crypto";
import { readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { AdapterError, messageOf } from "@meterbook/core/ports/adapter-error";
import { closeToOthers, isOurs, makeDirectory } from "../../sqlite-views/file/make-directory.ts";
import { tryLock } from "../../sqlite-views/file/own-directory.ts";
import { syncDirectory } from "../../sqlite-views/file/sync-directory.ts";
import { shardDirectory } from "../database/shard-directory.ts";
import { besideTroubles } from "./beside-files.ts";
import {
  type DirectoryIdentity,
  type FileName,
  fileNamesOf,
  identityOf,
  openFile,
  pathOf,
  stamp,
} from "./directory-files.ts";
import { type Marks, openMarks } from "./directory-marks.ts";
import { inspectDirectory } from "./inspect-directory.ts";
import { describeTroubles, judgeDirectory } from "./judge-directory.ts";

/** How many shards a directory gets where nobody says. */
export const usualShards = 1;

/**
 * Makes the data directory and its files where they are missing, so that the threads of a process may start in any
 * order.
 *
 * @param shards for a directory that is made; what another has must be the same where it is given
 * @returns how many it has
 * @throws an AdapterError that names the file, what is lost and how to go on where the directory holds less than it was
 * known to hold, and one that names METERBOOK_DATA_DIR where it cannot be used.
 */
export function prepareDataDirectory(dataDir: string, shards?: number): number {
  return usable(dataDir, () => {
    makeDirectory(dataDir);
    closeFiles(dataDir);
    const inspection = inspectDirectory(dataDir, { settle: true });
    const troubles = [...judgeDirectory(inspection), ...besideTroubles(dataDir)];
    if (troubles.length > 0) throw unfit(describeTroubles(dataDir, troubles));
    const marks = openMarks(dataDir, () => ({ id: randomUUID(), shards: shards ?? usualShards }));
    try {
      const has = marks.known().shards;
      if (shards !== undefined && shards !== has) throw unfit(otherShards(dataDir, has, shards));
      makeFiles(dataDir, marks);
      for (const directory of directoriesOf(dataDir, has)) {
        closeFiles(directory);
        syncDirectory(directory);
      }
      return has;
    } finally {
      marks.close();
    }
  });
}

function otherShards(dataDir: string, has: number, wanted: number): string {
  return (
    `the data directory ${dataDir} (METERBOOK_DATA_DIR) was made with ${has} shards, and METERBOOK_SHARDS is ${wanted}: ` +
    "their number is fixed when the directory is made; leave the setting out, or begin with a new directory"
  );
}

export function directoriesOf(dataDir: string, shards: number): string[] {
  return Array.from({ length: shards }, (_, shard) => shardDirectory(dataDir, shard));
}

/**
 * A file is a member once it is whole and durable; what a crash left of one before that holds nothing and is made anew.
 */
export function makeFiles(dataDir: string, marks: Marks): void {
  const { members, ...identity } = marks.known();
  for (const name of fileNamesOf(identity.shards)) {
    if (members.has(name)) continue;
    makeFile(dataDir, name, identity);
    marks.addMember(name);
  }
}

export function makeFile(dataDir: string, name: FileName, identity: DirectoryIdentity): void {
  const directory = dirname(pathOf(dataDir, name));
  makeDirectory(directory);
  if (statSync(pathOf(dataDir, name), { throwIfNoEntry: false })?.size === 0) removeFile(dataDir, name);
  const database = openFile(dataDir, name);
  try {
    if (identityOf(database)?.id === identity.id) return;
    stamp(database, identity);
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } finally {
    database.close();
  }
  syncDirectory(directory);
  if (directory !== dataDir) syncDirectory(dataDir);
}

export function removeFile(dataDir: string, name: Parameters<typeof pathOf>[1]): void {
  for (const suffix of ["", "-wal", "-shm"]) rmSync(pathOf(dataDir, name) + suffix, { force: true });
}

/**
 * Takes the data directory for this process: two at a time would both number meters and issue revisions.
 *
 * @throws an Error that names the directory where another process has it.
 */
export function lockDataDirectory(dataDir: string): { close(): void } {
  return usable(dataDir, () => {
    makeDirectory(dataDir);
    const lock = tryLock(dataDir);
    if (lock === undefined) {
      throw unfit(`another process works on the data directory ${dataDir} (METERBOOK_DATA_DIR)`);
    }
    return lock;
  });
}

/** Files that were made under another umask, or came from a copy. */
function closeFiles(dataDir: string): void {
  for (const entry of readdirSync(dataDir, { withFileTypes: true })) {
    if (entry.isFile() && isOurs(entry.name)) closeToOthers(join(dataDir, entry.name), 0o600);
  }
}

export function unfit(detail: string, cause?: unknown): AdapterError {
  return new AdapterError("directory_unfit", { retryable: false, detail, cause });
}

/** Puts what the disk says into words of the one setting that is about it, or of `whose` directory it is. */
export function usable<Result>(
  dataDir: string,
  work: () => Result,
  whose = `the data directory is ${dataDir} (METERBOOK_DATA_DIR)`,
): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof AdapterError) throw error;
    throw unfit(`${whyUnusable(error)}: ${whose}`);
  }
}

const sqliteReasons: Readonly<Record<number, string>> = {
  8: "the files are not writable",
  10: "the disk reports a fault or has no room left",
  13: "there is no room left on the disk",
  14: "a file cannot be opened or made",
};

function whyUnusable(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { errcode, code, path } = inner as { errcode?: number; code?: string; path?: string };
  const message = messageOf(error);
  const reason = errcode === undefined ? undefined : sqliteReasons[errcode & 0xff];
  if (reason !== undefined) return `${reason} (${message})`;
  if (code === "ENOSPC") return `there is no room left on the disk${path === undefined ? "" : ` for ${path}`}`;
  return path === undefined ? message : `cannot use ${path} (${code ?? message})`;
}
