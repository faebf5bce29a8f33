/** The number in a cell. What is none stays text, so that validation names it. */
export function wholeOf(cell: string): unknown {
  return /^\d{1,15}$/.test(cell) ? Number(cell) : cell;
}
