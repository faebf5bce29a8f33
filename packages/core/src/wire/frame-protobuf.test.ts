import { fileURLToPath } from "node:url";
import fc from "fast-check";
import protobuf from "protobufjs";
import { expect, test } from "vitest";
import { origins } from "../domain/reading.ts";
import type { LoggedReport } from "../ports/readings-log.ts";
import { decodeFrame, encodeFrame, frameBytesOf } from "./frame-protobuf.ts";

const proto = fileURLToPath(new URL("../../../../proto/meterbook/v1/frame.proto", import.meta.url));
const Frame = protobuf.loadSync(proto).lookupType("meterbook.v1.Frame");

const report = fc.record({
  meterId: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
  receivedAtMs: fc.maxSafeNat(),
  origin: fc.constantFrom(...origins),
  report: fc.uint8Array({ maxLength: 300 }).map((bytes) => Uint8Array.from(bytes)),
  readings: fc.nat(),
});

test("a frame is decoded as it was encoded, and any protobuf library agrees", () => {
  fc.assert(
    fc.property(fc.array(report, { maxLength: 8 }), (reports) => {
      const bytes = encodeFrame(reports);
      const plain = (all: readonly LoggedReport[]) => all.map((one) => ({ ...one, report: [...one.report] }));
      expect(plain(decodeFrame(bytes))).toEqual(plain(reports));
      expect(bytes.length).toBe(reports.reduce((sum, one) => sum + frameBytesOf(one), 0));
      const generic = Frame.toObject(Frame.decode(bytes), { longs: Number, defaults: true, arrays: true });
      const expected = reports.map((one) => ({ ...one, origin: origins.indexOf(one.origin), report: [...one.report] }));
      expect(generic["reports"].map((one: { report: Uint8Array }) => ({ ...one, report: [...one.report] }))).toEqual(
        expected,
      );
    }),
  );
});

test("an origin that this version does not know stops the reader: it must not be guessed", () => {
  const one = { meterId: "m", receivedAtMs: 1, origin: "operator" as const, report: new Uint8Array(), readings: 1 };
  const bytes = encodeFrame([one]);
  bytes[bytes.indexOf(0x20) + 1] = 9;
  expect(() => decodeFrame(bytes)).toThrow("origin 9");
});
