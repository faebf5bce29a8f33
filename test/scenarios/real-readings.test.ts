import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MeterbookProcess } from "../support/meterbook-process.ts";
import { startMeterbook } from "../support/meterbook-process.ts";
import type { Outgoing } from "../support/publisher.ts";
import { publishAll } from "../support/publisher.ts";
import { seededRandom, shuffledWithin } from "../support/random.ts";
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
    let meterbook: MeterbookProcess;
    let messages: Outgoing[];
    beforeAll(async () => {
      meterbook = await startMeterbook({ METERBOOK_TIME_ZONE: "Etc/GMT-10", METERBOOK_SETTLE_SECONDS: "3" });
      messages = disordered(halfHours);
    });
    afterAll(() => meterbook.dispose());

    test("every monthly sum equals the expected one", { timeout: 600_000 }, async () => {
      await publishThroughKills(meterbook, messages);
      const status = await meterbook.settled(120_000);
      expect(status.stored).toBe(halfHours.length);
      expect(status.conflicts).toBe(0);
      expect(status.received).toBe(status.stored + status.duplicates + status.rejected);
      const book = await readBook(meterbook, expected);
      for (const month of expected) {
        expect(
          book.get(`${month.meterId}/${month.month}`)?.registers[0],
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

    test("sending everything again changes no count of stored readings and no hash", { timeout: 600_000 }, async () => {
      const before = await meterbook.settled();
      const book = await readBook(meterbook, expected);
      const changes = await lastChange(meterbook);
      await publishAll(() => meterbook.mqttUrl, messages);
      const after = await meterbook.settled(120_000);
      expect(after.stored).toBe(before.stored);
      expect(after.conflicts).toBe(0);
      expect(after.received).toBe(after.stored + after.duplicates + after.rejected);
      expect(await readBook(meterbook, expected)).toEqual(book);
      expect(await lastChange(meterbook)).toBe(changes);
    });
  });

  describe("under the labels of the meters' clocks", () => {
    test("colliding labels are conflicts and the first value stays", { timeout: 600_000 }, async () => {
      const meterbook = await startMeterbook({ METERBOOK_TIME_ZONE: "Etc/GMT-10", METERBOOK_SETTLE_SECONDS: "1" });
      try {
        await publishAll(() => meterbook.mqttUrl, inFileOrder(halfHours));
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
        const book = await readBook(meterbook, expected);
        for (const month of expected) {
          const row = book.get(`${month.meterId}/${month.month}`)?.registers[0];
          expect(row?.consumption, `${month.meterId} ${month.month}`).toBe(month.wattHoursFirstWins);
          expect(row?.intervals.present).toBe(month.distinctLabels);
        }
      } finally {
        await meterbook.dispose();
      }
    });
  });
});

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

/** Kills the process three times on the way and starts it again; the publisher goes on with what was not acknowledged. */
async function publishThroughKills(meterbook: MeterbookProcess, messages: readonly Outgoing[]): Promise<void> {
  const killAt = [0.2, 0.5, 0.8].map((share) => Math.floor(share * messages.length));
  let restarting: Promise<void> = Promise.resolve();
  await publishAll(
    () => meterbook.mqttUrl,
    messages,
    (done) => {
      const due = killAt[0];
      if (due === undefined || done < due) return;
      killAt.shift();
      restarting = restarting.then(() => meterbook.kill()).then(() => meterbook.start());
    },
  );
  await restarting;
}

async function readBook(
  meterbook: MeterbookProcess,
  months: readonly ExpectedMonth[],
): Promise<Map<string, SnapshotItem>> {
  const book = new Map<string, SnapshotItem>();
  for (const month of new Set(months.map((one) => one.month))) {
    const { items } = await meterbook.get<{ items: SnapshotItem[] }>(`/v1/snapshots?period=${month}&limit=1000`);
    for (const item of items) book.set(`${item.meterId}/${item.period}`, item);
  }
  return book;
}

/** The id of the newest entry of the ledger. */
async function lastChange(meterbook: MeterbookProcess): Promise<string> {
  const response = await meterbook.request("/v1/snapshots/changes", { headers: { accept: "application/x-ndjson" } });
  const lines = (await response.text()).trimEnd().split("\n");
  return `${lines.length} ${(JSON.parse(lines.at(-1) ?? "{}") as { id: string }).id}`;
}

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}
