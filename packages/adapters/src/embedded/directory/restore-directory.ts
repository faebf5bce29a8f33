import { constants } from "node:fs";
import { copyFile, readdir, rename } from "node:fs/promises";
import { join, resolve } from "node:path";
import { makeDirectory } from "../../sqlite-views/file/make-directory.ts";
import { checkBackup, isWithin, type Manifest, syncPath } from "./back-up-directory.ts";
import { directoriesOf, lockDataDirectory, removeFile, unfit } from "./data-directory.ts";
import { fileNamesOf, pathOf } from "./directory-files.ts";
import { inspectDirectory } from "./inspect-directory.ts";
import { describeTroubles, judgeDirectory } from "./judge-directory.ts";

export interface RestoreOptions {
  /** What to do with a data directory that is not empty. `move aside`: it is kept beside, under another name. */
  readonly occupied: "refuse" | "move aside";
  readonly nowMs: number;
}

export interface Restored {
  readonly manifest: Manifest;
  /** Where what was there is kept. */
  readonly movedTo: string | undefined;
}

/**
 * Puts a backup where Meterbook starts, after it was checked byte by byte. Nothing may work on the directory meanwhile.
 * The file of the marks comes last: a restore that was interrupted is a directory that does not start.
 */
export async function restoreDirectory(from: string, dataDir: string, options: RestoreOptions): Promise<Restored> {
  const manifest = await checkBackup(from);
  if (isWithin(from, dataDir)) {
    throw unfit(`the backup ${from} is inside the data directory ${dataDir} (METERBOOK_DATA_DIR): move it out first`);
  }
  const movedTo = await makeRoom(dataDir, options);
  const lock = lockDataDirectory(dataDir);
  try {
    const directories = directoriesOf(dataDir, manifest.shards);
    for (const directory of directories) makeDirectory(directory);
    const billing = Object.hasOwn(manifest.files, "billing.db") ? (["billing"] as const) : [];
    for (const name of [...billing, ...fileNamesOf(manifest.shards), "directory"] as const) {
      await copyFile(pathOf(from, name), pathOf(dataDir, name), constants.COPYFILE_EXCL);
      await syncPath(pathOf(dataDir, name));
    }
    for (const directory of directories) await syncPath(directory);
    const troubles = judgeDirectory(inspectDirectory(dataDir, { settle: true }));
    if (troubles.length > 0) {
      removeFile(dataDir, "directory");
      throw unfit(`the backup does not hold together: ${describeTroubles(from, troubles)}`);
    }
  } finally {
    lock.close();
  }
  return { manifest, movedTo };
}

const itsLock = /^lock\.db/;

async function makeRoom(dataDir: string, { occupied, nowMs }: RestoreOptions): Promise<string | undefined> {
  const lock = lockDataDirectory(dataDir);
  try {
    const entries = (await readdir(dataDir)).filter((name) => !itsLock.test(name));
    if (entries.length === 0) return undefined;
    if (occupied === "refuse") {
      const most = entries.slice(0, 5).join(", ");
      throw unfit(
        `${dataDir} (METERBOOK_DATA_DIR) is not empty (${most}). Nothing was changed. To keep what is there under another name ` +
          "and restore: --replace; or set METERBOOK_DATA_DIR to another directory",
      );
    }
    const aside = `${resolve(dataDir)}.before-${new Date(nowMs).toISOString().replace(/[:.]/g, "-")}`;
    await rename(dataDir, aside).catch((cause: Error) => {
      throw unfit(`${dataDir} cannot be moved to ${aside} (${cause.message}): empty it by hand, then restore again`);
    });
    return join(aside);
  } finally {
    lock.close();
  }
}
