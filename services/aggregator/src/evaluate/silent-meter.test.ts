// Goal: a meter that was given up as silent costs no question to the store at a sweep, as long as nothing comes of it.
import type { Channel } from "@meterbook/core/domain/reading/reading";
import { parsePeriod } from "@meterbook/core/domain/snapshot/snapshot";
import type { StoredMeter } from "@meterbook/core/ports/series-store";
import { expect, test } from "vitest";
import { channelRows } from "../remember/channel-memory.ts";
import type { ChannelState } from "../remember/channel-state.ts";
import { accept, adopt, meterState } from "../remember/meter-state.ts";
import { type EvaluationPorts, evaluateMeter } from "./evaluate-meter.ts";

const profile: Channel = { register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds: 3600 };
const instant = (text: string) => Date.parse(text) / 1000;

/** How often the store is asked at the sweep of October 2026 for a meter whose readings came at those times. */
async function asked(readings: readonly (readonly [Channel, string])[]): Promise<number> {
  const meter = meterState("m", "Europe/Kyiv");
  const first = { at: instant(readings[0]?.[1] ?? ""), value: 100, code: 0 };
  const channels = readings.map(([channel], index) => ({ ...channel, index, first }));
  adopt(meter, { no: 1, meterId: "m", channels } as unknown as StoredMeter, channelRows(), 0);
  readings.forEach(([, at], index) => {
    accept(meter, meter.channels[index] as ChannelState, instant(at), 100, 0);
  });
  meter.issued = [];
  let reads = 0;
  const read = async () => {
    reads += 1;
    return [];
  };
  const ports = { ledger: { latestOfMeter: async () => [] }, seen: (one: unknown) => one, series: { read } };
  const evaluate = evaluateMeter.bind(undefined, ports as unknown as EvaluationPorts, meter);
  const made = await evaluate(parsePeriod("2026-10") ?? 0, Date.parse("2026-11-03T12:00:00Z"));
  expect(made.snapshots).toEqual([]);
  return reads;
}

test("nothing is read of a meter of intervals that was given up as silent", async () => {
  expect(await asked([[profile, "2025-01-05T10:00:00Z"]])).toBe(0);
});
