/**
 * The name that an object of a JSON text has twice; undefined where none has. The parser takes the last of them and
 * says nothing, so a whole list of readings would be gone.
 *
 * @param text what `value` was parsed from
 * @param entries of the text (`countJsonEntries`): counting those of the value is a tenth of looking at names
 */
export function repeatedMember(text: string, value: unknown, entries: number): string | undefined {
  return entriesOf(value) === entries ? undefined : firstTwice(text);
}

/** As they are counted in the text: each array and object, and what stands behind a comma in it. */
function entriesOf(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  let [entries, members] = [0, 0];
  if (Array.isArray(value)) {
    members = value.length;
    for (const one of value) if (typeof one === "object") entries += entriesOf(one);
  } else {
    for (const name in value) {
      members += 1;
      const member = (value as Record<string, unknown>)[name];
      if (typeof member === "object") entries += entriesOf(member);
    }
  }
  return entries + Math.max(1, members);
}

/** Of a text that is JSON. */
function firstTwice(text: string): string | undefined {
  // Of each object that is open its names, and undefined for an array.
  const open: (Set<string> | undefined)[] = [];
  let isName = false;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at];
    if (sign === "{") open.push(new Set());
    else if (sign === "[") open.push(undefined);
    else if (sign === "}" || sign === "]") open.pop();
    if (sign === "{" || sign === ",") isName = true;
    if (sign !== '"') continue;
    const end = endOfString(text, at + 1);
    const twice = isName ? addTo(open.at(-1), text.slice(at, end + 1)) : undefined;
    if (twice !== undefined) return twice;
    isName = false;
    at = end;
  }
  return undefined;
}

/** The name, if it was there already. */
function addTo(names: Set<string> | undefined, literal: string): string | undefined {
  if (names === undefined) return undefined;
  const name = JSON.parse(literal) as string;
  const before = names.size;
  return names.add(name).size === before ? name : undefined;
}

function endOfString(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}
