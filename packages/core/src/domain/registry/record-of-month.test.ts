import { expect, test } from "vitest";
import type { MeterRecord } from "./meter-record.ts";
import { recordOfMonth } from "./record-of-month.ts";

const ended = { installed: { at: 100, values: {} }, removed: { at: 300, values: {} } };
const record: MeterRecord = {
  meterId: "m-1",
  usagePointId: "up-2",
  installed: { at: 450, values: {} },
  earlier: [{ usagePointId: "up-1", ...ended }],
  registers: [{ register: "1.8.0", unit: "Wh", multiplier: 40, multipliers: [{ validFrom: 200, multiplier: 60 }] }],
};

test.for([
  [0, 100, "up-1", 40],
  [100, 200, "up-1", 40],
  [200, 300, "up-1", 60],
  [300, 400, "up-1", 60],
  [400, 500, "up-2", 60],
  [500, 600, "up-2", 60],
] as const)("a month from %d to %d is at %s with %d", ([start, boundary, usagePointId, multiplier]) => {
  const found = recordOfMonth(record, { start, boundary });
  expect(found).toMatchObject({ usagePointId, registers: [{ multiplier }] });
  expect(found).not.toHaveProperty("earlier");
  expect(found?.removed?.at).toBe(usagePointId === "up-1" ? 300 : undefined);
});

test("a record that says nothing of earlier times is answered as it is", () => {
  const short: MeterRecord = { meterId: "m-1", usagePointId: "up-1", registers: [] };
  expect(recordOfMonth(short, { start: 0, boundary: 1 })).toBe(short);
  expect(recordOfMonth(undefined, { start: 0, boundary: 1 })).toBeUndefined();
});
