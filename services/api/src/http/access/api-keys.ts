import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { Scope } from "./scope-table.ts";
import { scopes } from "./scope-table.ts";

/** A line of the keys file. SHA-256 is enough, because a key is 256 random bits and no guessable password. */
const storedKey = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "1 to 64 letters, digits and . _ -"),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits in lower case"),
  scopes: z.array(z.enum(scopes)).min(1),
  until: z.iso.datetime({ offset: true, error: "an instant with an offset, such as 2027-01-01T00:00:00Z" }).optional(),
});
export type StoredKey = z.infer<typeof storedKey>;

/** Why a key is not taken. */
export function sayRefused(caller: "expired" | undefined): string {
  return `the key ${caller === undefined ? "is not known" : "has ended; ask for a new one"}`;
}

/** Whom a request comes from. */
export interface Caller {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** When the key ends; never where absent. */
  readonly untilMs?: number;
}

const keysMax = 1000;
const problemsShownMax = 20;

/**
 * The keys of a keys file: one JSON object per line, empty lines and lines that begin with `#` aside.
 * @throws Error with the problems of the file, a line each.
 */
export function parseKeys(text: string): readonly StoredKey[] {
  const keys: StoredKey[] = [];
  const found: string[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (found.length >= problemsShownMax) break;
    if (line.trim() === "" || line.startsWith("#")) continue;
    const read = keyIn(line);
    if ("name" in read) keys.push(read);
    else for (const problem of read.slice(0, problemsShownMax)) found.push(`line ${index + 1}${problem}`);
  }
  for (const field of ["name", "sha256"] as const) {
    if (new Set(keys.map((key) => key[field])).size < keys.length) found.push(`two keys have the same ${field}`);
  }
  if (keys.length === 0 && found.length === 0) found.push("there is no key in it");
  if (keys.length > keysMax) found.push(`more than ${keysMax} keys`);
  if (found.length > 0) throw new Error(found.slice(0, problemsShownMax).join("\n"));
  return keys;
}

/** The key of a line, or what is wrong with it. */
function keyIn(line: string): StoredKey | readonly string[] {
  const json = jsonOf(line);
  if (json === undefined) return [" is not JSON"];
  const parsed = storedKey.safeParse(json);
  if (parsed.success) return parsed.data;
  return parsed.error.issues.map(({ path, message }) => `: ${path.join(".") || "key"}: ${message}`);
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Finds the caller of a key. Compares with every stored hash in constant time, so the time taken tells nothing. */
export function keyRing(keys: readonly StoredKey[]): (key: string) => Caller | undefined {
  const ring = keys.map(({ name, sha256, scopes: allowed, until }) => ({
    hash: Buffer.from(sha256, "hex"),
    caller: { name, scopes: allowed, ...(until === undefined ? {} : { untilMs: Date.parse(until) }) },
  }));
  return (key) => {
    const hash = createHash("sha256").update(key).digest();
    let found: Caller | undefined;
    for (const entry of ring) if (timingSafeEqual(entry.hash, hash)) found = entry.caller;
    return found;
  };
}

/** A new key, to be shown once, and what to store of it. */
export function makeKey(name: string, allowed: readonly string[], until?: string): { key: string; stored: StoredKey } {
  const key = `mb_${randomBytes(32).toString("base64url")}`;
  const sha256 = createHash("sha256").update(key).digest("hex");
  return { key, stored: storedKey.parse({ name, sha256, scopes: allowed, until }) };
}
