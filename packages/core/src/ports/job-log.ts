import type { Job } from "../domain/job/job.ts";

/** Jobs that have ended and are kept: the oldest are forgotten. */
export const jobsKeptMax = 1000;
/** Jobs that have not ended: whoever asks for one more than these is told to wait. None of them is forgotten before. */
export const unfinishedJobsMax = 1000;

/**
 * Jobs and how far they are, for all processes that answer about them.
 *
 * Promises of every adapter (test/contracts/job-log.contract.ts): `put` resolves once the job survives a crash, and
 * replaces the same job as it was before, unless that has ended: the first end counts, since a process that was taken
 * for dead may still work on it. `get` and `unfinished` see what this process has put at once, and what others
 * have put some moments later. A record that cannot be read is treated as if it were not there.
 */
export interface JobLog {
  /** One process works on its jobs and nobody else ever does: what is unfinished when that starts is nobody's. */
  readonly worked: "by one process" | "by several";
  put(job: Job): Promise<void>;
  get(id: string): Promise<Job | undefined>;
  /** Those that are neither done nor failed, oldest first. */
  unfinished(): Promise<readonly Job[]>;
  close(): Promise<void>;
}
