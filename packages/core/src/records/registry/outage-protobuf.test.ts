import fc from "fast-check";
import { expect, test } from "vitest";
import { checkOutage, encodeOutage } from "./outage-protobuf.ts";

const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/);
const seconds = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const outage = fc.record(
  {
    outageId: id,
    usagePoints: fc.array(id, { maxLength: 5 }),
    from: seconds,
    feeder: id,
    to: seconds,
    reason: fc.string(),
  },
  { requiredKeys: ["outageId", "usagePoints", "from"] },
);

test("an outage is read as it was written", () => {
  fc.assert(
    fc.property(outage, (one) => {
      expect(checkOutage(one.outageId, encodeOutage(one)).record).toEqual(one);
    }),
  );
});

test("another's record, and one of which a byte was changed, are none", () => {
  const body = encodeOutage({ outageId: "o-1", usagePoints: ["up-1"], from: 5 });
  expect(checkOutage("o-2", body).fault?.code).toBe("key_mismatch");
  body[4] = (body[4] as number) ^ 1;
  expect(checkOutage("o-1", body).fault?.code).toBe("checksum_mismatch");
});
