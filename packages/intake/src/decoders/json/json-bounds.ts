/** How deep and how wide a JSON text may be. */
export interface JsonBounds {
  /** Of arrays and objects in each other. */
  readonly depthMax: number;
  /** Members and elements, and each array and object by itself. */
  readonly entriesMax: number;
}

const [quote, backslash] = [0x22, 0x5c];
const [string, comma, opening, closing] = [1, 2, 3, 4];

/** What a byte begins, 0 where that is nothing to count. A table, because a chain of comparisons costs a third more. */
const kinds = new Uint8Array(256);
for (const [characters, kind] of [
  ['"', string],
  [",", comma],
  ["[{", opening],
  ["]}", closing],
] as const)
  for (const character of characters) kinds[character.charCodeAt(0)] = kind;

/**
 * How many entries a text has, or what it has too much of. It is one walk over the bytes, before anything is built of
 * them: a nanosecond a byte. The parser says whether it is JSON at all; if it is, the count is right.
 */
export function countJsonEntries(bytes: Uint8Array, { depthMax, entriesMax }: JsonBounds): number | string {
  let depth = 0;
  let entries = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const kind = kinds[bytes[at] as number] as number;
    if (kind === 0) continue;
    if (kind === string) at = endOfString(bytes, at + 1);
    else if (kind === closing) depth -= 1;
    else {
      entries += 1;
      if (kind === opening) depth += 1;
      if (depth > depthMax) return `is nested deeper than ${depthMax}`;
      if (entries > entriesMax) return `has more than ${entriesMax} entries`;
    }
  }
  return entries;
}

/** Where the quote stands that ends the string; beyond the text where none does. */
function endOfString(bytes: Uint8Array, from: number): number {
  let at = from;
  for (; at < bytes.length; at += 1) {
    if (bytes[at] === quote) return at;
    if (bytes[at] === backslash) at += 1;
  }
  return at;
}
