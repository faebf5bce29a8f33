import type { RegisteredMeter } from "@meterbook/core/domain/registry/registered-meter";
import { noProgress } from "@meterbook/core/ports/series-store";
import { expect, test } from "vitest";
import { openKnownMeters } from "./known-meters.ts";

const store = {
  progress: noProgress,
  meterNoNext: 0,
  async *meters() {
    // An empty store.
  },
};
const channel = { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 } as const;

function record(over: Partial<RegisteredMeter> = {}, multiplier = 1): RegisteredMeter {
  const registers = [{ register: "1.8.0", unit: "Wh", multiplier }] as const;
  return { meterId: "m-1", usagePointId: "up-1", connectionPowerW: 15_000, registers, ...over };
}

test.for<[string, RegisteredMeter, boolean]>([
  ["the same", record(), false],
  ["another place", record({ usagePointId: "up-2" }), false],
  ["another multiplier", record({}, 40), true],
  ["another power", record({ connectionPowerW: 30_000 }), true],
  ["another zone", record({ zone: "UTC" }), true],
])("what was judged under other master data is forgotten: %s", async ([, after, isForgotten]) => {
  const meters = await openKnownMeters(store, "Europe/Kyiv");
  const meter = meters.register(record());
  meters.number(meter, [{ ...channel, first: { at: 1_790_000_000, value: 5, code: 0 } }]);
  expect(meter.needsStore).toBe(false);
  expect(meters.register(after).needsStore).toBe(isForgotten);
});
