import { randomUUID } from "node:crypto";
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import { closeToOthers, makeDirectory } from "../../sqlite-views/file/make-directory.ts";
import { tryLock } from "../../sqlite-views/file/own-directory.ts";
import { syncDirectory } from "../../sqlite-views/file/sync-directory.ts";
import { directoryFiles, type FileName, fileNames, identityOf, pathOf, stamp } from "./directory-files.ts";
import { type Marks, openMarks } from "./directory-marks.ts";
import { inspectDirectory } from "./inspect-directory.ts";
import { describeTroubles, judgeDirectory } from "./judge-directory.ts";

/**
 * Makes the data directory and its files where they are missing, so that the threads of a process may start in any
 * order.
 *
 * @throws an AdapterError that names the file, what is lost and how to go on where the directory holds less than it was
 * known to hold, and one that names METERBOOK_DATA_DIR where it cannot be used.
 */
export function prepareDataDirectory(dataDir: string): void {
  usable(dataDir, () => {
    makeDirectory(dataDir);
    closeFiles(dataDir);
    const inspection = inspectDirectory(dataDir, { settle: true });
    const troubles = judgeDirectory(inspection);
    if (troubles.length > 0) throw unfit(describeTroubles(dataDir, troubles));
    const marks = openMarks(dataDir, randomUUID);
    try {
      makeFiles(dataDir, marks);
    } finally {
      marks.close();
    }
    closeFiles(dataDir);
    syncDirectory(dataDir);
  });
}

/**
 * A file is a member once it is whole and durable; what a crash left of one before that holds nothing and is made anew.
 */
export function makeFiles(dataDir: string, marks: Marks): void {
  const { id, members } = marks.known();
  for (const name of fileNames) {
    if (members.has(name)) continue;
    makeFile(dataDir, name, id);
    syncDirectory(dataDir);
    marks.addMember(name);
  }
}

export function makeFile(dataDir: string, name: FileName, id: string, floor = 0): void {
  if (statSync(pathOf(dataDir, name), { throwIfNoEntry: false })?.size === 0) removeFile(dataDir, name);
  const database = directoryFiles[name].open(dataDir);
  try {
    if (identityOf(database)?.id === id) return;
    stamp(database, id, floor);
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } finally {
    database.close();
  }
}

export function removeFile(dataDir: string, name: FileName | "directory" | "groups"): void {
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
    if (entry.isFile() && /\.db(-wal|-shm|-journal)?$/.test(entry.name))
      closeToOthers(join(dataDir, entry.name), 0o600);
  }
}

export function unfit(detail: string, cause?: unknown): AdapterError {
  return new AdapterError("directory_unfit", { retryable: false, detail, cause });
}

/** Puts what the disk says into words of the one setting that is about it. */
export function usable<Result>(dataDir: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof AdapterError) throw error;
    throw unfit(`${whyUnusable(error)}: the data directory is ${dataDir} (METERBOOK_DATA_DIR)`);
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
  const message = error instanceof Error ? error.message : String(error);
  const reason = errcode === undefined ? undefined : sqliteReasons[errcode & 0xff];
  if (reason !== undefined) return `${reason} (${message})`;
  if (code === "ENOSPC") return `there is no room left on the disk${path === undefined ? "" : ` for ${path}`}`;
  return path === undefined ? message : `cannot use ${path} (${code ?? message})`;
}
