/** Pages of ids, each ascending and of at most `limit`, as the page of all of them together. */
export function mergedIds(pages: readonly (readonly string[])[], limit: number): readonly string[] {
  const [only] = pages;
  if (only !== undefined && pages.length === 1) return only;
  return [...new Set(pages.flat())].sort().slice(0, limit);
}

/**
 * Ids that come after one and begin so: `from <= id < before`. One bound on each side, since SQLite seeks by one of two
 * and then looks at every row for the other. Ids are of ASCII that can be printed.
 */
export function idBounds(after = "", prefix = ""): { readonly from: string; readonly before: string } {
  return { from: after >= prefix && after !== "" ? `${after}\u0001` : prefix, before: `${prefix}\u007f` };
}
