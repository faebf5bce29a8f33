import { fileURLToPath } from "node:url";
import fc from "fast-check";
import protobuf from "protobufjs";
import { expect, test } from "vitest";
import { wireUnitNames } from "../domain/quantity/amount.ts";
import { baseUnits } from "../domain/reading/reading.ts";
import { directions, type InstallationEvent, type MeterRecord } from "../domain/registry/meter-record.ts";
import { checkMeterRecord, encodeMeterRecord } from "./meter-record-protobuf.ts";
import { checkedRecord, withChecksum } from "./record-checksum.ts";

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
            fc.record(
              {
                digits: fc.nat(20),
                multiplier: fc.nat(1_000_000),
                modulus: fc.maxSafeNat(),
                direction: fc.constantFrom(...directions),
                multipliers: fc.array(fc.record({ validFrom: fc.nat(2 ** 32 - 1), multiplier: fc.nat(1_000_000) }), {
                  minLength: 1,
                  maxLength: 3,
                }),
                displayUnit: fc.constantFrom(...wireUnitNames),
              },
              optional,
            ),
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
        serialNumber: fc.string({ minLength: 1, maxLength: 64 }),
        installed: event,
        removed: event,
        earlier: fc.array(
          fc
            .tuple(fc.record({ usagePointId: id }), fc.record({ installed: event, removed: event }, optional))
            .map(([needed, more]) => ({ ...needed, ...more })),
          { minLength: 1, maxLength: 3 },
        ),
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
  const registers = given.registers.map(({ unit, direction, displayUnit, ...one }) => ({
    ...one,
    unit: baseUnits.indexOf(unit),
    ...(direction === undefined ? {} : { direction: directions.indexOf(direction) }),
    ...(displayUnit === undefined ? {} : { displayUnit: wireUnitNames.indexOf(displayUnit) }),
  }));
  const ends = (one: { installed?: InstallationEvent; removed?: InstallationEvent }) => ({
    ...one,
    installed: event(one.installed),
    removed: event(one.removed),
  });
  return { ...ends(given), registers, earlier: given.earlier?.map(ends) };
}

test("a record comes back as it was, what is absent stays absent, and any protobuf library agrees", () => {
  fc.assert(
    fc.property(record, (given) => {
      const bytes = encodeMeterRecord(given);
      expect(checkMeterRecord(given.meterId, bytes)).toEqual({ record: given });
      const theirs = MeterRecordType.encode(MeterRecordType.fromObject(wireForm(given))).finish();
      expect(checkMeterRecord(given.meterId, withChecksum(theirs))).toEqual({ record: given });
      const read = (from: Uint8Array) => MeterRecordType.toObject(MeterRecordType.decode(from), { longs: Number });
      expect({ usagePointId: given.meterId, ...read(checkedRecord(bytes) as Uint8Array) }).toEqual(read(theirs));
    }),
  );
});

const sealed = encodeMeterRecord({
  meterId: "m",
  usagePointId: "m",
  registers: [{ register: "1.8.0", unit: "L", multiplier: 40 }],
});
const bare = checkedRecord(sealed) as Uint8Array;

test("fields of a later version are skipped; a unit, a number or a meter that cannot be read is not guessed", () => {
  const later = protobuf.Writer.create().uint32(0xfa).string("later").finish();
  expect(checkMeterRecord("m", withChecksum(Buffer.concat([bare, later])))).toEqual(checkMeterRecord("m", sealed));
  const unreadable = (bytes: Uint8Array, detail: string) =>
    expect(checkMeterRecord("m", withChecksum(bytes))).toEqual({
      fault: { code: "record_unreadable", detail: expect.stringContaining(detail) },
    });
  const wrongUnit = Uint8Array.from(bare);
  wrongUnit[wrongUnit.lastIndexOf(2)] = 9;
  unreadable(wrongUnit, "unit 9");
  unreadable(new Uint8Array(), "no meter");
  const unsafe = protobuf.Writer.create().uint32(0x30).uint64("18446744073709551615").finish();
  unreadable(Buffer.concat([bare, unsafe]), "no safe integer");
  unreadable(bare.subarray(0, -1), "longer than the message");
});

test("H07: a flipped bit anywhere, other bytes, and a record under another meter's id are told apart from a record", () => {
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    const flipped = Uint8Array.from(sealed);
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(checkMeterRecord("m", flipped)).toMatchObject({ fault: { code: "checksum_mismatch" } });
  }
  expect(checkMeterRecord("m", Buffer.from("nonsense"))).toMatchObject({ fault: { code: "checksum_mismatch" } });
  expect(checkMeterRecord("m", "{}")).toMatchObject({ fault: { code: "record_unreadable" } });
  expect(checkMeterRecord("n", sealed)).toMatchObject({ fault: { code: "key_mismatch" } });
});
