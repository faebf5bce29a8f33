/** A message, or one reading of a message, that was refused, with all that is needed to understand and replay it. */
export interface Rejection {
  /** The stable reason code (docs/validation.md). */
  readonly reason: string;
  /** What was wrong, with the field's name. */
  readonly detail: string;
  readonly topic: string;
  readonly meterId: string | null;
  readonly clientId: string;
  readonly receivedAtMs: number;
  /**
   * The whole message as it came. A packet over the size limit keeps its first bytes; `truncatedFrom` is its length.
   */
  readonly payload: Uint8Array;
  readonly truncatedFrom: number | null;
  /**
   * Whose share of the log it fills: an identity, a client or a meter. Absent where it is nobody's; not shown again.
   */
  readonly senderName?: string;
  /**
   * Where it stands in a log that may be taken in again (a frame of the readings log): the same source is kept once.
   * Not shown again.
   */
  readonly source?: string;
  /** Index of the refused reading in the message (readings first, then profiles flattened); null = the message. */
  readonly readingIndex: number | null;
}

export interface StoredRejection extends Rejection {
  /** Opaque, ordered by time of refusal. */
  readonly id: string;
  /** When a replay was accepted; null while it is still refused. */
  readonly replayedAtMs: number | null;
}

export interface RejectionQuery {
  readonly afterId?: string;
  readonly limit: number;
  readonly includeReplayed: boolean;
  readonly newestFirst?: boolean;
  readonly reason?: string;
  readonly meterId?: string;
  /** Received at this millisecond UTC or later. */
  readonly fromMs?: number;
  /** Received before this millisecond UTC. */
  readonly toMs?: number;
}

/** What a sender fills of the log. */
export interface SenderShare {
  /** Empty where nobody was named. */
  readonly sender: string;
  readonly bytes: number;
  readonly messages: number;
}

export interface RejectedShares {
  /** Largest first. */
  list(limit: number): Promise<readonly SenderShare[]>;
  /**
   * Forgets what is kept of a sender, as its age would do: it still counts as refused. Answers how many refusals went.
   */
  empty(sender: string): Promise<number>;
}

/**
 * The rejected log: what was refused is kept, counted and can be replayed.
 *
 * Promises of every adapter (test/contracts/rejected-log.contract.ts):
 * - `append` resolves only once the rejections survive a crash;
 * - rejections of a source that is there already are left alone, whoever appends them;
 * - rejections of one message that follow each other (their payload is the same object) keep its payload once;
 * - `list` gives the entries in order of `id` (newest first if `newestFirst`), after `afterId` in that order, at most
 *   `limit`, and only those that match all that is asked for;
 * - `open` is the exact number of entries without `replayedAtMs`, including those that are too old to be kept; marking
 *   one twice changes nothing.
 */
export interface RejectedLog {
  append(rejections: readonly Rejection[]): Promise<void>;
  list(options: RejectionQuery): Promise<readonly StoredRejection[]>;
  get(id: string): Promise<StoredRejection | undefined>;
  markReplayed(id: string, atMs: number): Promise<void>;
  /** Absent where those who append count by themselves what each sender fills. */
  readonly shares?: RejectedShares;
  totals(): Promise<{ readonly open: number; readonly byReason: Readonly<Record<string, number>> }>;
  close(): Promise<void>;
}
