// Goal: month-end values, methods and revisions are right to the watt-hour, whatever happens around midnight. Method:
// houses whose registers are a closed form of time, each with one disturbance, sent through MQTT and read through HTTP.
import { afterAll, beforeAll, describe } from "vitest";
import type { MeterbookProcess } from "../support/meterbook-process.ts";
import { startMeterbook } from "../support/meterbook-process.ts";
import { boundaryHouseScenario } from "./boundary-house.scenario.ts";

describe("a street of houses over 16 months, in one process", () => {
  let meterbook: MeterbookProcess;
  beforeAll(async () => {
    // So long that nothing is issued but by the closes that the scenario asks for.
    meterbook = await startMeterbook({ METERBOOK_SETTLE_SECONDS: "3600" });
  });
  afterAll(() => meterbook.dispose());

  boundaryHouseScenario(() => meterbook);
});
