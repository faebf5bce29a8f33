import { startMeterbook } from "../support/processes/meterbook-process.ts";
import { benchSettings } from "./bench-settings.ts";
import type { Figure } from "./bench-table.ts";
import { runLoad } from "./load/load-process.ts";
import { applied, portOf } from "./throughput.bench.ts";

/** From the start of the process after SIGKILL until it says that it is ready, and until a new reading is stored. */
export async function measureRestart(meters: number): Promise<Figure[]> {
  const meterbook = await startMeterbook(benchSettings());
  try {
    const startAt = (Math.floor(Date.now() / 86_400_000) - 1) * 86_400;
    const load = { meters, connections: 16, window: 200, readingsPerMessage: "1", rate: 0 };
    await runLoad({ ...load, port: portOf(meterbook), messages: meters * 3, startAt });
    await meterbook.kill();
    const started = performance.now();
    await meterbook.start();
    const readySeconds = (performance.now() - started) / 1000;
    const ready = await meterbook.request("/readyz");
    if (!ready.ok) throw new Error(`/readyz answers ${ready.status}: ${await ready.text()}`);
    await runLoad({ ...load, port: portOf(meterbook), messages: meters, startAt: startAt + 3 * 900 });
    const { stored } = await applied(meterbook);
    if (stored !== meters * 4 * 3) throw new Error(`${meters * 12} readings were acknowledged, ${stored} are stored`);
    const bar = meters >= 100_000 ? { bar: { atMost: 5 } } : {};
    return [{ name: "start after a kill", value: readySeconds, unit: "s", note: `${meters} meters`, ...bar }];
  } finally {
    await meterbook.dispose();
  }
}
