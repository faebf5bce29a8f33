import { randomUUID } from "node:crypto";
import { rename } from "node:fs/promises";
import type { DatabaseSync } from "node:sqlite";
import { type Damage, damageId } from "@meterbook/core/domain/damage/damage";
import type { Progress } from "@meterbook/core/ports/series-store";
import { encodeFrame } from "@meterbook/core/records/frame-protobuf";
import { numberedRejections } from "../../sqlite-views/rejected-log/rejection-table.ts";
import { openEmbeddedDamageLog } from "../damage-log/embedded-damage-log.ts";
import { frameKeys } from "../readings-log/frame-key.ts";
import { rowChecksum } from "../readings-log/readings-log-database.ts";
import { progressWrites } from "../series/series-progress.ts";
import { type BesideFile, type BesideTrouble, besideFiles, besideTroubles } from "./beside-files.ts";
import { makeFile, removeFile, unfit, usualShards } from "./data-directory.ts";
import {
  type DirectoryIdentity,
  directoryFiles,
  type Facts,
  type FileName,
  factOf,
  fileOfShard,
  identityOf,
  kindOf,
  openFile,
  pathOf,
  shardOf,
  shardsOf,
  stamp,
} from "./directory-files.ts";
import { type KnownFiles, type Marks, openMarks } from "./directory-marks.ts";
import { type FileState, type Inspection, inspectDirectory } from "./inspect-directory.ts";
import { judgeDirectory, type Trouble } from "./judge-directory.ts";

export interface AcceptedLoss {
  readonly file: FileName | BesideFile | "directory";
  readonly reason: string;
  readonly nowMs: number;
}

/** Keeps an entry about the loss, then goes on without; answers what was done, a line each. */
type Carry = () => Promise<readonly string[]>;

/** What a start would refuse. The caller has the directory's lock. */
export function troublesOf(dataDir: string): readonly (Trouble | BesideTrouble)[] {
  return [...judgeDirectory(inspectDirectory(dataDir, { settle: true })), ...besideTroubles(dataDir)];
}

/**
 * Makes the store again from the log, which must hold all readings from the first on.
 *
 * @throws an AdapterError where it does not, or where the store is not in trouble.
 */
export async function rebuildSeries(dataDir: string, nowMs: number): Promise<readonly string[]> {
  const inspection = inspectDirectory(dataDir, { settle: true });
  const inTrouble = judgeDirectory(inspection).filter(({ file }) => file !== "directory" && kindOf(file) === "series");
  const troubles = inTrouble.length > 0 ? inTrouble : [troubleOf(inspection, "series")];
  const lasting = troubles.find(({ lostCount }) => lostCount !== 0);
  if (lasting !== undefined)
    throw unfit(`${lasting.file}.db cannot be made again from the log: lost would be ${lasting.lost}`);
  const done: string[] = [];
  for (const { file } of troubles) {
    done.push(...(await setAside(dataDir, file as FileName, nowMs)));
    inMarks(dataDir, (marks) => makeFile(dataDir, file as FileName, marks.known()));
    done.push(`${file}.db is empty now: the next start takes all readings from the log again`);
  }
  return done;
}

/**
 * Lets a directory start with less than it held. Numbers go on where they were: none of what is lost is given twice.
 *
 * @throws an AdapterError where the file is not in trouble.
 */
export async function acceptLoss(dataDir: string, { file, reason, nowMs }: AcceptedLoss): Promise<readonly string[]> {
  const inspection = inspectDirectory(dataDir, { settle: true });
  const beside = besideFiles.find((one) => one === file);
  const trouble = beside === undefined ? troubleOf(inspection, file) : besideTroubleOf(dataDir, beside);
  if (file !== "damage" && judgeDirectory(inspection).some((other) => other.file === "damage")) {
    throw unfit(
      "damage.db is in trouble too, and is where this loss would be kept: npm run repair -- --accept-loss damage first",
    );
  }
  const damage = damageOf(trouble, reason, nowMs);
  const keep = () => keepDamage(dataDir, damage);
  if (file === "directory") return inTurn(keep, () => newMarks(dataDir, inspection));
  if (beside !== undefined) return inTurn(keep, () => leaveAside(dataDir, beside, nowMs));
  const goOn: Carry = () => goOnWithout(dataDir, file as FileName, { inspection, nowMs });
  // The entry comes first, so that no loss is accepted without one; but it cannot stand in a file that is not there.
  if (file !== "damage") return inTurn(keep, goOn);
  const done = await goOn();
  await keep();
  return done;
}

async function inTurn(first: () => Promise<void>, then: Carry): Promise<readonly string[]> {
  await first();
  return then();
}

async function keepDamage(dataDir: string, damage: Damage): Promise<void> {
  const log = openEmbeddedDamageLog({ dataDir });
  try {
    await log.report([damage]);
  } finally {
    await log.close();
  }
}

function besideTroubleOf(dataDir: string, file: BesideFile): BesideTrouble {
  const own = besideTroubles(dataDir).find((trouble) => trouble.file === file);
  if (own === undefined) throw unfit(`${file}.db can be read, or is not there: nothing is lost`);
  return own;
}

async function leaveAside(dataDir: string, file: BesideFile, nowMs: number): Promise<readonly string[]> {
  const done = await setAside(dataDir, file, nowMs);
  return [...done, `the next start makes ${file}.db anew; the entry stays in GET /v1/damage until it is acknowledged`];
}

function troubleOf(inspection: Inspection, file: AcceptedLoss["file"]): Trouble {
  const troubles = judgeDirectory(inspection);
  const own = troubles.find((trouble) => trouble.file === file);
  if (own !== undefined) return own;
  const named = troubles.map((trouble) => `${trouble.file}.db`).join(", ");
  throw unfit(`${file}.db holds what it was known to hold${named === "" ? "" : `; in trouble: ${named}`}`);
}

function damageOf({ file, what, lost, lostCount }: Trouble | BesideTrouble, reason: string, nowMs: number): Damage {
  // What has no place of its own is named among the operator's words.
  const own = file === "directory" || besideFiles.some((one) => one === file);
  const place = own ? "damage-log" : directoryFiles[kindOf(file as FileName)].place;
  const where = `${file}.db ${new Date(nowMs).toISOString()}`;
  return {
    id: damageId(place, where),
    place,
    code: "records_lost",
    where,
    detail: `${file}.db ${what}; lost: ${lost}. An operator went on without: ${reason}`,
    help: "a backup that holds them: npm run restore -- --from BACKUP; otherwise acknowledge this entry",
    meterId: null,
    period: null,
    lost: lostCount,
    foundAtMs: nowMs,
  };
}

interface GoOn {
  readonly inspection: Inspection;
  readonly nowMs: number;
}

async function goOnWithout(dataDir: string, file: FileName, { inspection, nowMs }: GoOn): Promise<readonly string[]> {
  const state = inspection.files.get(file) as FileState;
  const { known } = inspection.marks as { known: KnownFiles };
  // A file that can be read and is merely older is kept: a backup of it may have been put there.
  const keeps = state.kind === "there" && (state.of === undefined || state.of.id === known.id);
  const done = keeps && kindOf(file) !== "series" ? [] : await setAside(dataDir, file, nowMs);
  inMarks(dataDir, (marks) => {
    makeFile(dataDir, file, known);
    continueNumbers(dataDir, file, { was: known.marks.get(file) ?? {}, inspection, identity: known });
    marks.forget(file);
  });
  return [
    ...done,
    `${file}.db goes on without what is lost; the entry stays in GET /v1/damage until it is acknowledged`,
  ];
}

interface Numbers {
  readonly was: Facts;
  readonly inspection: Inspection;
  readonly identity: DirectoryIdentity;
}

/**
 * What is numbered goes on after the last number that was known; who follows begins again where numbers no longer tell
 * it.
 */
function continueNumbers(dataDir: string, file: FileName, { was, inspection, identity }: Numbers): void {
  const shards = shardsOf(identity.shards);
  const kind = kindOf(file);
  const database = openFile(dataDir, file);
  try {
    if (kind === "ledger" || kind === "audit")
      stamp(database, identity, Math.max(was["count"] ?? 0, identityOf(database)?.floor ?? 0));
    if (kind === "rejected") raiseSequence(database, was["count"] ?? 0);
    if (kind === "log")
      for (const shard of shards) continueLog(database, shard, factsOf(inspection, fileOfShard("series", shard)));
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  } finally {
    database.close();
  }
  // What was issued, or from which master data, is compared anew: what is the same is not issued again. With the notes
  // goes also which barriers were carried out: what they had issued is gone. Something waits from now on, not from the
  // first tick on.
  if (kind === "ledger")
    changeProgress(dataDir, shardOf(file), (progress) => ({ ...progress, issuedPosition: 0, notes: {}, pending: 1 }));
  if (kind === "registry")
    for (const shard of shards) changeProgress(dataDir, shard, (progress) => ({ ...progress, notes: {} }));
}

function raiseSequence(database: DatabaseSync, count: number): void {
  database.prepare("DELETE FROM sqlite_sequence WHERE seq < ?").run(count);
  if (database.prepare("SELECT 1 FROM sqlite_sequence").get() !== undefined) return;
  database.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)").run(numberedRejections, count);
}

/** An empty frame stands before those that come, where the store has taken in more than the log has. */
function continueLog(database: DatabaseSync, shard: number, series: Facts): void {
  const [end, position] = [directoryFiles.log.facts(database, 0)[factOf("end", shard)] ?? 0, series["position"] ?? 0];
  if (end >= position) return;
  const key = frameKeys(shard).first + position - 1;
  const row = { position: key, appendedAtMs: 0, readings: series["readings"] ?? 0, reports: 0 };
  database
    .prepare(
      "INSERT INTO frame (position, appended_at_ms, readings_total, reports_total, checksum, body) VALUES (?, 0, ?, 0, ?, ?)",
    )
    .run(row.position, row.readings, rowChecksum(row), encodeFrame([]));
}

function changeProgress(dataDir: string, shard: number, change: (progress: Progress) => Progress): void {
  const database = openFile(dataDir, fileOfShard("series", shard));
  try {
    database.exec("PRAGMA synchronous = FULL");
    const progress = progressWrites(database, () => undefined, shard);
    progress.record(change(progress.current()));
  } finally {
    database.close();
  }
}

/** The files say which directory they are; where they disagree, nobody can tell whose they are. */
async function newMarks(dataDir: string, { files }: Inspection): Promise<readonly string[]> {
  const found = [...files.values()].flatMap((state) => (state.kind === "there" && state.of ? [state.of] : []));
  const ids = new Set(found.map(({ id }) => id));
  if (ids.size > 1)
    throw unfit(`the files are from several data directories (${[...ids].join(", ")}): restore a backup`);
  removeFile(dataDir, "directory");
  const identity = { id: [...ids][0] ?? randomUUID(), shards: Math.max(1, ...found.map(({ shards }) => shards)) };
  const addAll = (marks: Marks) => {
    for (const [name, state] of files) if (state.kind === "there") marks.addMember(name);
  };
  inMarks(dataDir, addAll, identity);
  return ["directory.db is made anew from what the other files hold now; files that are missing are made empty"];
}

function inMarks(
  dataDir: string,
  work: (marks: Marks) => void,
  identity: DirectoryIdentity = { id: randomUUID(), shards: usualShards },
): void {
  const marks = openMarks(dataDir, () => identity);
  try {
    work(marks);
  } finally {
    marks.close();
  }
}

/** Kept under another name: what is damaged may still be of use to somebody. */
async function setAside(dataDir: string, file: FileName | BesideFile, nowMs: number): Promise<string[]> {
  const path = pathOf(dataDir, file);
  const aside = `${path}.set-aside-${new Date(nowMs).toISOString().replace(/[:.]/g, "-")}`;
  const moved = await rename(path, aside).then(
    () => true,
    () => false,
  );
  removeFile(dataDir, file);
  // The sums of groups were those of the store that was there.
  if (kindOf(file as FileName) === "series") removeFile(dataDir, "groups");
  return moved ? [`what was ${file}.db is kept as ${aside}`] : [];
}

function factsOf({ files }: Inspection, name: FileName): Facts {
  const state = files.get(name);
  return state?.kind === "there" ? state.facts : {};
}
