import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { settleFile } from "@meterbook/adapters/embedded/directory/inspect-directory";
import { epoch } from "@meterbook/adapters/embedded/series/days/reading-block";
import {
  dayOfHotId,
  dayOfSealedId,
  meterNoOfHotId,
  meterNoOfSealedId,
} from "@meterbook/adapters/embedded/series/series-database";
import { readLedgerRecord } from "@meterbook/adapters/sqlite-views/ledger/ledger-record";
import { damageId } from "@meterbook/core/domain/damage/damage";
import { revisionPlace } from "@meterbook/core/domain/snapshot/revision-place";
import type { MeterbookProcess } from "../support/processes/meterbook-process.ts";
import type { KnownDamageEntry } from "./cure-damage.ts";
import { damageEntries, until } from "./cure-damage.ts";
import { type LostReadings, readingsOfFrame } from "./lost-readings.ts";

/** A record of which a bit may flip, and how the damage log will call its place (or how that begins). */
interface Candidate {
  readonly file: string;
  readonly table: string;
  readonly key: string;
  readonly body: string;
  readonly where: (row: { key: number; body: Buffer }, database: DatabaseSync) => string;
  /** Which rows; all where absent. */
  readonly only?: string;
}

const placeOfFile: Readonly<Record<string, Parameters<typeof damageId>[0]>> = {
  "series.db": "series",
  "ledger.db": "ledger",
  "log.db": "readings-log",
  "rejected.db": "rejected-log",
  "registry.db": "registry",
  "audit.db": "audit-log",
};

const newestFrame: Candidate = {
  ...{ file: "log.db", table: "frame", key: "position", body: "body" },
  only: "position = (SELECT max(position) FROM frame)",
  where: ({ key }) => `position ${key}`,
};

const candidates: readonly Candidate[] = [
  {
    ...{ file: "series.db", table: "hot", key: "id", body: "data" },
    where: ({ key }, database) => blockBegin(database, meterNoOfHotId(key), dayOfHotId(key)),
  },
  {
    ...{ file: "series.db", table: "sealed", key: "id", body: "data" },
    where: ({ key }, database) => blockBegin(database, meterNoOfSealedId(key), dayOfSealedId(key)),
  },
  { ...{ file: "series.db", table: "meter", key: "no", body: "channels" }, where: ({ key }) => `meter number ${key}` },
  {
    ...{ file: "series.db", table: "progress", key: "partition", body: "body" },
    where: ({ key }) => `progress of partition ${key}`,
  },
  {
    ...{ file: "ledger.db", table: "ledger", key: "sequence", body: "body" },
    where: ({ key, body }) => {
      const { snapshot } = readLedgerRecord(body);
      return snapshot === undefined ? `sequence ${key}` : revisionPlace(snapshot);
    },
  },
  {
    ...{ file: "log.db", table: "frame", key: "position", body: "body", only: "appended_at_ms < ?" },
    where: ({ key }) => `position ${key}`,
  },
  // What is not in the store yet is lost for good: that a log of one copy on one disk cannot help.
  newestFrame,
  {
    ...{ file: "rejected.db", table: "refused_message", key: "place", body: "payload", only: "length(payload) >= 12" },
    where: ({ key }) => `message ${key}`,
  },
  {
    ...{ file: "registry.db", table: "record", key: "position", body: "body", only: "kind = 0" },
    where: ({ key }) => `position ${key} `,
  },
  { ...{ file: "audit.db", table: "personal_read", key: "id", body: "body" }, where: ({ key }) => `read ${key}` },
];

/** A bit that flipped. */
export interface Flip {
  readonly file: string;
  /** As `verify` calls it, or how that begins. */
  readonly where: string;
  /** What is lost by it, where anything may be. */
  readonly lost: LostReadings;
}

/**
 * Flips one bit of one record while Meterbook is stopped, starts it again, and waits until the API names the place.
 *
 * Answers undefined where there was no such record.
 */
export async function flipOneBit(meterbook: MeterbookProcess, random: () => number): Promise<Flip | undefined> {
  const kind = candidates[Math.floor(random() * candidates.length)] as Candidate;
  if (kind.table === "record") await putRecord(meterbook, random);
  if (kind === newestFrame) {
    await meterbook.kill();
    // What was appended last is still in the write-ahead log of the file, and bits flip in the file itself.
    settleFile(join(meterbook.dataDir, kind.file));
  } else await stopped(meterbook, kind);
  const flipped = await flipIn(meterbook.dataDir, kind, random);
  await meterbook.start();
  if (flipped === undefined) return undefined;
  const lost = kind === newestFrame ? (readingsOfFrame(flipped.body) ?? new Map()) : new Map();
  const flip = { file: kind.file, where: flipped.where, lost };
  const begin = damageId(placeOfFile[kind.file] as "series", flip.where);
  const isNamed = (entries: readonly KnownDamageEntry[]) => entries.some(({ id }) => id.startsWith(begin));
  await until(async () => isNamed(await damageEntries(meterbook)), `GET /v1/damage does not name ${begin}`);
  return flip;
}

async function stopped(meterbook: MeterbookProcess, { table }: Candidate): Promise<void> {
  if (table === "frame") await meterbook.settled(60_000).catch(() => undefined);
  const code = await meterbook.stop();
  if (code !== 0) throw new Error(`SIGTERM ended with ${code}\n${meterbook.errors().slice(-3000)}`);
}

function blockBegin(database: DatabaseSync, meterNo: number, day: number): string {
  const meterId = String(database.prepare("SELECT meter_id FROM meter WHERE no = ?").get(meterNo)?.["meter_id"]);
  return `${meterId} ${new Date((epoch + day * 86_400) * 1000).toISOString().slice(0, 10)} bytes`;
}

/** The fleet registers no meter: one that reports gets master data that change nothing. */
async function putRecord(meterbook: MeterbookProcess, random: () => number): Promise<void> {
  const { items } = await meterbook.get<{ items: { meterId: string }[] }>("/v1/meters?registered=true&limit=100");
  const meterId = items[Math.floor(random() * items.length)]?.meterId;
  if (meterId !== undefined) await putMeter(meterbook, meterId);
}

export async function putMeter({ request }: Pick<MeterbookProcess, "request">, meterId: string): Promise<void> {
  const body = JSON.stringify({ usagePointId: meterId, registers: [] });
  const headers = { "content-type": "application/json" };
  const answer = await request(`/v1/meters/${meterId}`, { method: "PUT", headers, body });
  if (!answer.ok) throw new Error(`PUT /v1/meters/${meterId}: ${answer.status} ${await answer.text()}`);
}

const attemptsMax = 30;
const needleBytes = 24;

/** Answers where; undefined where no record was found that stands in one piece in the file. */
async function flipIn(dataDir: string, kind: Candidate, random: () => number) {
  const path = join(dataDir, kind.file);
  const bytes = await readFile(path);
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const row = drawnRow(path, kind, random);
    if (row === undefined) return undefined;
    const offset = Math.floor(random() * Math.max(1, row.body.length - needleBytes));
    const needle = row.body.subarray(offset, offset + needleBytes);
    const bit = Math.floor(random() * needle.length * 8);
    // The same bytes may stand in what the file uses no more, or in a copy: the right ones change what is read.
    for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1)) {
      const flipped = Buffer.from(bytes);
      flipped[at + (bit >> 3)] = (flipped[at + (bit >> 3)] as number) ^ (1 << (bit & 7));
      await writeFile(path, flipped);
      if (!bodyOf(path, kind, row.key)?.equals(row.body)) return row;
    }
    await writeFile(path, bytes);
  }
  return undefined;
}

function drawnRow(path: string, kind: Candidate, random: () => number) {
  const { table, key, body, only = "1", where } = kind;
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    // Frames of the last seconds may not be in the store yet.
    const more = only.includes("?") ? [Date.now() - 20_000] : [];
    const count = Number(database.prepare(`SELECT count(*) AS n FROM ${table} WHERE ${only}`).get(...more)?.["n"]);
    const row = database
      .prepare(`SELECT ${key} AS key, ${body} AS body FROM ${table} WHERE ${only} ORDER BY ${key} LIMIT 1 OFFSET ?`)
      .get(...more, Math.floor(random() * count));
    if (row === undefined) return undefined;
    const found = { key: Number(row["key"]), body: bytesOf(row["body"]) };
    return { ...found, where: where(found, database) };
  } finally {
    database.close();
  }
}

function bodyOf(path: string, { table, key, body }: Candidate, of: number): Buffer | undefined {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const row = database.prepare(`SELECT ${body} AS body FROM ${table} WHERE ${key} = ?`).get(of);
    return row === undefined ? undefined : bytesOf(row["body"]);
  } finally {
    database.close();
  }
}

function bytesOf(value: unknown): Buffer {
  return value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value));
}
