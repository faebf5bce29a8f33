import { createHash } from "node:crypto";
import { createReadStream, existsSync, realpathSync } from "node:fs";
import { open, readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { backup } from "node:sqlite";
import { pipeline } from "node:stream/promises";
import { makeDirectory } from "../../sqlite-views/file/make-directory.ts";
import { directoriesOf, unfit, usable } from "./data-directory.ts";
import { type Facts, type FileName, fileNamesOf, openToRead, pathOf } from "./directory-files.ts";
import type { KnownFiles } from "./directory-marks.ts";
import { inspectDirectory } from "./inspect-directory.ts";
import { describeTroubles, judgeDirectory } from "./judge-directory.ts";

/** Written last: a copy without it was not finished. */
export const manifestName = "backup.json";

const formatNow = 3;

export interface Manifest {
  readonly format: typeof formatNow;
  readonly id: string;
  readonly shards: number;
  readonly madeAt: string;
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly sha256: string; readonly facts: Facts }>>;
}

/** The log may be trimmed between two files of a copy; then they are taken again. */
const attemptsMax = 3;
/** All of a file in one step, as of one moment: step by step, a writer would make it begin again and again. */
const pagesPerStep = 2 ** 31 - 1;

/**
 * Copies a data directory into the empty or missing directory `to`, while a process works on it or not. What was
 * acknowledged before the call is in the copy. The marks are taken first, so that they lag; then each file before those
 * that it relies on: what the store has issued is in the ledger's copy, and what the ledger was made from is in the
 * log's.
 *
 * @throws an AdapterError where `dataDir` holds less than it held, or `to` is inside of it or not empty.
 */
export async function backUpDirectory(dataDir: string, to: string, nowMs: number): Promise<Manifest> {
  const { shards } = refuseTroubles(dataDir);
  if (isWithin(to, dataDir)) {
    throw unfit(
      `${to} is inside the data directory ${dataDir} (METERBOOK_DATA_DIR): a backup goes elsewhere, best to another disk`,
    );
  }
  usable(to, () => makeDirectory(to), `the backup goes to ${to}`);
  if ((await readdir(to)).length > 0) throw unfit(`${to} is not empty: a backup goes into a directory of its own`);
  for (const directory of directoriesOf(to, shards)) makeDirectory(directory);
  await copyFile(dataDir, to, "directory");
  // Nothing else relies on it, and it is there from when billing first says something.
  if (existsSync(pathOf(dataDir, "billing"))) await copyFile(dataDir, to, "billing");
  for (let attempt = 1; ; attempt += 1) {
    for (const name of fileNamesOf(shards)) await copyFile(dataDir, to, name);
    if (judgeDirectory(inspectDirectory(to, { settle: true })).length === 0) break;
    if (attempt === attemptsMax) refuseTroubles(to);
  }
  return finish(to, nowMs);
}

/**
 * Whether a path is the directory or below it, whatever links lead there; what is missing of it is made below what is
 * there.
 */
export function isWithin(path: string, directory: string): boolean {
  return `${realPath(resolve(path))}${sep}`.startsWith(`${realPath(resolve(directory))}${sep}`);
}

function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  return path === dirname(path) ? path : join(realPath(dirname(path)), basename(path));
}

function refuseTroubles(dataDir: string): KnownFiles {
  const inspection = usable(dataDir, () => inspectDirectory(dataDir, { settle: false }));
  const troubles = judgeDirectory(inspection);
  if (troubles.length > 0) throw unfit(describeTroubles(dataDir, troubles));
  if (inspection.marks.kind !== "there")
    throw unfit(`${dataDir} (METERBOOK_DATA_DIR) is no data directory of Meterbook`);
  return inspection.marks.known;
}

async function copyFile(dataDir: string, to: string, name: FileName | "directory" | "billing"): Promise<void> {
  const source = openToRead(pathOf(dataDir, name));
  try {
    await backup(source, pathOf(to, name), { rate: pagesPerStep });
  } finally {
    source.close();
  }
}

async function finish(to: string, nowMs: number): Promise<Manifest> {
  const inspection = inspectDirectory(to, { settle: true });
  const { marks } = inspection;
  if (marks.kind !== "there") throw new Error("the copy has no marks");
  const files: Record<string, { bytes: number; sha256: string; facts: Facts }> = {};
  const { id, shards } = marks.known;
  const others = existsSync(pathOf(to, "billing")) ? (["directory", "billing"] as const) : (["directory"] as const);
  for (const name of [...others, ...fileNamesOf(shards)] as const) {
    const state = name === "directory" || name === "billing" ? undefined : inspection.files.get(name);
    const path = pathOf(to, name);
    const facts = state?.kind === "there" ? state.facts : {};
    files[relative(to, path)] = { bytes: (await stat(path)).size, sha256: await sha256Of(path), facts };
    await syncPath(path);
  }
  const manifest: Manifest = { format: formatNow, id, shards, madeAt: new Date(nowMs).toISOString(), files };
  const handle = await open(join(to, manifestName), "wx", 0o600);
  await handle.writeFile(`${JSON.stringify(manifest, undefined, 2)}\n`);
  await handle.sync();
  await handle.close();
  for (const directory of directoriesOf(to, shards)) await syncPath(directory);
  return manifest;
}

/** @throws an AdapterError that says which file is missing or not as it was made. */
export async function checkBackup(from: string): Promise<Manifest> {
  const there = await stat(from).catch(() => undefined);
  if (there === undefined) throw unfit(`${from} does not exist`);
  if (!there.isDirectory()) throw unfit(`${from} is a file: a backup is a directory`);
  const text = await readFile(join(from, manifestName), "utf8").catch(() => undefined);
  if (text === undefined) throw unfit(`${from} is no finished backup: it has no ${manifestName}`);
  const manifest = readManifest(from, text);
  for (const [file, { bytes, sha256 }] of Object.entries(manifest.files)) {
    const size = (await stat(join(from, file)).catch(() => undefined))?.size;
    if (size === undefined) throw unfit(`the backup ${from} is damaged: ${file} is missing`);
    if (size !== bytes || (await sha256Of(join(from, file))) !== sha256) {
      throw unfit(`the backup ${from} is damaged: ${file} is not as it was when the backup was made`);
    }
  }
  return manifest;
}

function readManifest(from: string, text: string): Manifest {
  const manifest = parsed(text) as Manifest | undefined;
  const format: unknown = manifest?.format;
  if (typeof format === "number" && format !== formatNow) {
    throw unfit(
      `the backup ${from} was made by ${format < formatNow ? "an earlier" : "a later"} version of Meterbook: it is of format ` +
        `${format}, and this version reads format ${formatNow}. Restore it with the version that made it (docs/running.md)`,
    );
  }
  const names = Object.keys(manifest?.files ?? {});
  const isWhole = (shards: number) =>
    ["directory", ...fileNamesOf(shards)].every((name) => names.includes(`${name}.db`));
  if (manifest !== undefined && format === formatNow && isWhole(manifest.shards)) return manifest;
  throw unfit(`the backup ${from} is damaged: ${manifestName} does not list its files`);
}

/** Undefined where it is no JSON, or of nothing. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) ?? undefined;
  } catch {
    return undefined;
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest("hex");
}

export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, "r");
  await handle.sync();
  await handle.close();
}
