/** The time, passed in so that a test can hold it. */
export interface Clock {
  nowMs(): number;
}

/** Who can say what time it is beside the host's clock, which may be wrong when a process starts. */
export interface TimeWitnesses {
  /** Whether the clock is in doubt, and readings are asked for. */
  readonly isAsking: boolean;
  /** At least so late it was before this process. */
  knownBefore(ms: number): void;
  /** A meter has a reading of that time. */
  reading(meterId: string, atMs: number): void;
  /** What was heard is looked at, of so many meters that there are. */
  judge(meters: number): void;
  /** An operator has asked for a close at that time, by the log. */
  closed(atMs: number): void;
}

export const systemClock: Clock = { nowMs: () => Date.now() };
