import type { LoggedReport } from "@meterbook/core/ports/readings-log";
import type { StoreTotals } from "@meterbook/core/ports/series-store";
import fc from "fast-check";
import { expect, test } from "vitest";
import { apiWorld, aRejection, injectableApi } from "../../../../test/support/api-world.ts";
import { memoryReadingsLog, memoryRejectedLog, memorySeries } from "../../../../test/support/memory-ports.ts";
import { instant } from "../../../../test/support/readings.ts";
import { readStatus } from "../read-status.ts";
import { statusSchema } from "./status.ts";

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
  expect(status).toMatchObject({ received: 11, rejected: 1, ...expected });
  if (hand === 0)
    expect(status.received).toBe(
      status.stored + status.duplicates + status.conflicts + status.rejected + status.inFlight,
    );
});

/**
 * A message moves from hand to log to store while the status is put together, one move at any of the reads. Whatever the
 * timing, nothing is negative, and "settled" is never said while a message is anywhere on the way.
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
              return {
                stored: storedWhenRead,
                duplicates: 0,
                conflicts: 0,
                pending: at("store"),
                positions: new Map(),
                newestAt: 0,
              };
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
              return { readings: at("log", "store", "issued") - storedWhenRead, oldestAppendedAtMs: undefined };
            },
          },
        });
        expect(status.inFlight).toBeGreaterThanOrEqual(0);
        if (status.settled) expect(settledWhenStoreWasRead).toBe(true);
      },
    ),
    { numRuns: 500 },
  );
});
