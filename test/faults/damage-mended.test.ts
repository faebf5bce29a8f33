// Goal: H06, H07, H08: from a flipped bit to a mended one, on the real process, while other meters go on being served.
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { publishAll } from "../support/network/publisher.ts";
import { type MeterbookProcess, startMeterbook } from "../support/processes/meterbook-process.ts";

interface Entry {
  readonly id: string;
  readonly place: string;
  readonly state: string;
  readonly meterId: string | null;
  readonly mended: { readonly detail: string; readonly lost: number | null } | null;
}

/** Two months ago and the one before it: both are final, whenever this runs. */
const now = new Date();
const monthStart = (back: number) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - back, 1));
const [first, second, third] = [monthStart(3), monthStart(2), monthStart(1)] as const;
const period = second.toISOString().slice(0, 7);
const meters = ["m-1", "m-2"];

const message = (meterId: string, at: Date, value: number) => ({
  topic: `meters/${meterId}/readings/json`,
  payload: JSON.stringify({
    readings: [{ register: "1.8.0", at: at.toISOString(), value: String(value), unit: "Wh" }],
  }),
});

async function filled(): Promise<MeterbookProcess> {
  const meterbook = await startMeterbook({ METERBOOK_SETTLE_SECONDS: "0", METERBOOK_TIME_ZONE: "UTC" });
  onTestFinished(() => meterbook.dispose());
  const messages = [first, second, third].flatMap((at, index) => meters.map((id) => message(id, at, 1000 * index)));
  await publishAll(() => meterbook.mqttUrl, messages);
  await meterbook.settled();
  return meterbook;
}

const entries = async ({ get }: MeterbookProcess) => (await get<{ items: Entry[] }>("/v1/damage")).items;
const snapshot = ({ get }: MeterbookProcess, meterId: string) =>
  get<{ revision: number; hash: string }>(`/v1/meters/${meterId}/snapshots/${period}`);

function flip(meterbook: MeterbookProcess, file: string, rows: string, update: string): void {
  const database = new DatabaseSync(join(meterbook.dataDir, `${file}.db`), { timeout: 10_000 });
  try {
    if (file === "ledger") database.exec("DROP TRIGGER ledger_is_final");
    const found = database.prepare(rows).all();
    expect(found.length).toBeGreaterThan(0);
    for (const { key, body } of found) {
      const bytes = Uint8Array.from(body as Uint8Array);
      bytes[2] = (bytes[2] ?? 0) ^ 8;
      database.prepare(update).run(bytes, key as number);
    }
  } finally {
    database.close();
  }
}

/** The table that holds the meter's blocks by now: all its days are over, and are sealed in their turn. */
const sealed =
  "SELECT s.id AS key, s.data AS body FROM sealed s JOIN meter m ON s.id / 32768 = m.no WHERE m.meter_id = 'm-1'";

test("H08: a damaged block is told, mended from the log, and the bill is what it was", async () => {
  const meterbook = await filled();
  const before = await snapshot(meterbook, "m-1");
  const count = () => {
    const database = new DatabaseSync(join(meterbook.dataDir, "series.db"), { readOnly: true });
    try {
      return Number(database.prepare("SELECT count(*) AS n FROM hot").get()?.["n"]);
    } finally {
      database.close();
    }
  };
  await expect.poll(count, { timeout: 30_000 }).toBe(0);
  await meterbook.stop();
  flip(meterbook, "series", sealed, "UPDATE sealed SET data = ? WHERE id = ?");
  await meterbook.start();
  const range = `from=${first.toISOString()}&to=${now.toISOString()}`;
  const readings = await meterbook.request(`/v1/meters/m-1/readings?${range}`);
  expect([200, 409]).toContain(readings.status);
  // Meanwhile the others are served.
  await publishAll(() => meterbook.mqttUrl, [message("m-2", new Date(third.getTime() + 60_000), 2100)]);
  const states = async () => (await entries(meterbook)).map(({ place, state, mended }) => [place, state, mended?.lost]);
  await expect.poll(states, { timeout: 30_000 }).toEqual(Array.from({ length: 3 }, () => ["series", "repaired", 0]));
  const { items } = await meterbook.get<{ items: { value: number }[] }>(`/v1/meters/m-1/readings?${range}`);
  expect(items.map(({ value }) => value)).toEqual([0, 1000, 2000]);
  expect(await snapshot(meterbook, "m-1")).toEqual(before);
  await meterbook.settled();
});

test("H06: a damaged revision is struck out by a call, and the next one stands in its place", async () => {
  const meterbook = await filled();
  const before = await snapshot(meterbook, "m-1");
  await meterbook.stop();
  flip(
    meterbook,
    "ledger",
    `SELECT l.sequence AS key, l.body FROM ledger l JOIN revision r USING (sequence)
      WHERE r.meter_id = 'm-1' AND r.period = ${second.getUTCFullYear() * 12 + second.getUTCMonth()}`,
    "UPDATE ledger SET body = ? WHERE sequence = ?",
  );
  await meterbook.start();
  const damaged = await meterbook.request(`/v1/meters/m-1/snapshots/${period}`);
  expect([damaged.status, ((await damaged.json()) as { code: string }).code]).toEqual([409, "record_damaged"]);
  await snapshot(meterbook, "m-2");
  await expect.poll(() => entries(meterbook), { timeout: 10_000 }).toMatchObject([{ place: "ledger", meterId: "m-1" }]);
  const [entry] = await entries(meterbook);
  const init = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ reason: "a bit has flipped" }),
  };
  expect((await meterbook.request(`/v1/damage/${entry?.id}/repairs`, init)).status).toBe(200);
  const detail = `revision ${before.revision + 1} stands in its place`;
  await expect
    .poll(() => entries(meterbook), { timeout: 15_000 })
    .toMatchObject([{ state: "struck", mended: { detail } }]);
  expect(await snapshot(meterbook, "m-1")).toMatchObject({ revision: before.revision + 1, hash: before.hash });
  expect((await meterbook.request(`/v1/damage/${entry?.id}/acknowledgements`, init)).status).toBe(200);
  await expect.poll(() => meterbook.get("/readyz")).toMatchObject({ notices: [] });
});
