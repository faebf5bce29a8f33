import { countJsonEntries } from "@meterbook/intake/decoders/json/json-bounds";
import { repeatedMember } from "@meterbook/intake/decoders/json/repeated-member";

/** A record of the most registers holds 600 entries, three deep. */
const bounds = { depthMax: 8, entriesMax: 10_000 };

/** How many entries a JSON body, or a line of an import, has, or what it has too much of to be parsed. */
export function entriesOfJson(text: string): number | string {
  return countJsonEntries(Buffer.from(text), bounds);
}

const nameMax = 40;

/** Why what was parsed of a text is not what it says; undefined where it is. */
export function misreadJson(text: string, value: unknown, entries: number): string | undefined {
  const name = repeatedMember(text, value, entries);
  if (name !== undefined) return `${JSON.stringify(name.slice(0, nameMax))} is there twice in one object`;
  // Half of a pair comes as an escape only: bytes with one are no UTF-8.
  if (/\\u[dD][89a-fA-F]/.test(text) && !isWellFormed(value)) return "holds half of a character (a lone surrogate)";
  return undefined;
}

function isWellFormed(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "object" || value === null) return true;
  return Object.entries(value).every(([name, member]) => name.isWellFormed() && isWellFormed(member));
}
