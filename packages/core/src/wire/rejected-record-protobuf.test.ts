import { fileURLToPath } from "node:url";
import fc from "fast-check";
import protobuf from "protobufjs";
import { expect, test } from "vitest";
import type { RejectedRecord } from "./rejected-record-protobuf.ts";
import { decodeRejectedRecord, encodeRejectedRecord } from "./rejected-record-protobuf.ts";

const proto = fileURLToPath(new URL("../../../../proto/meterbook/v1/rejected_record.proto", import.meta.url));
const RejectedRecordType = protobuf.loadSync(proto).lookupType("meterbook.v1.RejectedRecord");

const text = fc.string({ unit: "grapheme", maxLength: 40 });
const bytes = fc.uint8Array({ maxLength: 300 }).map((given) => Uint8Array.from(given));
const rejection = fc.record({
  reason: fc.constantFrom("report_malformed", "at_in_future"),
  detail: text,
  topic: text,
  meterId: fc.option(text),
  clientId: text,
  receivedAtMs: fc.maxSafeNat(),
  payload: bytes,
  truncatedFrom: fc.option(fc.maxSafeNat()),
  readingIndex: fc.option(fc.nat()),
});
const writer = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((given) => Uint8Array.from(given));
const record: fc.Arbitrary<RejectedRecord> = fc.oneof(
  fc.record({ kind: fc.constant("rejection" as const), rejection, writer, number: fc.maxSafeNat() }),
  fc.record({ kind: fc.constant("replay" as const), offset: fc.maxSafeNat(), atMs: fc.maxSafeNat() }),
);

/** Bytes as lists, so that a Buffer equals a Uint8Array. */
function plain(given: object): unknown {
  const entries = Object.entries(given).map(([name, value]: [string, unknown]) => {
    if (value instanceof Uint8Array) return [name, [...value]];
    return [name, typeof value === "object" && value !== null && !Array.isArray(value) ? plain(value) : value];
  });
  return Object.fromEntries(entries);
}

/** As the .proto file has it. */
function wireForm(given: RejectedRecord): object {
  if (given.kind === "replay") return { replay: given };
  const { rejection: own, writer: by, number } = given;
  const present = Object.entries(own).filter(([, value]) => value !== null);
  return { rejection: { ...Object.fromEntries(present), writer: by, number } };
}

test("a record comes back as it was, and any protobuf library agrees", () => {
  fc.assert(
    fc.property(record, (given) => {
      const bytesOfIt = encodeRejectedRecord(given);
      expect(plain(decodeRejectedRecord(bytesOfIt))).toEqual(plain(given));
      const theirs = RejectedRecordType.encode(RejectedRecordType.fromObject(wireForm(given))).finish();
      expect(plain(decodeRejectedRecord(theirs))).toEqual(plain(given));
      const read = (from: Uint8Array) =>
        RejectedRecordType.toObject(RejectedRecordType.decode(from), { longs: Number });
      expect(plain(read(bytesOfIt))).toEqual(plain(read(theirs)));
    }),
  );
});

test("fields of a later version are skipped; what says nothing that is known is malformed", () => {
  const replay: RejectedRecord = { kind: "replay", offset: 7, atMs: 8 };
  const later = protobuf.Writer.create().uint32(0x1a).string("later").finish();
  expect(decodeRejectedRecord(Buffer.concat([encodeRejectedRecord(replay), later]))).toEqual(replay);
  expect(() => decodeRejectedRecord(later)).toThrow("nothing that is known");
});
