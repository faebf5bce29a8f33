import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import {
  type AuditQuestion,
  type AuditSubject,
  auditSubjects,
  type KeptRead,
  type PersonalRead,
  readsKeptMax,
} from "@meterbook/core/ports/audit-log";
import { encodeJsonRecord, readJsonRecord } from "@meterbook/core/records/json-record";
import { z } from "zod";

export const auditSchema = `
  CREATE TABLE IF NOT EXISTS personal_read (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, caller TEXT NOT NULL, subject INTEGER NOT NULL,
    subject_id TEXT NOT NULL, body BLOB NOT NULL);
  CREATE INDEX IF NOT EXISTS read_of_subject ON personal_read (subject_id, subject, id);
  CREATE INDEX IF NOT EXISTS read_by_caller ON personal_read (caller, id);
`;

/** Times to the end of the year 9999: what lies beyond cannot be written as a date. */
const form = z.object({
  atMs: z.int().min(0).max(253_402_300_799_999),
  caller: z.string(),
  address: z.string(),
  call: z.string(),
  subject: z.enum(auditSubjects),
  subjectId: z.string(),
  query: z.string(),
});

/** As a record: JSON with a checksum behind it. */
export function encodeRead(read: PersonalRead): Buffer {
  return encodeJsonRecord(read);
}

/** Undefined where the bytes are not what was written. */
export function decodeRead(bytes: Uint8Array): PersonalRead | undefined {
  return form.safeParse(readJsonRecord(bytes)).data;
}

export function encodeReads(reads: readonly PersonalRead[]): Buffer {
  return encodeJsonRecord({ reads });
}

export function decodeReads(bytes: Uint8Array): readonly PersonalRead[] {
  return z.object({ reads: z.array(form) }).safeParse(readJsonRecord(bytes)).data?.reads ?? [];
}

/** Damaged entries are passed over a page at a time. */
const pageMin = 100;

export function auditReads(database: DatabaseSync): (question: AuditQuestion) => readonly KeptRead[] {
  return (question) => {
    const found: KeptRead[] = [];
    let beforeId = question.beforeId ?? Number.MAX_SAFE_INTEGER;
    for (;;) {
      const limit = Math.max(question.limit - found.length, pageMin);
      const { sql, values } = conditions({ ...question, beforeId });
      const rows = database
        .prepare(`SELECT id, body FROM personal_read WHERE ${sql} ORDER BY id DESC LIMIT ?`)
        .all(...values, limit);
      for (const { id, body } of rows) {
        const read = body instanceof Uint8Array ? decodeRead(body) : undefined;
        beforeId = Number(id);
        if (read !== undefined && found.push({ id: beforeId, ...read }) === question.limit) return found;
      }
      if (rows.length < limit) return found;
    }
  };
}

function conditions({ beforeId = 0, subject, subjectId, caller, fromMs, toMs }: AuditQuestion): {
  readonly sql: string;
  readonly values: readonly SQLInputValue[];
} {
  const all: (readonly [string, SQLInputValue | undefined])[] = [
    ["id < ?", beforeId],
    ["subject_id = ?", subjectId],
    ["subject = ?", subject === undefined ? undefined : numberOf(subject)],
    ["caller = ?", caller],
    ["at_ms >= ?", fromMs],
    ["at_ms < ?", toMs],
  ];
  const wanted = all.flatMap(([sql, value]) => (value === undefined ? [] : [{ sql, value }]));
  return { sql: wanted.map(({ sql }) => sql).join(" AND "), values: wanted.map(({ value }) => value) };
}

/** As its column has it. */
export function numberOf(subject: AuditSubject): number {
  return auditSubjects.indexOf(subject);
}

export interface AuditWrites {
  /** @param firstId of the first of them; those after it follow */
  add(reads: readonly PersonalRead[], firstId: number): void;
  nextId(): number;
  /** What is older, and of too many the oldest; a part at a time. */
  forget(beforeMs: number): void;
}

const forgottenPerTurnMax = 5000;

/** Inside the caller's transaction. */
export function auditWrites(database: DatabaseSync, keptMax = readsKeptMax): AuditWrites {
  const insert = database.prepare(
    "INSERT OR IGNORE INTO personal_read (id, at_ms, caller, subject, subject_id, body) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const newest = database.prepare("SELECT coalesce(max(id), 0) AS id FROM personal_read");
  // By id, which follows time: nothing else needs an index.
  const oldest = database.prepare("SELECT id, at_ms FROM personal_read ORDER BY id LIMIT ?");
  // The newest stays, however old a clock that leapt makes it: by its id it is known that none is lost.
  const remove = database.prepare(
    "DELETE FROM personal_read WHERE id <= ? AND id < (SELECT max(id) FROM personal_read)",
  );
  const count = database.prepare("SELECT count(*) AS n FROM personal_read");
  let kept = Number(count.get()?.["n"]);
  return {
    add(reads, firstId) {
      for (const [index, read] of reads.entries()) {
        const { atMs, caller, subject, subjectId } = read;
        const { changes } = insert.run(firstId + index, atMs, caller, numberOf(subject), subjectId, encodeRead(read));
        kept += Number(changes);
      }
    },
    nextId: () => Number(newest.get()?.["id"]) + 1,
    forget(beforeMs) {
      const surplus = Math.max(0, kept - keptMax);
      let [last, index]: [number | undefined, number] = [undefined, 0];
      for (const { id, at_ms: atMs } of oldest.iterate(forgottenPerTurnMax)) {
        if (index >= surplus && Number(atMs) >= beforeMs) break;
        last = Number(id);
        index += 1;
      }
      if (last !== undefined) kept -= Number(remove.run(last).changes);
    },
  };
}
