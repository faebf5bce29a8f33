import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ApiClient, Status } from "../support/network/api-client.ts";
import type { Outgoing } from "../support/network/publisher.ts";
import { publishAll } from "../support/network/publisher.ts";
import { seededRandom, shuffledWithin } from "../support/seeded-random.ts";
import type { ExpectedMonth, HalfHour } from "../support/smart-city-meters.ts";
import {
  collisions,
  readExpectedMonths,
  readHalfHours,
  smartCityMetersAreThere,
  smartCityMetersSkipped,
} from "../support/smart-city-meters.ts";

const seed = Number(process.env["SEED"] ?? 20_261_123);
const register = "1.8.0";

interface SnapshotItem {
  meterId: string;
  period: string;
  lifecycle: string;
  hash: string;
  registers: {
    register: string;
    value: number | null;
    consumption: number | null;
    quality: string;
    intervals: { expected: number; present: number };
  }[];
}

/** Any Meterbook that runs, and what is done to it on the way. */
export interface Deployment extends ApiClient {
  readonly mqttUrl: string;
  /** Kills something, starts it again, or adds something; the scenario asks for each step once, in order. */
  readonly disturbances: readonly (() => Promise<void>)[];
  dispose(): Promise<void>;
}

/** Under `any order` a meter's messages may overtake each other on the way. */
export type StartDeployment = (
  settings: Readonly<Record<string, string>>,
  order: "any order" | "in order",
) => Promise<Deployment>;

/** The consumption of ten real meters, half hour by half hour, disordered and repeated, against a deployment. */
export function realReadingsScenario(start: StartDeployment): void {
  if (!smartCityMetersAreThere) console.log(`skipped: ${smartCityMetersSkipped}`);

  describe.skipIf(!smartCityMetersAreThere)("290 351 real half hours of ten meters", () => {
    let halfHours: HalfHour[];
    let expected: ExpectedMonth[];
    beforeAll(async () => {
      halfHours = await readHalfHours();
      expected = await readExpectedMonths();
      console.log(`seed ${seed}`);
    });

    describe("under their true instants, shuffled, repeated, through kills", () => {
      let meterbook: Deployment;
      let messages: Outgoing[];
      beforeAll(async () => {
        meterbook = await start({ METERBOOK_TIME_ZONE: "Etc/GMT-10", METERBOOK_SETTLE_SECONDS: "3" }, "any order");
        messages = disordered(halfHours);
      });
      afterAll(() => meterbook.dispose());

      test("every monthly sum equals the expected one", { timeout: 600_000 }, async () => {
        await publishThroughKills(meterbook, messages);
        await arrived(meterbook, readingsIn(messages));
        const status = await meterbook.settled(120_000);
        expect(status.stored).toBe(halfHours.length);
        expect(status.conflicts).toBe(0);
        expect(status.received).toBe(status.stored + status.duplicates + status.rejected);
        const issued = await readIssued(meterbook, expected);
        for (const month of expected) {
          expect(
            issued.get(`${month.meterId}/${month.month}`)?.registers[0],
            `${month.meterId} ${month.month}`,
          ).toMatchObject({
            register,
            value: null,
            consumption: month.wattHours,
            intervals: { expected: month.slots, present: month.rows },
            quality: month.rows === month.slots ? "actual" : "incomplete",
          });
        }
      });

      test("sending everything again changes no count of stored readings and no hash", {
        timeout: 600_000,
      }, async () => {
        const before = await meterbook.settled();
        const issued = await readIssued(meterbook, expected);
        const changes = await lastChange(meterbook);
        await publishAll(() => meterbook.mqttUrl, messages);
        await arrived(meterbook, before.received + readingsIn(messages));
        const after = await meterbook.settled(120_000);
        expect(after.stored).toBe(before.stored);
        expect(after.conflicts).toBe(0);
        expect(after.received).toBe(after.stored + after.duplicates + after.rejected);
        expect(await readIssued(meterbook, expected)).toEqual(issued);
        expect(await lastChange(meterbook)).toBe(changes);
      });
    });

    describe("under the labels of the meters' clocks", () => {
      test("colliding labels are conflicts and the first value stays", { timeout: 600_000 }, async () => {
        const meterbook = await start({ METERBOOK_TIME_ZONE: "Etc/GMT-10", METERBOOK_SETTLE_SECONDS: "1" }, "in order");
        try {
          await publishAll(() => meterbook.mqttUrl, inFileOrder(halfHours));
          await arrived(meterbook, halfHours.length);
          const status = await meterbook.settled(120_000);
          const collided = collisions(halfHours);
          expect(status).toMatchObject({ conflicts: collided.length, received: halfHours.length });
          for (const meterId of new Set(halfHours.map((one) => one.meterId))) {
            const { items } = await meterbook.get<{ items: unknown[] }>(`/v1/meters/${meterId}/conflicts`);
            const wanted = collided.filter((one) => one.meterId === meterId);
            expect(items).toHaveLength(wanted.length);
            wanted.forEach(({ label, first, second }, index) =>
              expect(items[index]).toMatchObject({
                at: iso(label),
                register,
                kept: { value: first },
                refused: { value: second },
              }),
            );
          }
          const issued = await readIssued(meterbook, expected);
          for (const month of expected) {
            const row = issued.get(`${month.meterId}/${month.month}`)?.registers[0];
            expect(row?.consumption, `${month.meterId} ${month.month}`).toBe(month.wattHoursFirstWins);
            expect(row?.intervals.present).toBe(month.distinctLabels);
          }
        } finally {
          await meterbook.dispose();
        }
      });
    });
  });
}

/** A message per half day, the half hours inside 6 h of each other shuffled, 3 % of the readings sent twice. */
function disordered(halfHours: readonly HalfHour[]): Outgoing[] {
  const random = seededRandom(seed);
  const twice = halfHours.flatMap((one) => (random() < 0.03 ? [one, one] : [one]));
  const shuffled = shuffledWithin(twice, 6 * 3600, ({ at }) => at, random);
  return messagesOf(shuffled, (one) => one.at);
}

function inFileOrder(halfHours: readonly HalfHour[]): Outgoing[] {
  return messagesOf(halfHours, (one) => one.label);
}

/** Consecutive readings of a meter, up to 24 in a message, in the order given. */
function messagesOf(halfHours: readonly HalfHour[], at: (one: HalfHour) => number): Outgoing[] {
  const open = new Map<string, unknown[]>();
  const messages: Outgoing[] = [];
  function flush(meterId: string, readings: unknown[]): void {
    messages.push({ topic: `meters/${meterId}/readings/json`, payload: JSON.stringify({ meterId, readings }) });
    open.set(meterId, []);
  }
  for (const one of halfHours) {
    const readings = open.get(one.meterId) ?? [];
    open.set(one.meterId, readings);
    readings.push({
      at: iso(at(one)),
      register,
      kind: "interval",
      stepSeconds: 1800,
      value: one.wattHours,
      unit: "Wh",
    });
    if (readings.length === 24) flush(one.meterId, readings);
  }
  for (const [meterId, readings] of open) if (readings.length > 0) flush(meterId, readings);
  return messages;
}

/** What a broker has acknowledged need not have reached us yet. */
async function arrived(meterbook: Deployment, readings: number): Promise<void> {
  const deadline = Date.now() + 240_000;
  for (;;) {
    const status = await meterbook.get<Status>("/v1/status").catch(() => undefined);
    if ((status?.received ?? 0) >= readings) return;
    if (Date.now() > deadline) throw new Error(`${readings} readings were sent: ${JSON.stringify(status)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function readingsIn(messages: readonly Outgoing[]): number {
  return messages.reduce((sum, { payload }) => sum + String(payload).split('"register"').length - 1, 0);
}

/** Disturbs it three times on the way; the publisher goes on with what was not acknowledged. */
async function publishThroughKills(meterbook: Deployment, messages: readonly Outgoing[]): Promise<void> {
  const due = [0.2, 0.5, 0.8].map((share, step) => ({
    at: Math.floor(share * messages.length),
    disturb: meterbook.disturbances[step],
  }));
  let disturbing: Promise<void> = Promise.resolve();
  await publishAll(
    () => meterbook.mqttUrl,
    messages,
    (done) => {
      const next = due[0];
      if (next === undefined || done < next.at) return;
      due.shift();
      disturbing = disturbing.then(next.disturb);
    },
  );
  await disturbing;
}

async function readIssued(meterbook: Deployment, months: readonly ExpectedMonth[]): Promise<Map<string, SnapshotItem>> {
  const issued = new Map<string, SnapshotItem>();
  for (const month of new Set(months.map((one) => one.month))) {
    const { items } = await meterbook.get<{ items: SnapshotItem[] }>(`/v1/snapshots?period=${month}&limit=1000`);
    for (const item of items) issued.set(`${item.meterId}/${item.period}`, item);
  }
  return issued;
}

/** The id of the newest entry of the ledger. */
async function lastChange(meterbook: Deployment): Promise<string> {
  const response = await meterbook.request("/v1/snapshots/changes", { headers: { accept: "application/x-ndjson" } });
  const lines = (await response.text()).trimEnd().split("\n");
  return `${lines.length} ${(JSON.parse(lines.at(-1) ?? "{}") as { id: string }).id}`;
}

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}
