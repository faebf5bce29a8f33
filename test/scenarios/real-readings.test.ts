// Goal: a year of real meters comes out to the watt-hour, whatever the order and through kills. Method: the readings of
// a trial with their sums, over MQTT into one process that is killed three times.
import { startMeterbook } from "../support/processes/meterbook-process.ts";
import { realReadingsScenario } from "./real-readings.scenario.ts";

realReadingsScenario(async (settings) => {
  const meterbook = await startMeterbook(settings);
  async function killAndStart(): Promise<void> {
    await meterbook.kill();
    await meterbook.start();
  }
  const disturbances = Array.from({ length: 3 }, () => killAndStart);
  return Object.defineProperties({ disturbances } as never, Object.getOwnPropertyDescriptors(meterbook));
});
