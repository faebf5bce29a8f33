/** A reading as pairs are judged. */
export interface Point {
  readonly at: number;
  readonly value: number;
}

export interface WeighedPoint extends Point {
  /** How much it counts against others: 1000 for a reading, hardly anything for what the meter itself has estimated. */
  readonly weight: number;
}
