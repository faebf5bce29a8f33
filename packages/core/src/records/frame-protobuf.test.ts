import { fileURLToPath } from "node:url";
import fc from "fast-check";
import protobuf from "protobufjs";
import { expect, test } from "vitest";
import { origins } from "../domain/reading/reading.ts";
import type { LoggedReport } from "../ports/readings-log.ts";
import { checkFrame, encodeFrame, frameBytesOf } from "./frame-protobuf.ts";
import { checksumBytes, putChecksum } from "./record-checksum.ts";

const proto = fileURLToPath(new URL("../../../../proto/meterbook/v1/frame.proto", import.meta.url));
const Frame = protobuf.loadSync(proto).lookupType("meterbook.v1.Frame");

const report = fc.record({
  meterId: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
  receivedAtMs: fc.nat(253_402_300_799_999),
  origin: fc.constantFrom(...origins),
  report: fc.uint8Array({ maxLength: 300 }).map((bytes) => Uint8Array.from(bytes)),
  readings: fc.nat(),
});

test("a frame is decoded as it was encoded, and any protobuf library agrees", () => {
  fc.assert(
    fc.property(fc.array(report, { maxLength: 8 }), (reports) => {
      const bytes = encodeFrame(reports);
      const plain = (all: readonly LoggedReport[]) => all.map((one) => ({ ...one, report: [...one.report] }));
      const { reports: read, faults } = checkFrame(bytes);
      expect(plain(read)).toEqual(plain(reports));
      expect(faults).toEqual([]);
      expect(bytes.length).toBe(reports.reduce((sum, one) => sum + frameBytesOf(one), checksumBytes));
      const generic = Frame.toObject(Frame.decode(bytes), { longs: Number, defaults: true, arrays: true });
      const expected = reports.map((one) => ({ ...one, origin: origins.indexOf(one.origin), report: [...one.report] }));
      expect(generic["reports"].map((one: { report: Uint8Array }) => ({ ...one, report: [...one.report] }))).toEqual(
        expected,
      );
    }),
  );
});

test("H07: with any one bit flipped, or cut anywhere, nothing of a frame is used, and it says why", () => {
  const one = { meterId: "m-1", receivedAtMs: 1_793_484_000_123, origin: "operator" as const };
  const sound = encodeFrame([
    { ...one, report: Uint8Array.from([1, 2, 3]), readings: 96 },
    { ...one, report: Uint8Array.from([4]), readings: 1 },
  ]);
  for (let bit = 0; bit < sound.length * 8; bit += 1) {
    const flipped = Buffer.from(sound);
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    const { reports, faults } = checkFrame(flipped);
    expect(reports).toEqual([]);
    expect(faults).toMatchObject([{ code: "checksum_mismatch", lost: null }]);
  }
  for (let length = 0; length < sound.length; length += 1) {
    expect(checkFrame(sound.subarray(0, length))).toMatchObject({ reports: [], faults: [{ lost: null }] });
  }
});

test("a stranger's bytes are no frame, with and without a checksum of their own, and reading them ends", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isSealed) => {
      const foreign = isSealed ? Buffer.concat([bytes, Buffer.alloc(checksumBytes)]) : Buffer.from(bytes);
      if (isSealed) putChecksum(foreign);
      const { reports, faults } = checkFrame(foreign);
      if (!isSealed) expect({ reports, faults: faults.length }).toEqual({ reports: [], faults: 1 });
      for (const { readings, receivedAtMs } of reports) {
        expect(Number.isSafeInteger(readings) && Number.isSafeInteger(receivedAtMs)).toBe(true);
      }
    }),
  );
});

test("a report of an origin that this version does not know is set aside: it must not be guessed", () => {
  const one = { meterId: "m", receivedAtMs: 1, origin: "operator" as const, report: new Uint8Array(), readings: 7 };
  const bytes = Buffer.from(encodeFrame([one, { ...one, meterId: "n" }]));
  bytes[bytes.indexOf(0x20) + 1] = 9;
  putChecksum(bytes);
  const { reports, faults } = checkFrame(bytes);
  expect(reports.map(({ meterId }) => meterId)).toEqual(["n"]);
  expect(faults).toMatchObject([{ code: "record_unreadable", meterId: "m", lost: 7 }]);
});
