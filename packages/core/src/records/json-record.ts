import { checkedRecord, withChecksum } from "./record-checksum.ts";

/** For records that are few: JSON with a checksum behind it. */
export function encodeJsonRecord(value: unknown): Buffer {
  return withChecksum(Buffer.from(JSON.stringify(value)));
}

/** Undefined where the bytes are not what was written, or no JSON. What it holds is for the caller to check. */
export function readJsonRecord(bytes: Uint8Array): unknown {
  const record = checkedRecord(bytes);
  if (record === undefined) return undefined;
  try {
    return JSON.parse(Buffer.from(record).toString());
  } catch {
    return undefined;
  }
}
