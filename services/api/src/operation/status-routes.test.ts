import type { LoggedReport } from "@meterbook/core/ports/readings-log";
import type { StoreTotals } from "@meterbook/core/ports/series-store";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { z } from "zod";
import { instant } from "../../../../test/support/readings.ts";
import { apiWorld, aRejection, injectableApi } from "../../../../test/support/worlds/api-world.ts";
import {
  memoryDamageLog,
  memoryReadingsLog,
  memoryRejectedLog,
  memorySeries,
  nothingStored,
} from "../../../../test/support/worlds/memory-ports.ts";
import { readStatus } from "./read-status.ts";
import { statusSchema } from "./status-routes.ts";

const now = instant("2026-11-10T12:00:00Z") * 1000;
const report = (readings: number): LoggedReport => ({
  meterId: "m-1",
  receivedAtMs: now,
  origin: "remote",
  report: new Uint8Array(),
  readings,
});

async function statusWith(applied: Partial<StoreTotals>, inFlight = 0) {
  const readingsLog = memoryReadingsLog(() => now - 4500);
  await readingsLog.append(report(6));
  await readingsLog.append(report(4));
  const series = memorySeries({});
  series.totalsNow = { ...series.totalsNow, ...applied };
  const rejectedLog = memoryRejectedLog(aRejection(), aRejection({ id: "2", replayedAtMs: 1 }));
  const app = await injectableApi(apiWorld({ readingsLog, series, rejectedLog, inFlight: () => inFlight }));
  return statusSchema.parse((await app.inject("/v1/status")).json());
}

test.for([
  {
    case: "all applied",
    applied: { stored: 7, duplicates: 2, conflicts: 1, positions: new Map([[0, 2]]) },
    hand: 0,
    expected: { inFlight: 0, lagSeconds: 0, settled: true },
  },
  {
    case: "a frame unread",
    applied: { stored: 6, positions: new Map([[0, 1]]) },
    hand: 0,
    expected: { inFlight: 4, lagSeconds: 4.5, settled: false },
  },
  { case: "nothing read", applied: {}, hand: 0, expected: { inFlight: 10, lagSeconds: 4.5, settled: false } },
  {
    case: "a message in hand",
    applied: { stored: 10, positions: new Map([[0, 2]]) },
    hand: 3,
    expected: { inFlight: 3, lagSeconds: 0, settled: false },
  },
  {
    case: "a snapshot waits",
    applied: { stored: 10, pending: 2, positions: new Map([[0, 2]]) },
    hand: 0,
    expected: { inFlight: 0, snapshotsPending: 2, settled: false },
  },
])("status: $case", async ({ applied, hand, expected }) => {
  const status = await statusWith(applied, hand);
  expect(status).toMatchObject({ received: 11 + hand, rejected: 1, ...expected });
  expect(status.received).toBe(partsOf(status));
});

function partsOf({ stored, duplicates, conflicts, rejected, inFlight }: z.infer<typeof statusSchema>): number {
  return stored + duplicates + conflicts + rejected + inFlight;
}

test("D07: received is what came in at the door: what vanishes behind it is missing in the sum", async () => {
  const status = await statusWith({ stored: 6, positions: new Map([[0, 2]]) });
  expect(status).toMatchObject({ received: 11, settled: true });
  expect(status.received - partsOf(status)).toBe(4);
});

test("readings that the aggregator has put into the rejected log count there, as one", async () => {
  const status = await statusWith({ stored: 6, refused: 4, positions: new Map([[0, 2]]) });
  expect(status).toMatchObject({ received: 7, stored: 6, rejected: 1 });
  expect(status.received).toBe(partsOf(status));
});

test("lag is the log's end minus the position, of each partition, whoever owns it", async () => {
  const readingsLog = {
    ...memoryReadingsLog(() => now),
    ends: async () =>
      new Map([
        [0, 7],
        [1, 9],
        [2, 0],
      ]),
  };
  const series = memorySeries({});
  series.totalsNow = { ...nothingStored, positions: new Map([[0, 4]]) };
  const { lag } = await readStatus(apiWorld({ readingsLog, series }).ports);
  expect(lag).toEqual({
    records: 12,
    partitions: [
      { partition: 0, end: 7, position: 4, records: 3 },
      { partition: 1, end: 9, position: 0, records: 9 },
      { partition: 2, end: 0, position: 0, records: 0 },
    ],
  });
});

test("D07: what is lost for good is told with its places, also when an operator has acknowledged it", async () => {
  const damage = memoryDamageLog(
    ...[3, 4, 0, null].map((lost, n) => ({
      ...({
        id: `${n}`,
        place: "readings-log",
        code: "records_lost",
        where: `offset ${n}`,
        detail: "",
        help: "",
      } as const),
      ...{ meterId: null, period: null, lost, foundAtMs: n },
    })),
  );
  await damage.acknowledge("1", { atMs: 5, by: "anna", reason: "seen" });
  const { lost } = await readStatus(apiWorld({ damage }).ports);
  expect(lost).toEqual({ count: 7, unknown: 1, places: { "readings-log": 7 } });
});

/**
 * A message moves from hand to log to store while the status is put together, one move at any of the reads. Whatever
 * the timing, nothing is negative, and "settled" is never said while a message is anywhere on the way.
 */
test("status is honest whatever moves between its reads", async () => {
  type Place = "outside" | "hand" | "log" | "store" | "issued";
  const places: readonly Place[] = ["outside", "hand", "log", "store", "issued"];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.nat(3), { maxLength: 4 }), { minLength: 4, maxLength: 4 }),
      fc.array(fc.nat(4), { maxLength: 4 }),
      async (moves, starts) => {
        const messages = starts.map((place) => place);
        const at = (...wanted: readonly Place[]) =>
          messages.filter((place) => wanted.includes(places[place] as Place)).length;
        let step = 0;
        let settledWhenStoreWasRead = false;
        let storedWhenRead = 0;
        const turn = () => {
          for (const index of moves[step++] ?? [])
            if (messages[index] !== undefined) messages[index] = Math.min(messages[index] + 1, 4);
        };
        const world = apiWorld();
        const status = await readStatus({
          ...world.ports,
          series: {
            ...memorySeries({}),
            totals: async () => {
              turn();
              settledWhenStoreWasRead = at("hand", "log", "store") === 0;
              storedWhenRead = at("store", "issued");
              return { ...nothingStored, stored: storedWhenRead, pending: at("store") };
            },
          },
          inFlight: () => {
            turn();
            return at("hand");
          },
          readingsLog: {
            ...memoryReadingsLog(() => 0),
            unread: async () => {
              turn();
              const accepted = at("log", "store", "issued");
              return { readings: accepted - storedWhenRead, oldestAppendedAtMs: undefined, accepted };
            },
          },
        });
        expect(status.inFlight).toBeGreaterThanOrEqual(0);
        expect(status.received).toBe(status.stored + status.rejected + status.inFlight);
        if (status.settled) expect(settledWhenStoreWasRead).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});
