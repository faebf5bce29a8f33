import { expect } from "vitest";
import type { Outgoing } from "../network/publisher.ts";
import type { MeterbookProcess, Status } from "../processes/meterbook-process.ts";
import { seededRandom, shuffledWithin } from "../seeded-random.ts";

/** Messages of all sorts, and what must be known once all of them were acknowledged, however often they were sent. */
export interface MixedTraffic {
  /** In order; the messages of a wave may be sent together. */
  readonly waves: readonly (readonly Outgoing[])[];
  readonly meterIds: readonly string[];
  /** Readings by meter, then by `register at`: the first value that came. */
  readonly stored: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** `meter register at kept refused`. */
  readonly conflicts: ReadonlySet<string>;
  /** `topic payload readingIndex`, the payload in base64. */
  readonly rejected: ReadonlySet<string>;
}

export interface TrafficSize {
  readonly seed: number;
  readonly meters: number;
  readonly days: number;
  readonly waves: number;
}

const registers = ["1.8.0", "2.8.0", "3.8.0"] as const;
const start = Date.UTC(2024, 8, 12) / 1000;
const day = 86_400;
const hour = 3600;

/** What a meter's message holds: good readings, and bad ones by index. */
interface Message extends Outgoing {
  readonly at: number;
  readonly good: readonly { readonly meterId: string; readonly key: string; readonly value: number }[];
  readonly bad: readonly (number | null)[];
}

/**
 * A day of hours per message over a month's end, out of order by up to three days, some sent twice, some with another
 * value, some with bad readings among the good ones, and between them what no meter should send.
 */
export function mixedTraffic({ seed, meters, days, waves }: TrafficSize): MixedTraffic {
  const random = seededRandom(seed);
  const meterIds = Array.from({ length: meters }, (_, number) => `mixed-${number}`);
  const messages: Message[] = [];
  for (let number = 0; number < days; number += 1) {
    for (const [index, meterId] of meterIds.entries()) {
      const one = { meterId, index, at: start + number * day };
      const dice = random();
      messages.push(dayMessage(one, dice < 0.1 ? "partly-bad" : "good"));
      if (dice > 0.9) messages.push(dayMessage(one, "good"));
      else if (dice > 0.85) messages.push(dayMessage(one, "other-values"));
      else if (dice > 0.75) messages.push(poison(one, Math.floor(random() * poisons.length)));
    }
  }
  const ordered = shuffledWithin(messages, 3 * day, ({ at }) => at, random);
  const perWave = Math.ceil(ordered.length / waves);
  return {
    waves: Array.from({ length: waves }, (_, wave) => ordered.slice(wave * perWave, (wave + 1) * perWave)),
    meterIds,
    ...outcome(ordered, meterIds),
  };
}

interface MeterDay {
  readonly meterId: string;
  readonly index: number;
  readonly at: number;
}

function dayMessage({ meterId, index, at: from }: MeterDay, manner: "good" | "partly-bad" | "other-values"): Message {
  const good: { meterId: string; key: string; value: number }[] = [];
  const bad: number[] = [];
  const readings: unknown[] = [];
  for (let at = from; at < from + day; at += hour) {
    for (const [number, register] of registers.entries()) {
      const unit = register === "3.8.0" ? "varh" : "Wh";
      const value =
        (at - start) * (number + 1) + index * 1_000_003 + (manner === "other-values" && at === from ? 5 : 0);
      const isBad = manner === "partly-bad" && at === from + 5 * hour;
      if (isBad) bad.push(readings.length);
      else good.push({ meterId, key: `${register} ${iso(at)}`, value });
      readings.push({ at: iso(at), register, value: isBad ? -1 : value, unit });
    }
  }
  return { topic: `meters/${meterId}/readings/json`, payload: JSON.stringify({ readings }), at: from, good, bad };
}

const poisons: readonly ((meterId: string, at: number) => Outgoing)[] = [
  (meterId, at) => ({ topic: `meters/${meterId}/readings/json`, payload: `{"readings":[${at}` }),
  (meterId, at) => ({ topic: `meters/${meterId}/readings/json`, payload: `{"meterId":"other-${at}","readings":[]}` }),
  (meterId, at) => ({ topic: `meters/${meterId}/readings`, payload: Buffer.from(`ff00ff00${at.toString(16)}`, "hex") }),
  (meterId, at) => ({ topic: `meters/${meterId}/weather`, payload: `fine ${at}` }),
];

function poison({ meterId, at }: MeterDay, kind: number): Message {
  const make = poisons[kind] as (typeof poisons)[number];
  return { ...make(meterId, at), at, good: [], bad: [null] };
}

/** What the messages come to, taken in order. */
function outcome(messages: readonly Message[], meterIds: readonly string[]) {
  const stored = new Map(meterIds.map((meterId) => [meterId, new Map<string, number>()]));
  const conflicts = new Set<string>();
  const rejected = new Set<string>();
  for (const { topic, payload, good, bad } of messages) {
    for (const index of bad) rejected.add(`${topic} ${Buffer.from(payload).toString("base64")} ${index}`);
    for (const { meterId, key, value } of good) {
      const known = stored.get(meterId)?.get(key);
      if (known === undefined) stored.get(meterId)?.set(key, value);
      else if (known !== value) conflicts.add(`${meterId} ${key} ${known} ${value}`);
    }
  }
  return { stored, conflicts, rejected };
}

/** Everything that was sent is where it belongs, once, and nothing else is anywhere. */
export async function expectOutcome(meterbook: MeterbookProcess, traffic: MixedTraffic, status: Status): Promise<void> {
  const count = [...traffic.stored.values()].reduce((sum, readings) => sum + readings.size, 0);
  expect(status).toMatchObject({ stored: count, conflicts: traffic.conflicts.size, inFlight: 0 });
  expect(status.received).toBe(status.stored + status.duplicates + status.conflicts + status.rejected);
  const conflicts: string[] = [];
  for (const meterId of traffic.meterIds) {
    const readings = await lines<StoredReading>(meterbook, `/v1/meters/${meterId}/readings`);
    const values = readings.map(({ register, at, value }) => [`${register} ${at}`, value] as const);
    expect(new Map(values), meterId).toEqual(traffic.stored.get(meterId));
    expect(values, `${meterId}: each once`).toHaveLength(traffic.stored.get(meterId)?.size ?? 0);
    for (const { register, at, kept, refused } of await lines<StoredConflict>(
      meterbook,
      `/v1/meters/${meterId}/conflicts`,
    ))
      conflicts.push(`${meterId} ${register} ${at} ${kept.value} ${refused.value}`);
  }
  expect(conflicts.sort()).toEqual([...traffic.conflicts].sort());
  const rejections = await lines<StoredRejection>(meterbook, "/v1/rejected");
  expect(rejections).toHaveLength(status.rejected);
  const rejected = new Set(rejections.map(({ topic, payload, readingIndex }) => `${topic} ${payload} ${readingIndex}`));
  expect(rejected).toEqual(traffic.rejected);
}

interface StoredReading {
  readonly register: string;
  readonly at: string;
  readonly value: number;
}

interface StoredConflict {
  readonly register: string;
  readonly at: string;
  readonly kept: { readonly value: number };
  readonly refused: { readonly value: number };
}

interface StoredRejection {
  readonly topic: string;
  readonly payload: string;
  readonly readingIndex: number | null;
}

/** The hash of the latest snapshot of every meter, by `meter/period`, over the months that the traffic touches. */
export async function hashesOf(meterbook: MeterbookProcess): Promise<Map<string, string>> {
  const hashes = new Map<string, string>();
  const snapshots = await lines<{ meterId: string; period: string; hash: string }>(meterbook, "/v1/snapshots/changes");
  for (const { meterId, period, hash } of snapshots) hashes.set(`${meterId}/${period}`, hash);
  return hashes;
}

async function lines<Item>(meterbook: MeterbookProcess, path: string): Promise<Item[]> {
  const response = await meterbook.request(path, { headers: { accept: "application/x-ndjson" } });
  if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
  const text = await response.text();
  return text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Item]));
}

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}
