import type { DamageCode, RecordFault } from "../domain/damage/damage.ts";
import { type Cursor, MalformedMessage, readFields, skipField } from "./protobuf-cursor.ts";
import { checkedRecord } from "./record-checksum.ts";

/** A durable record or, as nothing of it must be guessed, why there is none. */
export type Checked<Of> =
  | { readonly record: Of; readonly fault?: undefined }
  | { readonly fault: RecordFault; readonly record?: undefined };

/** Reads a record whose checksum is right. `decode` throws MalformedMessage where the bytes are no such record. */
export function readChecked<Of>(body: unknown, decode: (bytes: Uint8Array) => Of): Checked<Of> {
  if (!(body instanceof Uint8Array)) return faulty("record_unreadable", "it is not bytes");
  const bytes = checkedRecord(body);
  if (bytes === undefined) return faulty("checksum_mismatch", "its bytes do not give its checksum");
  try {
    return { record: decode(bytes) };
  } catch (error) {
    if (error instanceof MalformedMessage) return faulty("record_unreadable", error.message);
    throw error;
  }
}

export function faulty(code: DamageCode, detail: string): { readonly fault: RecordFault } {
  return { fault: { code, detail } };
}

/** Reads a record that is one of several messages; `kinds` has how each is read, by its tag, in fields from 1 on. */
export function readOneOf<Of>(body: unknown, kinds: ReadonlyMap<number, (cursor: Cursor) => Of>): Checked<Of> {
  return readChecked(body, (bytes) => {
    let record: Of | undefined;
    readFields(bytes, (cursor, tag) => {
      const read = kinds.get(tag);
      if (read === undefined) skipField(cursor, tag, kinds.size);
      else record = read(cursor);
    });
    if (record === undefined) throw new MalformedMessage("it says nothing that is known");
    return record;
  });
}
