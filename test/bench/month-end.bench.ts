import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { MeterbookProcess } from "../support/processes/meterbook-process.ts";
import { startMeterbook } from "../support/processes/meterbook-process.ts";
import { benchSettings } from "./bench-settings.ts";
import type { Figure } from "./bench-table.ts";
import { runLoad } from "./load/load-process.ts";
import { applied, portOf } from "./throughput.bench.ts";

const hourMs = 3_600_000;
/** Before the hour all readings are to be there, also where the machine has other work, and a start. */
const leadMs = (messages: number) => 15_000 + messages / 6;

/**
 * The month end that comes by itself: nobody asks for it, an hour after the boundary all meters become due at once.
 * From that hour until each has its provisional snapshot. The process has a clock of its own, which is told where it
 * starts.
 *
 * @param meters three registers each, which report before, at and after the boundary
 */
export async function measureMonthEnd(meters: number): Promise<Figure[]> {
  const now = new Date();
  const boundaryMs = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1);
  const period = new Date(boundaryMs - 86_400_000).toISOString().slice(0, 7);
  const messages = meters * 3;
  const startsAtMs = performance.now();
  const meterbook = await startMeterbook({
    ...benchSettings(),
    METERBOOK_SETTLE_SECONDS: "86400",
    METERBOOK_TIME_ZONE: "UTC",
    ...clockFrom(boundaryMs + hourMs - leadMs(messages)),
  });
  try {
    const load = { messages, meters, connections: 16, window: 200, readingsPerMessage: "1", rate: 0 };
    await runLoad({ ...load, port: portOf(meterbook), startAt: boundaryMs / 1000 - 900 });
    await applied(meterbook);
    const hourComesAtMs = startsAtMs + leadMs(messages);
    if (performance.now() > hourComesAtMs) throw new Error("the load took longer than was left until the hour");
    const tookMs = (await issuedAll(meterbook, period, meters)) - hourComesAtMs;
    if (tookMs < 0) throw new Error(`all was issued ${-tookMs} ms before the hour came`);
    const note = `${meters * 3} registers; all meters in memory`;
    return [{ name: "month end by itself", value: tookMs / 1000, unit: "s", note }];
  } finally {
    await meterbook.dispose();
  }
}

function clockFrom(atMs: number): Record<string, string> {
  const clock = pathToFileURL(join(import.meta.dirname, "shifted-clock.ts"));
  clock.searchParams.set("ahead-ms", String(Math.round(atMs - Date.now())));
  return { NODE_OPTIONS: `--import=${clock.href}` };
}

/** When the last of them could be seen. */
async function issuedAll(meterbook: MeterbookProcess, period: string, meters: number): Promise<number> {
  for (;;) {
    const answer = await meterbook.request(`/v1/periods/${period}`);
    if (answer.ok) {
      const { registers, byMethod } = (await answer.json()) as { registers: number; byMethod: Record<string, number> };
      if (registers === meters * 3 && byMethod["EXACT"] === registers) return performance.now();
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
