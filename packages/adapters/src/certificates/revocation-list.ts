import { type KeyObject, verify } from "node:crypto";
import { type Der, derAt, derTimeMs, derWithin } from "./der.ts";

/** What an authority says of the certificates that it has taken back. */
export interface RevocationList {
  readonly fromMs: number;
  /** When the next one is due, and this one says no more; null where it does not tell. */
  readonly toMs: number | null;
  /** As `serialOf` writes them. */
  readonly serials: ReadonlySet<string>;
  /** Whether the owner of the key has signed it; `unknown` where it was signed in a way that we do not know. */
  isSignedBy(key: KeyObject): boolean | "unknown";
}

/** By object identifier, as hexadecimal DER. `null`: the key says which. */
const digests: Readonly<Record<string, string | null>> = {
  "2a864886f70d010105": "sha1",
  "2a864886f70d01010b": "sha256",
  "2a864886f70d01010c": "sha384",
  "2a864886f70d01010d": "sha512",
  "2a8648ce3d0401": "sha1",
  "2a8648ce3d040302": "sha256",
  "2a8648ce3d040303": "sha384",
  "2a8648ce3d040304": "sha512",
  "2b6570": null,
};
const sequence = 0x30;
const integer = 0x02;

/**
 * Reads a CertificateList (RFC 5280, section 5.1).
 *
 * @throws RangeError where the bytes are none.
 */
export function parseRevocationList(der: Uint8Array): RevocationList {
  const [signed, algorithm, signature] = derWithin(der, derAt(der, 0, der.length));
  if (signed === undefined || algorithm === undefined || signature === undefined) throw noList();
  const { fromMs, toMs, entries } = readSigned(der, signed);
  const [oid] = derWithin(der, algorithm);
  const digest = oid === undefined ? undefined : digests[hex(der, oid.from, oid.to)];
  return {
    fromMs,
    toMs,
    serials: new Set(entries === undefined ? [] : serialsOf(der, entries)),
    isSignedBy(key) {
      if (digest === undefined) return "unknown";
      // A bit string's first byte is how many bits of its last one are not used: none.
      return verify(digest, der.subarray(signed.start, signed.to), key, der.subarray(signature.from + 1, signature.to));
    },
  };
}

function readSigned(der: Uint8Array, signed: Der): { fromMs: number; toMs: number | null; entries: Der | undefined } {
  const fields = [...derWithin(der, signed)].filter(({ tag }, index) => index > 0 || tag !== integer);
  // The algorithm and the issuer's name come first.
  const [, , thisUpdate, ...more] = fields;
  const fromMs = thisUpdate === undefined ? undefined : derTimeMs(der, thisUpdate);
  if (fromMs === undefined) throw noList();
  const [next] = more;
  const toMs = next === undefined ? undefined : derTimeMs(der, next);
  const entries = more[toMs === undefined ? 0 : 1];
  return { fromMs, toMs: toMs ?? null, entries: entries?.tag === sequence ? entries : undefined };
}

function* serialsOf(der: Uint8Array, entries: Der): Generator<string> {
  for (const entry of derWithin(der, entries)) {
    const serial = derAt(der, entry.from, entry.to);
    if (serial.tag !== integer) throw noList();
    yield serialOf(hex(der, serial.from, serial.to));
  }
}

/** A serial number in one way of writing, whoever wrote it. */
export function serialOf(hexDigits: string): string {
  return hexDigits.toLowerCase().replace(/^0{1,40}/, "");
}

function hex(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.subarray(from, to)).toString("hex");
}

function noList(): RangeError {
  return new RangeError("it is no revocation list");
}
