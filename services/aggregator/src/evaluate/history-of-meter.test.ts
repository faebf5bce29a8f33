import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import { expect, test } from "vitest";
import { aSnapshot } from "../../../../test/contracts/snapshot-ledger.contract.ts";
import type { MeterState } from "../remember/meter-state.ts";
import { historyOfMeter } from "./history-of-meter.ts";

const august = 2026 * 12 + 7;
const estimated = { method: "ADU_PRIOR_PERIOD", estimate: { inputs: ["m/2026-08/1"] } };
/** A final month that was estimated from the first revision of August. */
const september = { ...aSnapshot("m", august + 1, 2), registers: [estimated] } as unknown as Snapshot;
const meter = { meterId: "m", calendar: { startOf: () => 0 } } as unknown as MeterState;

function historyBesides(newest: readonly Snapshot[]) {
  const ledger = {
    latestOfMeter: async () => [...newest, september],
    find: async () => {
      throw new AdapterError("record_damaged", { retryable: false, detail: "m 2026-08 revision 1" });
    },
  };
  const history = historyOfMeter({ ledger, seen: (one) => one }, meter, { from: august, made: [], finals: "keep" });
  return history({ ...september, registers: [] });
}

test("H06: a month that is named as history and cannot be read holds its meter back, unless another stands in its place", async () => {
  await expect(historyBesides([])).rejects.toMatchObject({ code: "store_damaged" });
  expect(await historyBesides([aSnapshot("m", august, 2)])).toEqual([]);
});
