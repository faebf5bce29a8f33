import { fileURLToPath } from "node:url";
import fc from "fast-check";
import protobuf from "protobufjs";
import { expect, test } from "vitest";
import { checkedRecord, withChecksum } from "./record-checksum.ts";
import type { RejectedRecord } from "./rejected-record-protobuf.ts";
import { checkRejectedRecord, encodeRejectedRecord } from "./rejected-record-protobuf.ts";

const proto = fileURLToPath(new URL("../../../../proto/meterbook/v1/rejected_record.proto", import.meta.url));
const RejectedRecordType = protobuf.loadSync(proto).lookupType("meterbook.v1.RejectedRecord");

const text = fc.string({ unit: "grapheme", maxLength: 40 });
const bytes = fc.uint8Array({ maxLength: 300 }).map((given) => Uint8Array.from(given));
const refusal = fc.record({
  reason: fc.constantFrom("report_malformed", "at_in_future"),
  detail: text,
  readingIndex: fc.option(fc.nat()),
});
const message = fc.record({
  topic: text,
  senderName: text,
  meterId: fc.option(text),
  clientId: text,
  receivedAtMs: fc.nat(253_402_300_799_999),
  payload: bytes,
  truncatedFrom: fc.option(fc.maxSafeNat()),
  refusals: fc.array(refusal, { maxLength: 4 }),
});
const writer = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((given) => Uint8Array.from(given));
const record: fc.Arbitrary<RejectedRecord> = fc.oneof(
  fc.record({ kind: fc.constant("refused" as const), message, writer, number: fc.maxSafeNat() }),
  fc.record({
    kind: fc.constant("replay" as const),
    offset: fc.maxSafeNat(),
    refusal: fc.nat(),
    atMs: fc.nat(253_402_300_799_999),
  }),
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
  const { message: own, writer: by, number } = given;
  return { refused: { ...present(own), refusals: own.refusals.map(present), writer: by, number } };
}

function present(given: object): object {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
}

test("a record comes back as it was, and any protobuf library agrees", () => {
  fc.assert(
    fc.property(record, (given) => {
      const bytesOfIt = encodeRejectedRecord(given);
      expect(plain(checkRejectedRecord(bytesOfIt))).toEqual(plain({ record: given }));
      const theirs = RejectedRecordType.encode(RejectedRecordType.fromObject(wireForm(given))).finish();
      expect(plain(checkRejectedRecord(withChecksum(theirs)))).toEqual(plain({ record: given }));
      const read = (from: Uint8Array) =>
        RejectedRecordType.toObject(RejectedRecordType.decode(from), { longs: Number });
      expect(plain(read(checkedRecord(bytesOfIt) as Uint8Array))).toEqual(plain(read(theirs)));
    }),
  );
});

test("fields of a later version are skipped; what says nothing that is known is malformed", () => {
  const replay: RejectedRecord = { kind: "replay", offset: 7, refusal: 2, atMs: 8 };
  const later = protobuf.Writer.create().uint32(0x1a).string("later").finish();
  const bare = checkedRecord(encodeRejectedRecord(replay)) as Uint8Array;
  expect(checkRejectedRecord(withChecksum(Buffer.concat([bare, later])))).toEqual({ record: replay });
  expect(checkRejectedRecord(withChecksum(later)).fault).toMatchObject({
    code: "record_unreadable",
    detail: expect.stringContaining("nothing that is known"),
  });
});

test("H07: any bit that is flipped is noticed, and so are other bytes", () => {
  const sealed = encodeRejectedRecord({ kind: "replay", offset: 7, refusal: 2, atMs: 8 });
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    const flipped = Buffer.from(sealed);
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(checkRejectedRecord(flipped).fault?.code).toBe("checksum_mismatch");
  }
  expect(checkRejectedRecord(Buffer.from("nonsense")).fault?.code).toBe("checksum_mismatch");
  expect(checkRejectedRecord(null).fault?.code).toBe("record_unreadable");
});
