import { beforeAll, describe, expect, test } from "vitest";
import type { EuZone } from "../support/fleets/eu-months.ts";
import { euZones, monthName } from "../support/fleets/eu-months.ts";
import { publishAll } from "../support/network/publisher.ts";
import type { House } from "./boundary-house.ts";
import { firstMonth, housesOf, months } from "./boundary-house.ts";

/** Any Meterbook that runs: what the scenario knows of it. */
export interface Deployment {
  readonly mqttUrl: string;
  readonly httpUrl: string;
  /** Waits until all that was sent is stored and no snapshot waits to be recomputed. */
  settled(): Promise<unknown>;
}

interface SnapshotItem {
  readonly id: string;
  readonly meterId: string;
  readonly hash: string;
  readonly registers: readonly { readonly consumption: number | null; readonly estimate: object | null }[];
}

/** What a meter that sends again, because nobody had acknowledged when a process died, does not change. */
interface Counts {
  readonly stored: number;
  readonly conflicts: number;
  readonly rejected: number;
}

/** A meter that falls silent within a month is shown for it and twelve whole ones, and estimated for the first. */
const silentMonths = 13;
const estimatedMonths = 6;
const closeAttemptsMax = 10;
/** What came after it is no part of what a revision said. */
function withoutSuccessor(snapshot: SnapshotItem): unknown {
  const registers = snapshot.registers.map((row) => {
    const { estimate } = row;
    return { ...row, estimate: estimate === null ? null : { ...estimate, replacedBy: null } };
  });
  return { ...snapshot, registers };
}

const allMonths = Array.from({ length: months }, (_, index) => firstMonth + index);

/**
 * Houses of our own making against a deployment: one per thing that can happen at a month's end and zone. Every
 * expected number comes from the houses' own law and the domain rules, and everything goes through MQTT and HTTP.
 */
export function boundaryHouseScenario(deployment: () => Deployment, repeats: "none" | "after-kills" = "none"): void {
  const zones = Object.keys(euZones) as EuZone[];
  const houses = zones.flatMap(housesOf);
  const withLate = houses.filter(({ late }) => late);

  /**
   * How many came twice since: exactly so many, or more where meters send again what nobody had acknowledged before a
   * kill.
   */
  async function expectDuplicates(before: number, more: number): Promise<void> {
    const found = (await duplicatesOf(deployment())) - before;
    if (repeats === "none") expect(found).toBe(more);
    else expect(found).toBeGreaterThanOrEqual(more);
  }

  describe("when all but what comes late is there", () => {
    let before: Counts;
    let duplicatesBefore: number;
    beforeAll(async () => {
      before = await countsOf(deployment());
      duplicatesBefore = await duplicatesOf(deployment());
      for (const { meterId, record } of houses) await put(deployment(), `/v1/meters/${meterId}`, record);
      await publishAll(
        () => deployment().mqttUrl,
        houses.flatMap((house) => house.firstMessages()),
      );
      for (const { meterId, installedRecord } of houses)
        if (installedRecord !== undefined) await put(deployment(), `/v1/meters/${meterId}`, installedRecord);
      await closeAll(deployment());
    }, 240_000);

    test("nothing was refused, and all of it is stored", async () => {
      const readings = houses.reduce((all, { firstReadings }) => all + firstReadings, 0);
      expect(await countsOf(deployment())).toEqual({ ...before, stored: before.stored + readings });
      await expectDuplicates(duplicatesBefore, 0);
    });

    test.for(allMonths.map((month) => ({ month, name: monthName(month) })))("$name", async ({ month }) => {
      const items = await latest(deployment(), month);
      expect(items).toEqual(inOrder(houses).map((house) => house.expected(month, false)));
    });

    test("a meter that falls silent is estimated for half a year, missing for another, and then not awaited", async () => {
      const { meterId } = houses[0] as House;
      for (let month = firstMonth + months; month < firstMonth + months + silentMonths; month += 1) {
        const snapshot = await get<SnapshotItem>(deployment(), `/v1/meters/${meterId}/snapshots/${monthName(month)}`);
        const missing = { value: null, consumption: null, quality: "missing", method: "MISSING" };
        const estimated = { quality: "estimated", method: expect.stringMatching(/^ADU_/), origin: "estimator" };
        const row = month < firstMonth + months + estimatedMonths ? estimated : missing;
        expect(snapshot.registers).toMatchObject([row, row, row]);
      }
      const next = await ask(
        deployment(),
        `/v1/meters/${meterId}/snapshots/${monthName(firstMonth + months + silentMonths)}`,
      );
      expect(await next.json()).toMatchObject({ status: 404, code: "snapshot_unknown" });
    });
  });

  describe("when the late readings have come", () => {
    const old = new Map<string, SnapshotItem>();
    let resumeCursor: string;
    let before: Counts;
    let duplicatesBefore: number;
    beforeAll(async () => {
      for (const month of allMonths) for (const item of await latest(deployment(), month)) old.set(item.id, item);
      resumeCursor = await lastCursor(deployment());
      before = await countsOf(deployment());
      duplicatesBefore = await duplicatesOf(deployment());
      await publishAll(
        () => deployment().mqttUrl,
        withLate.flatMap((house) => house.lateMessages()),
      );
      await closeAll(deployment());
    }, 120_000);

    test("each is stored, or takes the place of a guess", async () => {
      const sum = (name: keyof House["lateCounts"]) =>
        withLate.reduce((all, { lateCounts }) => all + lateCounts[name], 0);
      const [readings, conflicts, duplicates] = [sum("readings"), sum("conflicts"), sum("duplicates")];
      expect(await countsOf(deployment())).toEqual({
        stored: before.stored + readings - conflicts - duplicates,
        conflicts: before.conflicts + conflicts,
        rejected: before.rejected,
      });
      await expectDuplicates(duplicatesBefore, duplicates);
    });

    test.for(allMonths.map((month) => ({ month, name: monthName(month) })))("$name", async ({ month }) => {
      const items = await latest(deployment(), month);
      expect(items).toEqual(inOrder(houses).map((house) => house.expected(month, true)));
    });

    test("the changes are the month and the one after it, of each house that was corrected, and no other", async () => {
      const { items } = await get<{ items: SnapshotItem[] }>(
        deployment(),
        `/v1/snapshots/changes?after=${resumeCursor}&limit=1000`,
      );
      const wanted = withLate.flatMap(({ meterId, eventMonth }) =>
        [eventMonth, eventMonth + 1].map((month) => `${meterId}/${monthName(month)}/2`),
      );
      expect(items.map(({ id }) => id).sort()).toEqual(wanted.sort());
    });

    test("what a month gained the next one lost", async () => {
      for (const { meterId, eventMonth } of withLate) {
        const pair = async (revision: number) => {
          const [one, next] = await Promise.all(
            [eventMonth, eventMonth + 1].map((month) =>
              get<SnapshotItem>(
                deployment(),
                `/v1/meters/${meterId}/snapshots/${monthName(month)}?revision=${revision}`,
              ),
            ),
          );
          return one?.registers.map(({ consumption }, index) =>
            sumOf(consumption, next?.registers[index]?.consumption),
          );
        };
        const [first, second] = [await pair(1), await pair(2)];
        second?.forEach((sum, index) => {
          expect(sum, meterId).not.toBeNull();
          if (first?.[index] !== null) expect(sum, meterId).toBe(first?.[index]);
        });
      }
    });

    test("the revisions before are what they were", async () => {
      for (const [id, snapshot] of old) {
        const [meterId, period, revision] = id.split("/");
        const again = await get<SnapshotItem>(
          deployment(),
          `/v1/meters/${meterId}/snapshots/${period}?revision=${revision}`,
        );
        expect(withoutSuccessor(again)).toEqual(withoutSuccessor(snapshot));
      }
    });

    test("sending them again issues nothing", async () => {
      const [counts, cursor] = [await countsOf(deployment()), await lastCursor(deployment())];
      const seenBefore = await duplicatesOf(deployment());
      await publishAll(
        () => deployment().mqttUrl,
        withLate.flatMap((house) => house.lateMessages()),
      );
      await closeAll(deployment());
      const readings = withLate.reduce((all, { lateCounts }) => all + lateCounts.readings, 0);
      await expectDuplicates(seenBefore, readings);
      expect(await countsOf(deployment())).toEqual(counts);
      expect(await lastCursor(deployment())).toBe(cursor);
    });
  });
}

/**
 * What must be the same wherever the houses' readings went: each month's snapshots by their hashes, sums and counts.
 */
export async function issuedBy(deployment: Deployment): Promise<unknown> {
  const found = [];
  for (const month of allMonths) {
    const { hash, controlTotals } = await get<MonthSums>(deployment, `/v1/periods/${monthName(month)}`);
    const issued = await latest(deployment, month);
    const snapshots = issued.map(({ id, hash: one, registers }) => [id, one, registers.map((row) => row.consumption)]);
    found.push({ hash, controlTotals, snapshots });
  }
  return { found, counts: await countsOf(deployment) };
}

interface MonthSums {
  readonly hash: string;
  readonly controlTotals: unknown;
}

function sumOf(one: number | null, other: number | null | undefined): number | null {
  return one === null || other === null || other === undefined ? null : one + other;
}

function inOrder(houses: readonly House[]): House[] {
  return [...houses].sort((a, b) => (a.meterId < b.meterId ? -1 : 1));
}

/** Closes every month, in order, instead of waiting for the settle time. */
async function closeAll(deployment: Deployment): Promise<void> {
  for (const month of allMonths) await closeMonth(deployment, month);
  await deployment.settled();
}

/** Asks again where it was not passed in time, or the API that was asked is gone. */
async function closeMonth(deployment: Deployment, month: number): Promise<void> {
  const asked = { method: "POST", headers: { prefer: "wait=600" } };
  for (let attempt = 1; ; attempt += 1) {
    const response = await ask(deployment, `/v1/periods/${monthName(month)}/close`, asked);
    const text = await response.text();
    if (response.ok && (JSON.parse(text) as { state: string }).state === "done") return;
    if (!response.ok || attempt === closeAttemptsMax)
      throw new Error(`close ${monthName(month)}: ${response.status} ${text}`);
  }
}

async function latest(deployment: Deployment, month: number): Promise<SnapshotItem[]> {
  const { items } = await get<{ items: SnapshotItem[] }>(
    deployment,
    `/v1/snapshots?period=${monthName(month)}&limit=1000`,
  );
  return items;
}

async function countsOf(deployment: Deployment): Promise<Counts> {
  const { stored, conflicts, rejected } = await get<Counts>(deployment, "/v1/status");
  return { stored, conflicts, rejected };
}

async function duplicatesOf(deployment: Deployment): Promise<number> {
  return (await get<{ duplicates: number }>(deployment, "/v1/status")).duplicates;
}

/** The cursor behind the newest entry of the ledger. */
async function lastCursor(deployment: Deployment): Promise<string> {
  let cursor: string | undefined;
  for (;;) {
    const query: string = cursor === undefined ? "" : `&after=${cursor}`;
    const page = await get<{ resumeCursor: string; nextCursor?: string }>(
      deployment,
      `/v1/snapshots/changes?limit=1000${query}`,
    );
    cursor = page.resumeCursor;
    if (page.nextCursor === undefined) return cursor;
  }
}

function ask({ httpUrl }: Deployment, path: string, init?: RequestInit): Promise<Response> {
  return fetch(httpUrl + path, init);
}

async function get<Answer>(deployment: Deployment, path: string): Promise<Answer> {
  const response = await ask(deployment, path);
  if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Answer;
}

async function put(deployment: Deployment, path: string, body: unknown): Promise<void> {
  const headers = { "content-type": "application/json" };
  const response = await ask(deployment, path, { method: "PUT", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`PUT ${path}: ${response.status} ${await response.text()}`);
}
