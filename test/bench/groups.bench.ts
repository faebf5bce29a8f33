import { startMeterbook } from "../support/processes/meterbook-process.ts";
import { benchSettings } from "./bench-settings.ts";
import type { Figure } from "./bench-table.ts";
import { iso, shareOf } from "./curve-under-load.bench.ts";
import { runLoad } from "./load/load-process.ts";
import { portOf } from "./throughput.bench.ts";

const quarter = 900;
const days = 31;

interface Sums {
  readonly pending: number;
  readonly items: readonly { readonly present: number; readonly expected: number }[];
}

/**
 * Response time of the month's curve of all meters together, in quarter hours, while meters report at a steady rate;
 * and how long it takes to sum a day.
 */
export async function measureGroups(options: {
  readonly meters: number;
  readonly messagesPerSecond: number;
  readonly seconds: number;
}): Promise<Figure[]> {
  const { meters, messagesPerSecond, seconds } = options;
  const meterbook = await startMeterbook({
    ...benchSettings(),
    METERBOOK_TIME_ZONE: "UTC",
    METERBOOK_SETTLE_SECONDS: "1",
  });
  try {
    const now = Math.floor(Date.now() / 1000);
    const to = now - (now % 86_400);
    const from = to - days * 86_400;
    const load = { port: portOf(meterbook), meters, connections: 16, window: 1000 } as const;
    // Eight hours of each day: a profile of 32 quarter hours, of which a day has three.
    for (let day = 0; day < days; day += 1)
      await runLoad({
        ...load,
        rate: 0,
        messages: meters,
        readingsPerMessage: "32",
        startAt: from,
        firstRound: 3 * day,
      });
    await meterbook.settled(600_000);
    const path = `/v1/groups/fleet/curve?register=1.8.0&from=${iso(from)}&to=${iso(to)}&resolution=PT15M`;
    const summing = await untilSummed(() => meterbook.get<Sums>(path));
    const messages = messagesPerSecond * seconds;
    const running = runLoad({
      ...{ ...load, messages, readingsPerMessage: "1" },
      ...{ rate: messagesPerSecond, startAt: from, firstRound: (days * 86_400) / quarter },
    });
    const times = await askRepeatedly(() => meterbook.request(path), running);
    const note = `${times.length} requests of ${days * 96} steps of ${meters} meters at ${messagesPerSecond} messages/s`;
    return [
      { name: "group curve p50", value: shareOf(times, 0.5), unit: "ms", note },
      { name: "group curve p99", value: shareOf(times, 0.99), unit: "ms", bar: { atMost: 100 } },
      { name: "sums of a month", value: summing, unit: "s", note: "from when all readings were stored" },
    ];
  } finally {
    await meterbook.dispose();
  }
}

/** Seconds until no day waits to be summed. */
async function untilSummed(read: () => Promise<Sums>): Promise<number> {
  const started = performance.now();
  for (;;) {
    const found = await read().catch(() => undefined);
    if (found?.pending === 0 && (found.items[0]?.expected ?? 0) > 0) return (performance.now() - started) / 1000;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Asks one after the other, 20 ms apart, until the load ends; ascending milliseconds. */
async function askRepeatedly(ask: () => Promise<Response>, load: Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  let over = false;
  const ended = load.finally(() => {
    over = true;
  });
  while (!over) {
    const started = performance.now();
    const body = (await (await ask()).json()) as Sums;
    times.push(performance.now() - started);
    if (body.items.length !== (days * 86_400) / quarter) throw new Error(`the curve has ${body.items.length} steps`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await ended;
  return times.sort((a, b) => a - b);
}
