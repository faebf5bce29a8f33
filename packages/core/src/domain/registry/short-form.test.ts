import { expect, test } from "vitest";
import type { MeterRecord } from "./meter-record.ts";
import { keepEarlier } from "./short-form.ts";

const earlier = [{ usagePointId: "up-0", removed: { at: 100, values: {} } }];
const known: MeterRecord = {
  meterId: "m-1",
  usagePointId: "up-1",
  registers: [],
  installed: { at: 200, values: {} },
  earlier,
};
const short = (at?: number): MeterRecord => ({
  meterId: "m-1",
  usagePointId: "up-2",
  registers: [],
  ...(at === undefined ? {} : { installed: { at, values: {} } }),
});

test("what is not spoken of stays, and what contradicts it is refused by its field", () => {
  expect(keepEarlier(short(150), known)).toEqual({ record: { ...short(150), earlier } });
  expect(keepEarlier(short(99), known)).toMatchObject({ fault: { field: "installed.at" } });
  expect(keepEarlier(short(), known)).toMatchObject({ fault: { field: "installed" } });
  expect(keepEarlier({ ...short(), earlier: [] }, known)).toEqual({ record: short() });
  expect(keepEarlier({ ...short(), earlier }, known)).toEqual({ record: { ...short(), earlier } });
  expect(keepEarlier(short(), null)).toEqual({ record: short() });
  expect(keepEarlier(short(), short(5))).toEqual({ record: short() });
});
