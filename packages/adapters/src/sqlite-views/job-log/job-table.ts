import type { DatabaseSync } from "node:sqlite";
import { isUnfinished, type Job } from "@meterbook/core/domain/job/job";
import { type JobLog, jobsKeptMax, unfinishedJobsMax } from "@meterbook/core/ports/job-log";
import { encodeJsonRecord, readJsonRecord } from "@meterbook/core/records/json-record";
import { z } from "zod";

export const jobSchema = `
  CREATE TABLE IF NOT EXISTS job (id TEXT PRIMARY KEY, asked_at_ms INTEGER NOT NULL, is_unfinished INTEGER NOT NULL, body BLOB NOT NULL);
  CREATE INDEX IF NOT EXISTS job_in_order ON job (is_unfinished, asked_at_ms);
`;

/** A job as a record: JSON with a checksum behind it. */
export function encodeJob(job: Job): Buffer {
  return encodeJsonRecord(job);
}

/** To the end of the year 9999: what lies beyond cannot be written as a date. */
const instantMs = z.int().min(0).max(253_402_300_799_999);
const whole = z.int().min(0);

/** What a newer version names is kept as it is. */
const form = z.object({
  id: z.string(),
  kind: z.custom<Job["kind"]>((kind) => typeof kind === "string"),
  period: whole,
  askedAtMs: instantMs,
  askedBy: z.string(),
  state: z.custom<Job["state"]>((state) => typeof state === "string"),
  done: whole,
  total: whole,
  result: z.record(z.string(), z.unknown()).nullable(),
  problem: z.string().nullable(),
  seenAtMs: instantMs,
});

/** Undefined where the bytes are not what was written, or no job. */
export function decodeJob(bytes: Uint8Array): Job | undefined {
  return form.safeParse(readJsonRecord(bytes)).data;
}

export type JobReads = Pick<JobLog, "get" | "unfinished">;

export function jobReads(database: DatabaseSync): JobReads {
  const one = database.prepare("SELECT body FROM job WHERE id = ?");
  const open = database.prepare("SELECT body FROM job WHERE is_unfinished = 1 ORDER BY asked_at_ms");
  const jobIn = (row: Record<string, unknown> | undefined) =>
    row?.["body"] instanceof Uint8Array ? decodeJob(row["body"]) : undefined;
  return {
    get: async (id) => jobIn(one.get(id)),
    unfinished: async () => open.all().flatMap((row) => jobIn(row) ?? []),
  };
}

/** Inside the caller's transaction. */
export function jobWrites(database: DatabaseSync): (job: Job, body: Uint8Array) => void {
  // Two may have worked on it: the first end counts.
  const put = database.prepare(
    `INSERT INTO job (id, asked_at_ms, is_unfinished, body) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE
     SET asked_at_ms = excluded.asked_at_ms, is_unfinished = excluded.is_unfinished, body = excluded.body
     WHERE job.is_unfinished = 1`,
  );
  // Several processes that ask at the same time may ask for some more than there may be.
  const forget = database.prepare(
    "DELETE FROM job WHERE id IN (SELECT id FROM job WHERE is_unfinished = ? ORDER BY asked_at_ms DESC LIMIT -1 OFFSET ?)",
  );
  return (job, body) => {
    put.run(job.id, job.askedAtMs, isUnfinished(job) ? 1 : 0, body);
    forget.run(0, jobsKeptMax);
    forget.run(1, 2 * unfinishedJobsMax);
  };
}
