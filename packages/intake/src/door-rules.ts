/** The thresholds of the rules that are judged once, when a reading comes, each with its default. */
export interface DoorRules {
  /** V08: digits before the decimal point, in the unit that was sent; 1 to 16. */
  readonly valueDigitsMax: number;
  /** V09: what is older when it is received is said of it. Whether it counts is seen beside what the meter has. */
  readonly oldSeconds: number;
  /** V10: further ahead of the time of receipt is suspect, and refused. */
  readonly aheadSuspectSeconds: number;
  readonly aheadRefusedSeconds: number;
  /** V25: a meter's clock that differs from the time of receipt by more is off, and wrong. */
  readonly clockOffSeconds: number;
  readonly clockWrongSeconds: number;
}

export const doorRules: DoorRules = {
  valueDigitsMax: 10,
  oldSeconds: 3 * 366 * 86_400,
  aheadSuspectSeconds: 300,
  aheadRefusedSeconds: 86_400,
  clockOffSeconds: 60,
  clockWrongSeconds: 900,
};
