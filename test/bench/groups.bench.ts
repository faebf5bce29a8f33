import { Agent, request } from "node:http";
import { gunzipSync } from "node:zlib";
import { openEmbeddedGroupSumsReader } from "@meterbook/adapters/embedded/group-sums/embedded-group-sums";
import { readSummedSteps } from "@meterbook/core/records/sums/register-day-record";
import { startMeterbook } from "../support/processes/meterbook-process.ts";
import { benchSettings } from "./bench-settings.ts";
import type { Figure } from "./bench-table.ts";
import { iso, shareOf } from "./curve-under-load.bench.ts";
import { runLoad } from "./load/load-process.ts";
import { portOf } from "./throughput.bench.ts";

const quarter = 900;
const days = 31;
const steps = (days * 86_400) / quarter;

interface Sums {
  readonly pending: number;
  readonly items: readonly { readonly present: number; readonly expected: number }[];
}

/**
 * Response time of the month's curve of all meters together, in quarter hours, while meters report at a steady rate;
 * and how long it takes to sum a month. In turns with the curve it asks the same process for an answer that holds
 * nothing, and reads the same sums itself: what a busy machine does to whoever wakes is in all three.
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
      ...{ rate: messagesPerSecond, startAt: from, firstRound: steps },
    });
    const sums = openEmbeddedGroupSumsReader({ dataDir: meterbook.dataDir });
    const asked = packedAnswers();
    const [curve, nothing, raw] = await inTurns(running, [
      async () => {
        const packed = await asked.get(meterbook.httpUrl + path);
        return () => (JSON.parse(gunzipSync(packed).toString()) as Sums).items.length;
      },
      async () => {
        await asked.get(`${meterbook.httpUrl}/healthz`);
        return () => steps;
      },
      async () => {
        const found = await sums.days("fleet", "1.8.0", { from, to: to - 1 });
        const read = found.map((day) => readSummedSteps(day.sums, "PT15M")?.steps.present.length ?? 0);
        return () => read.reduce((all, one) => all + one, 0);
      },
    ]);
    asked.close();
    await sums.close();
    const note = `${curve.length} requests of ${steps} steps of ${meters} meters at ${messagesPerSecond} messages/s`;
    return [
      { name: "group curve p50", value: shareOf(curve, 0.5), unit: "ms", note },
      { name: "group curve p99", value: shareOf(curve, 0.99), unit: "ms", bar: { atMost: 100 } },
      {
        name: "an answer that holds nothing p50",
        value: shareOf(nothing, 0.5),
        unit: "ms",
        note: "/healthz, in turns",
      },
      { name: "an answer that holds nothing p99", value: shareOf(nothing, 0.99), unit: "ms" },
      { name: "raw read of the sums p50", value: shareOf(raw, 0.5), unit: "ms", note: "in the bench's process" },
      { name: "raw read of the sums p99", value: shareOf(raw, 0.99), unit: "ms" },
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

/** Answers as they come over the wire: what a client takes to unpack them is its own. */
function packedAnswers(): { get(url: string): Promise<Buffer>; close(): void } {
  const agent = new Agent({ keepAlive: true });
  return {
    get: (url) =>
      new Promise((resolve, reject) => {
        const asking = request(url, { agent, headers: { "accept-encoding": "gzip" } }, (answer) => {
          const pieces: Buffer[] = [];
          answer.on("data", (piece: Buffer) => pieces.push(piece));
          answer.on("end", () => resolve(Buffer.concat(pieces)));
          answer.on("error", reject);
        });
        asking.on("error", reject).end();
      }),
    close: () => agent.destroy(),
  };
}

type Times = readonly number[];
/** What is timed. What it answers is asked afterwards: how many steps there were. */
type Ask = () => Promise<() => number>;

/** Asks one after the other, 10 ms apart, until the load ends; ascending milliseconds of each. */
async function inTurns(
  load: Promise<unknown>,
  asks: readonly [Ask, Ask, Ask],
): Promise<readonly [Times, Times, Times]> {
  const times: [number[], number[], number[]] = [[], [], []];
  let over = false;
  const ended = load.finally(() => {
    over = true;
  });
  while (!over) {
    for (const [place, ask] of asks.entries()) {
      const started = performance.now();
      const found = await ask();
      times[place]?.push(performance.now() - started);
      if (found() !== steps) throw new Error(`there are ${found()} steps, ${steps} were due`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
  await ended;
  for (const of of times) of.sort((a, b) => a - b);
  return times;
}
