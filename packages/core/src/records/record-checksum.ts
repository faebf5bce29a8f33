import { crc32 } from "node:zlib";

/**
 * The checksum of a durable protobuf record: field 15, a fixed32, always the last five bytes, over all bytes before it.
 * A reader that does not know it skips it as any field.
 */
const tag = (15 << 3) | 5;
export const checksumBytes = 5;

/** The record with its checksum behind it. */
export function withChecksum(record: Uint8Array): Buffer {
  const sealed = Buffer.allocUnsafe(record.length + checksumBytes);
  sealed.set(record, 0);
  putChecksum(sealed);
  return sealed;
}

/** The same without a copy: the last `checksumBytes` of `sealed` are free for it. */
export function putChecksum(sealed: Buffer): void {
  const length = sealed.length - checksumBytes;
  sealed[length] = tag;
  sealed.writeUInt32LE(crc32(sealed.subarray(0, length)), length + 1);
}

/**
 * The record without its checksum (the same memory); undefined where the checksum is absent or not that of the bytes.
 */
export function checkedRecord(sealed: Uint8Array): Uint8Array | undefined {
  const length = sealed.length - checksumBytes;
  if (length < 0 || sealed[length] !== tag) return undefined;
  const record = sealed.subarray(0, length);
  const view = new DataView(sealed.buffer, sealed.byteOffset + length + 1, 4);
  return view.getUint32(0, true) === crc32(record) ? record : undefined;
}
