/** Pages of ids, each ascending and of at most `limit`, as the page of all of them together. */
export function mergedIds(pages: readonly (readonly string[])[], limit: number): readonly string[] {
  const [only] = pages;
  if (only !== undefined && pages.length === 1) return only;
  return [...new Set(pages.flat())].sort().slice(0, limit);
}

/** After every id that begins so. Ids are of ASCII. */
export function endOfPrefix(prefix: string): string {
  return `${prefix}\u007f`;
}
