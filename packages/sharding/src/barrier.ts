/**
 * A mark in a partition of the readings log, between its frames. Whoever reaches it has applied everything before it.
 * So what is issued there is a function of the log: the same on every machine, after any take-over and at every replay.
 */
export interface Barrier {
  /**
   * Log time from here on, in milliseconds UTC. It moves by barriers alone, never backwards and never by a host's
   * clock.
   */
  readonly atMs: number;
  /** Master data up to this position of the registry count from here on. */
  readonly registry: number;
  /** Meters that wait, and that no frame at this offset or later has changed, are issued here: they have been quiet. */
  readonly quietBefore: number;
  /** Of the meters of a month's end, those whose ids sort up to this one are issued here; all where it is null. */
  readonly readyThrough: string | null;
  /** The close that somebody asked for: all meters that wait are issued here. */
  readonly closeId: string | null;
}
