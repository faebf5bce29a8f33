/** Whose data was read: of a meter, of a usage point, of all meters at once, or of the members of a group. */
export const auditSubjects = ["meter", "usage-point", "fleet", "group"] as const;
export type AuditSubject = (typeof auditSubjects)[number];

/** Somebody has read what tells of people. */
export interface PersonalRead {
  readonly atMs: number;
  /** The name of the caller's key; empty where none was needed. */
  readonly caller: string;
  /** From where the call came. */
  readonly address: string;
  /** The call, such as `GET /v1/meters/:meterId/curve`. */
  readonly call: string;
  readonly subject: AuditSubject;
  /** Its id; empty for the fleet. */
  readonly subjectId: string;
  /** What was asked for of it: the query, cut where it is long. */
  readonly query: string;
}

export interface KeptRead extends PersonalRead {
  /** Grows with every entry. */
  readonly id: number;
}

/** So many of the newest are kept, whatever their age. */
export const readsKeptMax = 5_000_000;
/** In one record. */
export const readsPerRecordMax = 500;

export interface AuditQuestion {
  /** Only entries with a smaller id. */
  readonly beforeId?: number;
  readonly limit: number;
  readonly subject?: AuditSubject | undefined;
  readonly subjectId?: string | undefined;
  readonly caller?: string | undefined;
  /** `fromMs <= atMs < toMs` */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

/**
 * Who has read what of whom.
 *
 * Promises of every adapter (test/contracts/audit-log.contract.ts):
 * - `put` resolves once the entries survive a crash, in their order;
 * - `list` has what this process has put at once, newest first, and what others have put some moments later;
 * - entries older than the retention are forgotten, and of more than `readsKeptMax` the oldest;
 * - an entry that cannot be read is left out and stops nobody.
 */
export interface AuditLog {
  put(reads: readonly PersonalRead[]): Promise<void>;
  list(question: AuditQuestion): Promise<readonly KeptRead[]>;
  close(): Promise<void>;
}
