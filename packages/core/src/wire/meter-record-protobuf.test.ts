import { fileURLToPath } from "node:url";
import fc from "fast-check";
import protobuf from "protobufjs";
import { expect, test } from "vitest";
import { baseUnits } from "../domain/reading.ts";
import type { InstallationEvent, MeterRecord } from "../domain/registry.ts";
import { decodeMeterRecord, encodeMeterRecord } from "./meter-record-protobuf.ts";

const proto = fileURLToPath(new URL("../../../../proto/meterbook/v1/meter_record.proto", import.meta.url));
const MeterRecordType = protobuf.loadSync(proto).lookupType("meterbook.v1.MeterRecord");

const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
const register = fc.constantFrom("1.8.0", "1.8.1", "2.8.0", "7-0:3.0.0", "__proto__");
const optional = { requiredKeys: [] as [] };
const event: fc.Arbitrary<InstallationEvent> = fc.record({
  at: fc.nat(2 ** 32 - 1),
  values: fc.uniqueArray(fc.tuple(register, fc.maxSafeNat()), { selector: ([name]) => name }).map(Object.fromEntries),
});
const record: fc.Arbitrary<MeterRecord> = fc
  .tuple(
    fc.record({
      meterId: id,
      usagePointId: id,
      registers: fc.array(
        fc
          .tuple(
            fc.record({ register, unit: fc.constantFrom(...baseUnits) }),
            fc.record({ digits: fc.nat(20), multiplier: fc.nat(1_000_000) }, optional),
          )
          .map(([needed, more]) => ({ ...needed, ...more })),
        { maxLength: 4 },
      ),
    }),
    fc.record(
      {
        zone: fc.constantFrom("Europe/Kyiv", "America/Argentina/Ushuaia", ""),
        stepSeconds: fc.nat(86_400),
        connectionPowerW: fc.maxSafeNat(),
        installed: event,
        removed: event,
      },
      optional,
    ),
  )
  .map(([needed, more]) => ({ ...needed, ...more }));

/** As the .proto file has it. */
function wireForm(given: MeterRecord): object {
  const event = (from: InstallationEvent | undefined) =>
    from === undefined
      ? undefined
      : { at: from.at, values: Object.entries(from.values).map(([name, value]) => ({ register: name, value })) };
  const registers = given.registers.map((one) => ({ ...one, unit: baseUnits.indexOf(one.unit) }));
  return { ...given, registers, installed: event(given.installed), removed: event(given.removed) };
}

test("a record comes back as it was, what is absent stays absent, and any protobuf library agrees", () => {
  fc.assert(
    fc.property(record, (given) => {
      const bytes = encodeMeterRecord(given);
      expect(decodeMeterRecord(bytes)).toEqual(given);
      const theirs = MeterRecordType.encode(MeterRecordType.fromObject(wireForm(given))).finish();
      expect(decodeMeterRecord(theirs)).toEqual(given);
      const read = (from: Uint8Array) => MeterRecordType.toObject(MeterRecordType.decode(from), { longs: Number });
      expect({ usagePointId: given.meterId, ...read(bytes) }).toEqual(read(theirs));
    }),
  );
});

test("fields of a later version are skipped; a unit, a number or a meter that cannot be read is not guessed", () => {
  const given: MeterRecord = { meterId: "m", usagePointId: "m", registers: [{ register: "1.8.0", unit: "L" }] };
  const bytes = encodeMeterRecord(given);
  const later = protobuf.Writer.create().uint32(0xfa).string("later").finish();
  expect(decodeMeterRecord(Buffer.concat([bytes, later]))).toEqual(given);
  const wrongUnit = Uint8Array.from(bytes);
  wrongUnit[wrongUnit.lastIndexOf(2)] = 9;
  expect(() => decodeMeterRecord(wrongUnit)).toThrow("unit 9");
  expect(() => decodeMeterRecord(new Uint8Array())).toThrow("no meter");
  const unsafe = protobuf.Writer.create().uint32(0x30).uint64("18446744073709551615").finish();
  expect(() => decodeMeterRecord(Buffer.concat([bytes, unsafe]))).toThrow("no safe integer");
  expect(() => decodeMeterRecord(bytes.subarray(0, -1))).toThrow("longer than the message");
});
