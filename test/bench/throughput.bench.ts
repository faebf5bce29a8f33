import type { MeterbookProcess, Status } from "../support/processes/meterbook-process.ts";
import { startMeterbook } from "../support/processes/meterbook-process.ts";
import { cpuSecondsOf, watchMemory } from "../support/processes/process-usage.ts";
import { benchSettings } from "./bench-settings.ts";
import type { Figure } from "./bench-table.ts";
import { runLoad } from "./load/load-process.ts";

export interface ThroughputCase {
  readonly name: string;
  readonly messages: number;
  readonly meters: number;
  readonly connections: number;
  readonly window: number;
  readonly readingsPerMessage: string;
  readonly readingsInMessage: number;
}

/**
 * Messages per second from the first publish until the last reading is in the store and in the aggregator's state, with
 * durable PUBACKs; the store's exact count is checked, so a lost message fails the run.
 */
export async function measureThroughput(run: ThroughputCase): Promise<Figure[]> {
  const meterbook = await startMeterbook({ ...benchSettings(), METERBOOK_SETTLE_SECONDS: "3600" });
  try {
    let startedMs = 0;
    const cpuBefore = cpuSecondsOf(meterbook.pid);
    const { answer: load, bytes } = await watchMemory(meterbook.pid, async () => {
      const { messages, meters, connections, window, readingsPerMessage } = run;
      const load = { messages, meters, connections, window, readingsPerMessage, rate: 0, startAt: yesterday() };
      const result = await runLoad({ ...load, port: portOf(meterbook) }, () => {
        startedMs = performance.now();
      });
      await applied(meterbook);
      return result;
    });
    const seconds = (performance.now() - startedMs) / 1000;
    const cpu = cpuSecondsOf(meterbook.pid) - cpuBefore;
    await expectAll(meterbook, run.messages * run.readingsInMessage);
    const rate = run.messages / seconds;
    const megabytes = bytes.map((one) => one / 1e6);
    const grew = (megabytes.at(-1) ?? 0) - (megabytes[Math.floor(megabytes.length / 3)] ?? 0);
    return [
      {
        name: `${run.name}: end to end`,
        value: rate,
        unit: "messages/s",
        note: `${run.messages} messages, PUBACKs at ${Math.round(load.acked / load.seconds)}/s`,
      },
      { name: `${run.name}: readings`, value: rate * run.readingsInMessage, unit: "readings/s" },
      { name: `${run.name}: CPU of the process`, value: (cpu / run.messages) * 1e6, unit: "us/message" },
      {
        name: `${run.name}: memory at the end`,
        value: megabytes.at(-1) ?? 0,
        unit: "MB",
        note: `${grew >= 0 ? "+" : ""}${Math.round(grew)} MB over the last two thirds`,
      },
    ];
  } finally {
    await meterbook.dispose();
  }
}

export function portOf(meterbook: Pick<MeterbookProcess, "mqttUrl">): number {
  return Number(new URL(meterbook.mqttUrl).port);
}

/** The start of the UTC day before yesterday: rounds of 900 s follow, well in the past. */
function yesterday(): number {
  return (Math.floor(Date.now() / 86_400_000) - 3) * 86_400;
}

export async function applied(meterbook: MeterbookProcess): Promise<Status> {
  for (;;) {
    const status = await meterbook.get<Status>("/v1/status");
    if (status.inFlight === 0) return status;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export async function expectAll(meterbook: Pick<MeterbookProcess, "get">, readings: number): Promise<void> {
  const { stored, duplicates, conflicts, rejected } = await meterbook.get<Status>("/v1/status");
  if (stored === readings && conflicts === 0 && rejected === 0) return;
  throw new Error(
    `${readings} readings were sent, and it counts ${JSON.stringify({ stored, duplicates, conflicts, rejected })}`,
  );
}
