/** The time, passed in so that a test can hold it. */
export interface Clock {
  nowMs(): number;
}

/** Who can say what time it is beside the host's clock, which may be wrong when a process starts. */
export interface TimeWitnesses {
  /** Whether the clock is in doubt, and readings are asked for. */
  readonly isAsking: boolean;
  /** Whether nothing has ever said that the host's clock is right: then months end by what meters say. */
  readonly isTimeUnknown: boolean;
  /** What time it is by the meters that report now; 0 where too few have reported. */
  readonly saidMs: number;
  /** What the host's clock shows, whoever doubts it: a log on this host appends by it. */
  hostMs(): number;
  /** By the log nobody has believed a clock yet. */
  firstStart(): void;
  /** At least so late it was before this process. */
  knownBefore(ms: number): void;
  /** A meter's newest reading is of that time, and its oldest so much older. */
  reading(meterId: string, atMs: number, spanMs: number): void;
  /** What was heard is looked at, of so many meters that there are, in a log that was begun so long ago. */
  judge(meters: number, logAgeMs: number): void;
  /** An operator has asked for a close at that time, by the log. */
  closed(atMs: number): void;
}

export const systemClock: Clock = { nowMs: () => Date.now() };
