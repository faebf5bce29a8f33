import { expect, test } from "vitest";
import { multiplierAt } from "./installations.ts";
import { inForce } from "./registered-meter.ts";
import { factsAt, inOrder, type UsagePointRecord, valueAt } from "./usage-point.ts";

const record: UsagePointRecord = {
  usagePointId: "up-1",
  zone: [{ validFrom: 0, value: "Europe/Kyiv" }],
  status: [
    { validFrom: 100, value: "connected" },
    { validFrom: 200, value: "disconnected" },
  ],
  connectionPowerW: [
    { validFrom: 0, value: 10_000 },
    { validFrom: 150, value: 15_000 },
  ],
};

test.for([
  [99, undefined, 10_000],
  [100, "connected", 10_000],
  [150, "connected", 15_000],
  [199, "connected", 15_000],
  [200, "disconnected", 15_000],
] as const)("at %d the status is %s and the power %d", ([at, status, connectionPowerW]) => {
  const known = status === undefined ? {} : { status };
  expect(factsAt(record, at)).toEqual({ zone: "Europe/Kyiv", connectionPowerW, ...known });
});

test("values are put into the order of time", () => {
  const dated = [
    { validFrom: 200, value: 2 },
    { validFrom: 0, value: 0 },
  ];
  expect(valueAt(inOrder(dated), 199)).toBe(0);
});

test("a multiplier counts from its time on, the plain one before", () => {
  const multipliers = [
    { validFrom: 100, multiplier: 60 },
    { validFrom: 200, multiplier: 80 },
  ];
  const register = { register: "1.8.0", unit: "Wh", multiplier: 40, multipliers } as const;
  expect([99, 100, 199, 200].map((at) => multiplierAt(register, at))).toEqual([40, 60, 60, 80]);
  expect(multiplierAt({ register: "1.8.0", unit: "Wh" }, 0)).toBe(1);
});

test("the point's word on zone and power stands before the meter's own", () => {
  const meter = { meterId: "m-1", usagePointId: "up-1", registers: [], zone: "Europe/Paris", connectionPowerW: 1 };
  expect(inForce(meter)).toEqual(meter);
  const inKyiv = inForce({ ...meter, points: [record] });
  expect([inKyiv.zone, inKyiv.connectionPowerW]).toEqual(["Europe/Kyiv", 15_000]);
  expect(inForce({ ...meter, points: [{ ...record, usagePointId: "up-0" }] }).zone).toBe("Europe/Paris");
  expect(inForce({ ...meter, points: [{ usagePointId: "up-1" }] }).zone).toBe("Europe/Paris");
});
