import { helpText, readCommandLine } from "./command-line.ts";
import type { Fleet } from "./fleet/fleet.ts";
import { startFleet } from "./fleet/fleet.ts";
import { showProgress } from "./fleet/progress-line.ts";
import type { FleetSummary } from "./fleet/running-fleet.ts";
import { fleetOptions, readFleetOptions } from "./meters/fleet-options.ts";

/** `npm run simulate -- …`: exit 0 when everything is acknowledged, 1 when it could not be, 2 for wrong options. */
const usage = `npm run simulate -- [options]

A fleet of meters with known truth, published over MQTT (QoS 1). Values in parentheses are the defaults.`;

function fail(code: number, text: string): never {
  console.error(text);
  process.exit(code);
}

function start(): { fleet: Fleet; progress: boolean } {
  const { values, help, problems } = readCommandLine(fleetOptions, process.argv.slice(2));
  if (help) {
    console.log(helpText(fleetOptions, usage));
    process.exit(0);
  }
  const read = readFleetOptions(values);
  const all = [...problems, ...("problems" in read ? read.problems : [])];
  if (all.length > 0) fail(2, all.join("\n"));
  try {
    return { fleet: startFleet({ ...values, log: console.error }), progress: values["progress"] === true };
  } catch (error) {
    return error instanceof RangeError ? fail(2, error.message) : fail(1, String(error));
  }
}

function tell({ messages, readings, acknowledged, resent, reconnects, faults }: FleetSummary): void {
  const drawn = Object.entries(faults).filter(([, count]) => count > 0);
  console.log(
    `${messages} messages with ${readings} readings sent, ${acknowledged} acknowledged, ${resent} sent again, ${reconnects} reconnects`,
  );
  if (drawn.length > 0) console.log(`faults: ${drawn.map(([name, count]) => `${name} ${count}`).join(", ")}`);
}

const { fleet, progress } = start();
const endProgress = progress ? showProgress(fleet, process.stderr) : () => undefined;
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void fleet.stop());
try {
  const summary = await fleet.done;
  endProgress();
  tell(summary);
} catch (error) {
  endProgress();
  tell(fleet.now());
  fail(1, error instanceof Error ? error.message : String(error));
}
