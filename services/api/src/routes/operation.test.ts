import { createHash } from "node:crypto";
import { parsePeriod } from "@meterbook/core/domain/snapshot";
import type { LoggedReport } from "@meterbook/core/ports/readings-log";
import type { StoreTotals } from "@meterbook/core/ports/series-store";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import {
  apiWorld,
  aRegisterSnapshot,
  aRejection,
  aSnapshot,
  injectableApi,
} from "../../../../test/support/api-world.ts";
import {
  memoryReadingsLog,
  memoryRejectedLog,
  memorySeries,
  memorySnapshots,
} from "../../../../test/support/memory-ports.ts";
import { instant } from "../../../../test/support/readings.ts";
import { readStatus } from "../read-status.ts";
import { periodSchema } from "./periods.ts";
import { rejectionSchema } from "./rejected.ts";
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
              return {
                stored: at("store", "issued"),
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
            totals: async () => {
              turn();
              return { readings: at("log", "store", "issued"), reports: 0, ends: new Map() };
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

test("a period adds up", async () => {
  const hash = (letter: string) => `sha256:${letter.repeat(64)}`;
  const missing = aRegisterSnapshot({
    value: null,
    valueQuality: "missing",
    consumption: null,
    quality: "missing",
    method: "MISSING",
  });
  const interval = aRegisterSnapshot({
    register: "2.8.0",
    value: null,
    valueQuality: "missing",
    consumption: 50,
    quality: "incomplete",
    method: "INTERVAL_SUM",
    intervals: { expected: 4, present: 2 },
  });
  const huge = aRegisterSnapshot({ value: Number.MAX_SAFE_INTEGER, consumption: Number.MAX_SAFE_INTEGER });
  const snapshots = memorySnapshots(
    aSnapshot({ meterId: "m-2", hash: hash("b"), registers: [missing, interval], lifecycle: "final" }),
    aSnapshot({ meterId: "m-1", hash: hash("0"), registers: [] }),
    aSnapshot({ meterId: "m-1", hash: hash("a"), registers: [huge], revision: 2, lifecycle: "revised" }),
    aSnapshot({ meterId: "m-3", hash: hash("c"), registers: [aRegisterSnapshot({ value: 10, consumption: 3 })] }),
  );
  const app = await injectableApi(apiWorld({ snapshots }, { limits: { exportPage: 2 } }));
  expect(periodSchema.parse((await app.inject("/v1/periods/2026-10")).json())).toEqual({
    period: "2026-10",
    state: "final",
    zone: "Europe/Kyiv",
    start: "2026-09-30T21:00:00Z",
    boundary: "2026-10-31T22:00:00Z",
    finalFrom: "2026-11-03T22:00:00Z",
    meters: 3,
    registers: 4,
    completeness: 0.5,
    byLifecycle: { final: 2, revised: 1 },
    byQuality: { actual: 2, missing: 1, incomplete: 1 },
    byMethod: { EXACT: 2, MISSING: 1, INTERVAL_SUM: 1 },
    controlTotals: [
      {
        register: "1.8.0",
        unit: "Wh",
        rows: 3,
        withoutConsumption: 1,
        consumption: "9007199254740994",
        value: "9007199254741001",
      },
      { register: "2.8.0", unit: "Wh", rows: 1, withoutConsumption: 0, consumption: "50", value: "0" },
    ],
    hash: `sha256:${createHash("sha256")
      .update(`${hash("a")}\n${hash("b")}\n${hash("c")}\n`)
      .digest("hex")}`,
  });
});

test.for([
  { at: "2026-10-31T21:59:59Z", state: "open" },
  { at: "2026-10-31T22:00:00Z", state: "provisional" },
  { at: "2026-11-03T21:59:59Z", state: "provisional" },
  { at: "2026-11-03T22:00:00Z", state: "final" },
])("2026-10 is $state at $at", async ({ at, state }) => {
  const app = await injectableApi(apiWorld({ clock: { nowMs: () => instant(at) * 1000 } }));
  expect((await app.inject("/v1/periods/2026-10")).json()).toMatchObject({ state, meters: 0, completeness: null });
});

test("a period's walk is shared and remembered until something is issued", async () => {
  const snapshots = memorySnapshots(aSnapshot());
  const app = await injectableApi(apiWorld({ snapshots }));
  const walks = () => snapshots.calls.filter((call) => call === "latest").length;
  await Promise.all([1, 2, 3].map(() => app.inject("/v1/periods/2026-10")));
  await app.inject("/v1/periods/2026-10");
  expect(walks()).toBe(1);
  snapshots.issue(aSnapshot({ meterId: "m-2" }));
  expect((await app.inject("/v1/periods/2026-10")).json().meters).toBe(2);
  expect(walks()).toBe(2);
});

test("close sends the command and tells what was done", async () => {
  const world = apiWorld();
  const app = await injectableApi(world);
  const close = async (period: string) =>
    (await app.inject({ method: "POST", url: `/v1/periods/${period}/close` })).json();
  expect(await close("2026-10")).toEqual({ period: "2026-10", evaluated: 7, issued: 3 });
  expect(world.commands).toEqual([{ kind: "close-period", period: parsePeriod("2026-10") }]);
  expect(await close("2026-11")).toMatchObject({ status: 409, code: "period_open" });
  expect(world.commands).toHaveLength(1);
  const serve = vi.fn();
  const deaf = await injectableApi(
    apiWorld({ commands: { serve, send: () => Promise.reject(new Error("no aggregator answered within 60000 ms")) } }),
  );
  const answer = (await deaf.inject({ method: "POST", url: "/v1/periods/2026-10/close" })).json();
  expect(answer).toMatchObject({ status: 504, code: "close_unanswered" });
});

test("refused messages are listed with their bytes, the replayed ones on demand", async () => {
  const binary = new Uint8Array([0xff, 0x00, 0x41]);
  const rejectedLog = memoryRejectedLog(aRejection(), aRejection({ id: "000002", payload: binary, replayedAtMs: now }));
  const app = await injectableApi(apiWorld({ rejectedLog }));
  expect((await app.inject("/v1/rejected")).json().items.map(({ id }: { id: string }) => id)).toEqual(["000001"]);
  const { items } = (await app.inject("/v1/rejected?includeReplayed=true")).json();
  expect(rejectionSchema.parse(items[0])).toMatchObject({ payload: "ew==", text: "{", replayedAt: null });
  expect(rejectionSchema.parse(items[1])).toMatchObject({
    payload: "/wBB",
    text: null,
    replayedAt: "2026-11-10T12:00:00Z",
  });
  expect((await app.inject("/v1/rejected?includeReplayed=1")).json().code).toBe("request_invalid");
});

test("CSV of refused messages is quoted and starts no formula", async () => {
  const hostile = aRejection({ clientId: '=HYPERLINK("http://x","y")', detail: "a,b\nc", topic: "@sum" });
  const app = await injectableApi(apiWorld({ rejectedLog: memoryRejectedLog(hostile) }));
  const { body } = await app.inject({ url: "/v1/rejected", headers: { accept: "text/csv" } });
  expect(body.slice(body.indexOf("\n") + 1)).toBe(
    '000001,json_invalid,"a,b\nc",,\'@sum,m-1,"\'=HYPERLINK(""http://x"",""y"")",2026-11-01T08:00:00Z,,,ew==\n',
  );
});

test("large refused messages make short pages, and none is left out", async () => {
  const entries = Array.from({ length: 40 }, (_, i) =>
    aRejection({ id: String(i).padStart(6, "0"), payload: new Uint8Array(1_000_000) }),
  );
  const app = await injectableApi(apiWorld({ rejectedLog: memoryRejectedLog(...entries) }));
  const first = (await app.inject("/v1/rejected?limit=1000")).json();
  expect(first.items.length).toBeLessThan(12);
  const second = (await app.inject(`/v1/rejected?limit=2&cursor=${first.nextCursor}`)).json();
  expect(Number(second.items[0].id)).toBe(first.items.length);
});

test("a replay moves what is accepted now into the log, once", async () => {
  const rejectedLog = memoryRejectedLog(aRejection());
  const readingsLog = memoryReadingsLog(() => now);
  const replay = () => ({
    accepted: report(3),
    rejections: [{ ...aRejection(), reason: "unit_unknown", detail: "readings[1].unit: J", readingIndex: 1 }],
  });
  const app = await injectableApi(apiWorld({ rejectedLog, readingsLog, replay }));
  const post = () => app.inject({ method: "POST", url: "/v1/rejected/000001/replay" });
  const [first, second] = await Promise.all([post(), post()]);
  expect(first.json()).toEqual({
    accepted: 3,
    stillRejected: [{ reason: "unit_unknown", detail: "readings[1].unit: J", readingIndex: 1 }],
  });
  expect(second.json()).toMatchObject({ status: 409, code: "replay_in_progress" });
  expect((await post()).json()).toMatchObject({ status: 409, code: "already_replayed" });
  expect(readingsLog.reports).toHaveLength(1);
  const left = await rejectedLog.list({ limit: 10, includeReplayed: false });
  expect(left.map(({ reason, readingIndex }) => [reason, readingIndex])).toEqual([["unit_unknown", 1]]);
});

test("a replay that is refused again changes nothing", async () => {
  const rejectedLog = memoryRejectedLog(aRejection(), aRejection({ id: "000002", truncatedFrom: 5_000_000 }));
  const readingsLog = memoryReadingsLog(() => now);
  const app = await injectableApi(
    apiWorld({ rejectedLog, readingsLog, replay: () => ({ accepted: null, rejections: [aRejection()] }) }),
  );
  const post = async (id: string) => (await app.inject({ method: "POST", url: `/v1/rejected/${id}/replay` })).json();
  expect(await post("000001")).toEqual({
    accepted: 0,
    stillRejected: [{ reason: "json_invalid", detail: "not JSON", readingIndex: null }],
  });
  expect(await post("000002")).toMatchObject({ status: 409, code: "payload_truncated" });
  expect(await post("7")).toMatchObject({ status: 404, code: "rejection_unknown" });
  expect(readingsLog.reports).toEqual([]);
  expect((await rejectedLog.totals()).open).toBe(2);
});

test("a log that is full leaves the refused message open", async () => {
  const rejectedLog = memoryRejectedLog(aRejection());
  const readingsLog = { ...memoryReadingsLog(() => now), append: () => Promise.reject(new Error("full")) };
  const app = await injectableApi(
    apiWorld({ rejectedLog, readingsLog, replay: () => ({ accepted: report(1), rejections: [] }) }),
  );
  expect((await app.inject({ method: "POST", url: "/v1/rejected/000001/replay" })).statusCode).toBe(500);
  expect((await rejectedLog.totals()).open).toBe(1);
});
