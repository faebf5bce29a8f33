import { fileURLToPath } from "node:url";
import fc from "fast-check";
import protobuf from "protobufjs";
import { expect, test } from "vitest";
import { entityName, namedEntity, type RecordedChange } from "../domain/registry/master-data-change.ts";
import {
  type Dated,
  factNames,
  readingPolicies,
  type UsagePointRecord,
  usagePointStatuses,
} from "../domain/registry/usage-point.ts";
import { checkedRecord } from "./record-checksum.ts";
import { checkUsagePoint, encodeUsagePoint } from "./registry/usage-point-protobuf.ts";
import { checkRegistryChange, encodeRegistryChange, sealChange } from "./registry-change-protobuf.ts";

const proto = fileURLToPath(new URL("../../../../proto/meterbook/v1/registry_change.proto", import.meta.url));
const root = protobuf.loadSync(proto);
const ofType = (name: string, bytes: Uint8Array) =>
  root
    .lookupType(`meterbook.v1.${name}`)
    .toObject(root.lookupType(`meterbook.v1.${name}`).decode(bytes), { longs: Number });

const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
function dated<Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<readonly Dated<Value>[]> {
  return fc.array(fc.record({ validFrom: fc.nat(2 ** 32 - 1), value }), { minLength: 1, maxLength: 3 });
}
const usagePoint: fc.Arbitrary<UsagePointRecord> = fc.record(
  {
    usagePointId: id,
    zone: dated(fc.constantFrom("Europe/Kyiv", "")),
    connectionPowerW: dated(fc.maxSafeNat()),
    feeder: dated(id),
    supplier: dated(id),
    groups: dated(fc.array(id, { maxLength: 3 })),
    status: dated(fc.constantFrom(...usagePointStatuses)),
    readingPolicy: dated(fc.constantFrom(...readingPolicies)),
  },
  { requiredKeys: ["usagePointId"] },
);

test("a usage point comes back as it was, and any protobuf library agrees", () => {
  fc.assert(
    fc.property(usagePoint, (given) => {
      const bytes = encodeUsagePoint(given);
      expect(checkUsagePoint(given.usagePointId, bytes)).toEqual({ record: given });
      const shown = ofType("UsagePointRecord", checkedRecord(bytes) as Uint8Array);
      for (const name of factNames) {
        const times = (shown[name] as { validFrom?: number }[] | undefined)?.map(({ validFrom = 0 }) => validFrom);
        expect(times).toEqual(given[name]?.map(({ validFrom }) => validFrom));
      }
    }),
  );
});

test("a record of another point, flipped bits and a status of a later version are no record", () => {
  const bytes = encodeUsagePoint({ usagePointId: "up-1", status: [{ validFrom: 0, value: "dead" }] });
  expect(checkUsagePoint("up-2", bytes).fault?.code).toBe("key_mismatch");
  for (let at = 0; at < bytes.length; at += 1) {
    const flipped = Buffer.from(bytes);
    flipped[at] = (flipped[at] as number) ^ 4;
    expect(checkUsagePoint("up-1", flipped).fault).toBeDefined();
  }
});

const change: RecordedChange = {
  id: "c-1",
  recordedAtMs: 1_793_484_000_123,
  by: "an operator",
  reason: "exchange",
  writes: [
    { base: 0, usagePoint: { usagePointId: "up-1", feeder: [{ validFrom: 0, value: "f-7" }] } },
    { base: null, meter: { meterId: "m-1", usagePointId: "up-1", registers: [] } },
    { base: 3, guard: { kind: "usage-point", id: "up-2" } },
  ],
};

test("a change comes back as it was sealed, and any protobuf library agrees", () => {
  const sealed = sealChange(change);
  const bytes = encodeRegistryChange(sealed);
  expect(checkRegistryChange(bytes)).toEqual({ record: sealed });
  expect(ofType("RegistryChange", checkedRecord(bytes) as Uint8Array)).toMatchObject({
    id: "c-1",
    recordedAtMs: change.recordedAtMs,
    by: "an operator",
    writes: [{ entity: "usage-point/up-1", base: 0 }, { entity: "m-1" }, { entity: "usage-point/up-2", base: 3 }],
  });
  expect(checkRegistryChange(bytes.subarray(0, -1)).fault?.code).toBe("checksum_mismatch");
});

test("the name of an entity says which it is", () => {
  fc.assert(
    fc.property(fc.constantFrom("meter" as const, "usage-point" as const), id, (kind, one) => {
      expect(namedEntity(entityName({ kind, id: one }))).toEqual({ kind, id: one });
    }),
  );
});
