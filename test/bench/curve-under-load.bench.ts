import { openEmbeddedSeriesReader } from "@meterbook/adapters/embedded/series/embedded-series-reader";
import type { ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { publishAll } from "../support/network/publisher.ts";
import { startMeterbook } from "../support/processes/meterbook-process.ts";
import { cpuSecondsOf } from "../support/processes/process-usage.ts";
import { benchSettings } from "./bench-settings.ts";
import type { Figure } from "./bench-table.ts";
import { runLoad } from "./load/load-process.ts";
import { portOf } from "./throughput.bench.ts";

const points = 2976;
const step = 900;

/** Response time of a meter-month curve while other meters report at a steady rate. */
export async function measureCurveUnderLoad(options: {
  messagesPerSecond: number;
  requests: number;
  restMs: number;
}): Promise<Figure[]> {
  const meterbook = await startMeterbook({
    ...benchSettings(),
    METERBOOK_TIME_ZONE: "UTC",
    METERBOOK_SETTLE_SECONDS: "1",
  });
  try {
    const now = Math.floor(Date.now() / 1000);
    const to = now - (now % 86_400) - 86_400;
    const from = to - points * step;
    await publishMonth(meterbook.mqttUrl, from);
    await meterbook.settled();
    // A month is asked for long after it came: the store seals its finished days some seconds after they fall quiet.
    await new Promise((resolve) => setTimeout(resolve, options.restMs));
    const path = `/v1/meters/curve-1/curve?register=1.8.0&from=${iso(from)}&to=${iso(to)}&resolution=native&kind=interval`;
    const seconds = Math.max(5, Math.ceil(options.requests / 50));
    const messages = options.messagesPerSecond * seconds;
    const load = runLoad({
      port: portOf(meterbook),
      messages,
      meters: 50_000,
      connections: 16,
      window: 1000,
      readingsPerMessage: "1",
      rate: options.messagesPerSecond,
      startAt: to,
    });
    const cpuBefore = cpuSecondsOf(meterbook.pid);
    const shards = Number(benchSettings()["METERBOOK_SHARDS"] ?? 1);
    const store = openEmbeddedSeriesReader({ dataDir: meterbook.dataDir, shards });
    const range = { from: from + 1, to, channels: [0] };
    const { asked, raw } = await askRepeatedly(
      () => meterbook.request(path),
      () => store.read("curve-1", range),
      load,
    );
    await store.close();
    const cpuSeconds = cpuSecondsOf(meterbook.pid) - cpuBefore;
    const note = `${asked.length} requests of ${points} points at ${options.messagesPerSecond} messages/s`;
    const rawAt99 = shareOf(raw, 0.99);
    return [
      { name: "curve p50", value: shareOf(asked, 0.5), unit: "ms", bar: { atMost: 8 }, note },
      { name: "curve p99", value: shareOf(asked, 0.99), unit: "ms", bar: { atMost: 1.5 * rawAt99 } },
      { name: "raw read of the store p50", value: shareOf(raw, 0.5), unit: "ms", note: "in the bench's process" },
      { name: "raw read of the store p99", value: rawAt99, unit: "ms", note: "in turns with the requests" },
      { name: "CPU of the process meanwhile", value: (cpuSeconds / messages) * 1e6, unit: "us/message" },
    ];
  } finally {
    await meterbook.dispose();
  }
}

/** Of ascending times. */
export function shareOf(times: readonly number[], share: number): number {
  return times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
}

/**
 * Asks one after the other, 20 ms apart, until the load ends, and reads the same from the store after each answer;
 * ascending milliseconds. What a machine without a free core does to a thread that wakes is in both.
 */
async function askRepeatedly(
  ask: () => Promise<Response>,
  read: () => Promise<readonly ReadingSeries[]>,
  load: Promise<unknown>,
): Promise<{ readonly asked: number[]; readonly raw: number[] }> {
  const asked: number[] = [];
  const raw: number[] = [];
  let over = false;
  const ended = load.finally(() => {
    over = true;
  });
  while (!over) {
    const started = performance.now();
    const response = await ask();
    const bytes = await response.arrayBuffer();
    asked.push(performance.now() - started);
    const body = JSON.parse(Buffer.from(bytes).toString()) as { items: unknown[] };
    if (body.items.length !== points) throw new Error(`the curve has ${body.items.length} points, ${points} were due`);
    await new Promise((resolve) => setTimeout(resolve, 10));
    const reading = performance.now();
    const [series] = await read();
    raw.push(performance.now() - reading);
    if (series?.at.length !== points) throw new Error(`the store has ${series?.at.length} points, ${points} were due`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await ended;
  const ascending = (times: number[]) => times.sort((a, b) => a - b);
  return { asked: ascending(asked), raw: ascending(raw) };
}

async function publishMonth(mqttUrl: string, from: number): Promise<void> {
  const messages = Array.from({ length: points / 96 }, (_, day) => ({
    topic: "meters/curve-1/readings/json",
    payload: JSON.stringify({
      readings: Array.from({ length: 96 }, (_, i) => ({
        at: iso(from + (day * 96 + i + 1) * step),
        register: "1.8.0",
        kind: "interval",
        stepSeconds: step,
        value: 100 + ((i * 37) % 400),
        unit: "Wh",
      })),
    }),
  }));
  await publishAll(() => mqttUrl, messages);
}

export function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}
