/** An instant as the API takes it. */
export function isoOf(instant: number): string {
  return new Date(instant * 1000).toISOString().replace(".000Z", "Z");
}
