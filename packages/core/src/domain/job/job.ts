/** What takes longer than a call may: it is asked for, goes on by itself, and is looked at. */
export interface Job {
  readonly id: string;
  readonly kind: JobKind;
  /** Of a close. */
  readonly period: number;
  readonly askedAtMs: number;
  /** The name of a key, or that there was none. */
  readonly askedBy: string;
  readonly state: JobState;
  /** Of `total` parts. */
  readonly done: number;
  readonly total: number;
  /** What came of it; null until it is done. */
  readonly result: Readonly<Record<string, unknown>> | null;
  /** Why it failed; null where it did not. */
  readonly problem: string | null;
  /** When whoever works on it last said so. */
  readonly seenAtMs: number;
}

export const jobKinds = ["close", "import", "export", "recompute"] as const;
export type JobKind = (typeof jobKinds)[number];

export const jobStates = ["queued", "running", "done", "failed"] as const;
export type JobState = (typeof jobStates)[number];

export function isUnfinished({ state }: Pick<Job, "state">): boolean {
  return state === "queued" || state === "running";
}
