// Goal: what a meter did not send is asked of it and comes. Method: a real process; fleets whose true readings are
// known and whose meters answer with all, with a part, late or never; and a meter that is away when it is asked.
import { join } from "node:path";
import mqtt from "mqtt";
import { expect, onTestFinished, test, vi } from "vitest";
import { type FleetOptions, startFleet } from "../../simulators/src/fleet/fleet.ts";
import { checkTruth } from "../support/fleets/check-truth.ts";
import { type Outgoing, publishAll } from "../support/network/publisher.ts";
import { type MeterbookProcess, startMeterbook } from "../support/processes/meterbook-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const seed = Number(process.env["SEED"] ?? 3);
const hour = 3600;
const soon = {
  METERBOOK_SETTLE_SECONDS: "1",
  METERBOOK_GAP_LOOK_SECONDS: "1",
  METERBOOK_GAP_WAIT_SECONDS: "0",
  METERBOOK_GAP_BACK_OFF_SECONDS: "1",
  METERBOOK_GAP_ASKS_PER_SECOND: "1000",
};

interface ShownGap {
  readonly from: string;
  readonly to: string;
  readonly missing: number;
  readonly asked: { readonly times: number } | null;
  readonly answered: string | null;
  readonly goesOn: boolean;
}

async function meterbookThatAsksSoon(): Promise<MeterbookProcess> {
  const meterbook = await startMeterbook(soon);
  onTestFinished(() => meterbook.dispose());
  return meterbook;
}

const text = (at: number) => new Date(at * 1000).toISOString().replace(".000Z", "Z");

/** Three days, so that no month of it is final. */
function lastDays() {
  const to = Math.floor(Date.now() / 1000 / hour) * hour;
  return { from: to - 72 * hour, to };
}

async function gapsOf(meterbook: MeterbookProcess, meterId: string): Promise<readonly ShownGap[]> {
  const { from, to } = lastDays();
  const { items } = await meterbook.get<{ items: ShownGap[] }>(
    `/v1/meters/${meterId}/gaps?from=${text(from)}&to=${text(to)}&limit=1000`,
  );
  return items;
}

/** One that goes on is no gap before something follows it: the fleet may have lost the last report of all. */
const isOpen = ({ answered, goesOn }: ShownGap) => answered === null && !goesOn;
const patience = { timeout: 60_000, interval: 200 };

/** A fleet of the last days that loses one report in seven, and goes on. */
function losingFleet(meterbook: MeterbookProcess, more: Pick<FleetOptions, "answers" | "truth" | "firstMeterId">) {
  const { from, to } = lastDays();
  const fleet = startFleet({
    ...{ url: meterbook.mqttUrl, seed, meters: 2, connections: 1, live: true, businessShare: 0, solarShare: 0 },
    ...{ from: text(from), to: text(to), step: 900, reportEvery: 3600, lost: 0.15, answerLateSeconds: 3 },
    ...more,
  });
  onTestFinished(() => fleet.stop());
  return fleet;
}

test("what a fleet answers agrees with the truth", { timeout: 180_000 }, async () => {
  console.log(`seed ${seed}`);
  const meterbook = await meterbookThatAsksSoon();
  const truth = join(await temporaryDirectory(), "truth.ndjson");
  const fleet = losingFleet(meterbook, { answers: "whole", truth, firstMeterId: "m-1" });
  await fleet.history;
  for (const meterId of ["m-1", "m-2"]) {
    await vi.waitFor(async () => {
      const gaps = await gapsOf(meterbook, meterId);
      expect([gaps.length > 0, gaps.filter(isOpen).length]).toEqual([true, 0]);
      // An answer has all registers, so it also has what was not asked for yet.
      expect(gaps.some(({ asked }) => asked !== null)).toBe(true);
    }, patience);
  }
  await fleet.stop();
  await meterbook.settled(60_000);
  const { code, output } = await checkTruth(truth, meterbook.httpUrl);
  expect(code, output).toBe(0);
});

test("meters that answer a part at a time, late or never", { timeout: 300_000 }, async () => {
  const meterbook = await meterbookThatAsksSoon();
  const kinds = ["partly", "late", "never"] as const;
  const fleets = kinds.map((answers) => losingFleet(meterbook, { answers, firstMeterId: `${answers}-1` }));
  await Promise.all(fleets.map((fleet) => fleet.history));
  for (const meterId of kinds.flatMap((answers) => [`${answers}-1`, `${answers}-2`])) {
    await vi.waitFor(async () => {
      const gaps = await gapsOf(meterbook, meterId);
      const times = Math.max(...gaps.map(({ asked }) => asked?.times ?? 0));
      const isDone = gaps.every((gap) => !isOpen(gap));
      if (meterId.startsWith("never")) expect([meterId, isDone, times > 0]).toEqual([meterId, false, true]);
      else expect([meterId, isDone, times > 0]).toEqual([meterId, true, true]);
      if (meterId.startsWith("partly")) expect(times).toBeGreaterThan(1);
    }, patience);
  }
  const { from, to } = lastDays();
  const periods = [...new Set([from, to].map((at) => text(at + 2 * hour).slice(0, 7)))];
  await vi.waitFor(async () => {
    const owing = periods.map((period) =>
      meterbook.get<{ items: (ShownGap & { meterId: string })[] }>(`/v1/gaps?period=${period}&limit=1000`),
    );
    const open = (await Promise.all(owing)).flatMap(({ items }) => items.filter(isOpen));
    const meters = open.map(({ meterId }) => meterId);
    expect([...new Set(meters)].sort()).toEqual(["never-1", "never-2"]);
  }, patience);
  const metrics = await (await meterbook.request("/metrics")).text();
  expect(metrics).toMatch(/meterbook_meter_requests_total\{outcome="sent"[^}]*\} [1-9]/);
});

test("a meter that is away when it is asked gets the request when it listens, and its hours are complete", {
  timeout: 120_000,
}, async () => {
  const meterbook = await meterbookThatAsksSoon();
  const { from, to } = lastDays();
  const all = Array.from({ length: 72 }, (_, n) => from + (n + 1) * hour);
  const missing = all.slice(40, 44);
  const report = (sequence: number, at: readonly number[]): Outgoing => ({
    topic: "meters/m-1/readings/json",
    payload: JSON.stringify({
      sequence,
      readings: at.map((each) => ({
        ...{ at: text(each), register: "1.8.0", kind: "interval", stepSeconds: hour },
        ...{ value: 100, unit: "Wh" },
      })),
    }),
  });
  await publishAll(
    () => meterbook.mqttUrl,
    [
      report(
        1,
        all.filter((at) => !missing.includes(at)),
      ),
    ],
  );
  await vi.waitFor(async () => {
    const gaps = await gapsOf(meterbook, "m-1");
    expect(gaps).toMatchObject([
      { from: text(all[39] as number), to: text(all[43] as number), missing: 4, asked: { times: 1 } },
    ]);
  }, patience);
  // After a restart too: what is asked is kept.
  await meterbook.kill();
  await meterbook.start();
  const meter = await mqtt.connectAsync(meterbook.mqttUrl);
  onTestFinished(() => meter.endAsync(true));
  const asked = new Promise<Buffer>((resolve) => meter.once("message", (_topic, payload) => resolve(payload)));
  await meter.subscribeAsync("meters/m-1/requests", { qos: 1 });
  const range = {
    register: "1.8.0",
    kind: "interval",
    stepSeconds: hour,
    from: text(all[39] as number),
    to: text(all[43] as number),
  };
  expect(JSON.parse(String(await asked))).toMatchObject({ meterId: "m-1", ranges: [range] });
  await publishAll(() => meterbook.mqttUrl, [report(2, missing)]);
  await vi.waitFor(async () => {
    const gaps = await gapsOf(meterbook, "m-1");
    expect(gaps).toMatchObject([{ missing: 4, asked: { times: 1 }, answered: expect.any(String) }]);
  }, patience);
  const curve = await meterbook.get<{ items: { consumption: number | null }[] }>(
    `/v1/meters/m-1/curve?register=1.8.0&from=${text(from)}&to=${text(to)}&resolution=PT1H`,
  );
  expect(curve.items.map(({ consumption }) => consumption)).toEqual(all.map(() => 100));
});
