import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import { connectOnce } from "../../../../simulators/src/publishing/mqtt-connection.ts";

const feeders = ["F-1", "F-2"] as const;
const suppliers = ["North-Energy", "South-Power"] as const;

/** Master data of the simulated meters: two feeders, two suppliers, a group, and a meter for each feeder. */
export async function registerFeeders(httpUrl: string, meterIds: readonly string[]): Promise<void> {
  const meters = [...meterIds, ...feeders.map(feederMeter)].map((meterId) => ({ meterId }));
  const points = meterIds.map((usagePointId, i) => ({
    usagePointId,
    feeder: feeders[i % feeders.length],
    supplier: suppliers[i % 3 === 0 ? 1 : 0],
    groups: i % 5 === 0 ? ["two-zone-tariff"] : [],
  }));
  const measuring = feeders.map((feeder) => ({ usagePointId: feederMeter(feeder), measures: feeder }));
  await send(`${httpUrl}/v1/meters:import`, meters);
  await send(`${httpUrl}/v1/usage-points:import`, [...points, ...measuring]);
}

function feederMeter(feeder: string): string {
  return `feeder-${feeder}`;
}

async function send(url: string, records: readonly object[]): Promise<void> {
  const body = records.map((record) => `${JSON.stringify(record)}\n`).join("");
  const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/x-ndjson" }, body });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${(await answer.text()).slice(0, 300)}`);
}

export interface FeederHistory {
  readonly httpUrl: string;
  readonly mqttUrl: string;
  readonly zone: string;
  /** Seconds UTC; whole local days of it are reported. */
  readonly from: number;
  readonly to: number;
  readonly signal: AbortSignal;
}

/** What the meters of the feeders counted: what came out below, and some hundredths that were lost on the way. */
export async function reportFeeders(history: FeederHistory): Promise<void> {
  const calendar = localCalendar(history.zone);
  const to = calendar.dayOf(history.to);
  const messages: { topic: string; bytes: Buffer }[] = [];
  for (const [index, feeder] of feeders.entries()) {
    const taken = await curveOf(history, feeder, "1.8.0", to);
    const given = await curveOf(history, feeder, "2.8.0", to);
    const backs = new Map(given.map((point) => [point.to, point.consumption ?? 0]));
    const net = taken.map((point) => ({ at: point.to, wh: (point.consumption ?? 0) - (backs.get(point.to) ?? 0) }));
    const lost = net.map(({ at, wh }, i) => ({ at, wh: Math.round(wh + Math.abs(wh) * lossShare(i, index)) }));
    for (const day of Map.groupBy(lost, ({ at }) => calendar.dayOf(Date.parse(at) / 1000 - 1)).values())
      messages.push({
        topic: `meters/${feederMeter(feeder)}/readings/json`,
        bytes: Buffer.from(JSON.stringify({ readings: day.flatMap(readingsOf) })),
      });
  }
  await publish(history, messages);
}

function lossShare(step: number, feeder: number): number {
  return 0.03 + 0.02 * feeder + 0.01 * Math.sin(step / 40);
}

function readingsOf({ at, wh }: { readonly at: string; readonly wh: number }) {
  const of = { at, kind: "interval", stepSeconds: 900, unit: "Wh" };
  return [
    { ...of, register: "1.8.0", value: Math.max(0, wh) },
    { ...of, register: "2.8.0", value: Math.max(0, -wh) },
  ];
}

interface Point {
  readonly to: string;
  readonly consumption: number | null;
}

const waitMs = 500;

/** Waits until the sums are those of all that came. */
async function curveOf(
  { httpUrl, from, signal }: FeederHistory,
  feeder: string,
  register: string,
  to: number,
): Promise<readonly Point[]> {
  const iso = (at: number) => new Date(at * 1000).toISOString();
  const range = `register=${register}&from=${iso(from)}&to=${iso(to)}&resolution=PT15M`;
  for (;;) {
    const answer = await fetch(`${httpUrl}/v1/groups/feeder:${feeder}/curve?${range}`, { signal });
    if (answer.ok) {
      const { pending, items } = (await answer.json()) as { pending: number; items: Point[] };
      if (pending === 0) return items;
    }
    // When one register is summed they all are: nobody below gives anything back.
    if (answer.status === 404 && register !== "1.8.0") return [];
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

async function publish(
  { mqttUrl, signal }: FeederHistory,
  messages: readonly { readonly topic: string; readonly bytes: Buffer }[],
): Promise<void> {
  const done = Promise.withResolvers<void>();
  const leave = () => done.reject(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  const options = { url: mqttUrl, clientId: "feeder-meters", username: undefined, password: undefined };
  let left = messages.length;
  const connection = connectOnce(options, {
    connected() {
      if (left === 0) done.resolve();
      for (const { topic, bytes } of messages)
        connection.publish(topic, bytes, false, () => {
          left -= 1;
          if (left === 0) done.resolve();
        });
    },
    ended: (reason) => done.reject(new Error(reason)),
  });
  try {
    await done.promise;
  } finally {
    signal.removeEventListener("abort", leave);
    await connection.end(signal.aborted);
  }
}
