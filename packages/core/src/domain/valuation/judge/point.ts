/** A reading as pairs are judged. */
export interface Point {
  readonly at: number;
  readonly value: number;
}
