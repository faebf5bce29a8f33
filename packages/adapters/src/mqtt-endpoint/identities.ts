import { createHash, timingSafeEqual } from "node:crypto";
import { idPattern } from "@meterbook/core/domain/reading/identifiers";
import type { Sender } from "@meterbook/core/ports/meter-endpoint";
import { z } from "zod";

/** `*` at the end stands for any rest. */
const meterPattern = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\*?$/, "a meter id, or its beginning and *");

/** A line of the identities file. SHA-256 is enough, because a secret is 256 random bits and no guessable password. */
const storedIdentity = z.strictObject({
  name: z.string().regex(idPattern, "1 to 64 letters, digits and . _ -"),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits in lower case")
    .optional(),
  meters: z.array(meterPattern).min(1).max(100_000).optional(),
});

export type StoredIdentity = z.infer<typeof storedIdentity>;

/** Who may speak to the endpoint. */
export interface Identities {
  /** By the common name of a certificate that was verified; undefined where that is no name of ours. */
  certified(commonName: unknown): Sender | undefined;
  /** By user name and password; undefined where they are not right. */
  known(username: string | undefined, password: Uint8Array | undefined): Sender | undefined;
  /** Whether the list says of a sender, of this list or one before, what it said when the sender was let in. */
  holds(sender: Sender): boolean;
}

/** With what the list says of it; empty where it is not in the list. */
interface KnownSender extends Sender {
  readonly line: string;
}

const identitiesMax = 1_000_000;
const problemsShownMax = 20;

/**
 * The identities of a file: one JSON object per line, empty lines and lines that begin with `#` aside.
 *
 * @throws Error with the problems of the file, a line each.
 */
export function parseIdentities(text: string): readonly StoredIdentity[] {
  const found: StoredIdentity[] = [];
  const problems: string[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (problems.length >= problemsShownMax) break;
    if (line.trim() === "" || line.startsWith("#")) continue;
    const json = jsonOf(line);
    if (json === undefined) {
      problems.push(`line ${index + 1} is not JSON`);
      continue;
    }
    const parsed = storedIdentity.safeParse(json);
    if (parsed.success) found.push(parsed.data);
    else {
      // No spread: a line may be wrong in a million places.
      for (const { path, message } of parsed.error.issues.slice(0, problemsShownMax))
        problems.push(`line ${index + 1}: ${path.join(".") || "identity"}: ${message}`);
    }
  }
  const names = new Set(found.map(({ name }) => name));
  if (names.size < found.length) problems.push("two identities have the same name");
  if (found.length > identitiesMax) problems.push(`more than ${identitiesMax} identities`);
  if (problems.length > 0) throw new Error(problems.slice(0, problemsShownMax).join("\n"));
  return found;
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** A certificate's name that is not in the list is a meter of that id; a user name must be in it. */
export function identitiesOf(stored: readonly StoredIdentity[]): Identities {
  // Made once: a concentrator's list may be long, and it connects again and again.
  const byName = new Map(
    stored.map((one) => [one.name, { sha256: one.sha256, sender: senderOf(one, JSON.stringify(one)) }]),
  );
  return {
    certified(commonName) {
      if (typeof commonName !== "string" || !idPattern.test(commonName)) return undefined;
      return byName.get(commonName)?.sender ?? senderOf({ name: commonName }, "");
    },
    holds: (sender) => (byName.get(sender.name)?.sender.line ?? "") === (sender as KnownSender).line,
    known(username = "", password = new Uint8Array()) {
      const one = byName.get(username);
      const given = createHash("sha256").update(password).digest();
      // As much work for a name that is not there.
      const right = Buffer.from(one?.sha256 ?? "0".repeat(64), "hex");
      const isRight = timingSafeEqual(given, right);
      return one?.sha256 !== undefined && isRight ? one.sender : undefined;
    },
  };
}

function senderOf({ name, meters }: StoredIdentity, line: string): KnownSender {
  if (meters === undefined) return { name, line, speaksFor: (meterId) => meterId === name };
  const ids = new Set(meters.filter((meter) => !meter.endsWith("*")));
  const beginnings = new Set(meters.filter((meter) => meter.endsWith("*")).map((meter) => meter.slice(0, -1)));
  const lengths = [...new Set([...beginnings].map(({ length }) => length))];
  return {
    name,
    line,
    // A concentrator may have 100 000 beginnings, of few lengths.
    speaksFor: (meterId) => ids.has(meterId) || lengths.some((length) => beginnings.has(meterId.slice(0, length))),
  };
}
