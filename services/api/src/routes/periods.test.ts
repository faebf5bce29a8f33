import { createHash } from "node:crypto";
import { parsePeriod, voidContent } from "@meterbook/core/domain/snapshot";
import { expect, test } from "vitest";
import { aDamage } from "../../../../test/contracts/damage-log.contract.ts";
import {
  apiWorld,
  aRegisterSnapshot,
  aSnapshot,
  injectableApi,
  servedApi,
} from "../../../../test/support/api-world.ts";
import {
  memoryDamageLog,
  memoryReadingsLog,
  memoryRegistry,
  memorySeries,
  memorySnapshots,
} from "../../../../test/support/memory-ports.ts";
import { instant } from "../../../../test/support/readings.ts";
import type { ApiPorts } from "../api-ports.ts";
import { periodSchema } from "./periods.ts";

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
    aSnapshot({ ...voidContent(aSnapshot({ meterId: "m-4" })), hash: hash("d") }),
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
    damaged: 0,
    void: 1,
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
      .update(`${hash("a")}\n${hash("b")}\n${hash("c")}\n${hash("d")}\n`)
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

/** A log whose barriers are passed `afterMs` later; never where absent. */
function closing<More extends Partial<ApiPorts>>(afterMs: number | undefined, more?: More) {
  const series = memorySeries({});
  const log = memoryReadingsLog(() => 0);
  const readingsLog: typeof log = {
    ...log,
    async appendBarrier(partitions, barrier) {
      const offsets = await log.appendBarrier(partitions, barrier);
      const pass = () => {
        series.totalsNow = { ...series.totalsNow, positions: new Map([[0, (offsets.get(0) ?? 0) + 1]]) };
      };
      if (afterMs !== undefined) setTimeout(pass, afterMs);
      return offsets;
    },
  };
  return { ...(more as More), series, readingsLog };
}

test("a close goes into the log, with the master data of its moment, and is answered when it was passed", async () => {
  const registry = memoryRegistry();
  await registry.put([{ meterId: "m-1", usagePointId: "m-1", registers: [] }]);
  const ports = closing(0, { registry });
  const world = apiWorld(ports);
  const app = await injectableApi(world);
  const close = async (period: string) =>
    (await app.inject({ method: "POST", url: `/v1/periods/${period}/close` })).json();
  const nothing = { issued: 0, beside: 0, heldBack: 0, heldBackMeters: [], waiting: 0 };
  expect(await close("2026-10")).toEqual({ period: "2026-10", ...nothing });
  const atMs = world.ports.clock.nowMs();
  expect(ports.readingsLog.barriers).toEqual([{ atMs, registry: 1, quietBefore: 0, closeId: expect.any(String) }]);
  expect(await close("2026-11")).toMatchObject({ status: 409, code: "period_open" });
  expect(ports.readingsLog.barriers).toHaveLength(1);
  const deaf = await injectableApi(apiWorld(closing(undefined), { limits: { commandMs: 100 } }));
  const answer = (await deaf.inject({ method: "POST", url: "/v1/periods/2026-10/close" })).json();
  expect(answer).toMatchObject({ status: 504, code: "close_unanswered" });
  expect(answer.detail).toContain("partition 0 has not passed within 100 ms");
});

test("D13: a close counts what stands issued for the month, whoever issued it, and what is left out", async () => {
  const snapshots = memorySnapshots(
    aSnapshot({ meterId: "m-3" }),
    aSnapshot({ meterId: "m-4", period: parsePeriod("2026-09") as number }),
  );
  const damage = memoryDamageLog(aDamage({ place: "series", where: "m-17 2026-10-20", meterId: "m-17" }));
  const ports = closing(0, { snapshots, damage });
  const app = await injectableApi(
    apiWorld({
      ...ports,
      readingsLog: {
        ...ports.readingsLog,
        async appendBarrier(...given) {
          snapshots.issue(
            ...["m-1", "m-2"].map((meterId) => aSnapshot({ meterId })),
            aSnapshot({ meterId: "m-3", revision: 2 }),
          );
          ports.series.totalsNow = { ...ports.series.totalsNow, pending: 4 };
          return ports.readingsLog.appendBarrier(...given);
        },
      },
    }),
  );
  const answer = await app.inject({ method: "POST", url: "/v1/periods/2026-10/close" });
  expect(answer.json()).toEqual({
    period: "2026-10",
    issued: 3,
    beside: 1,
    heldBack: 1,
    heldBackMeters: ["m-17"],
    waiting: 4,
  });
});

test("a close may take longer than a connection may be silent", async () => {
  const api = await servedApi(apiWorld(closing(600), { limits: { idleMs: 200 } }));
  const answer = await fetch(`http://${api.address}/v1/periods/2026-10/close`, { method: "POST" });
  expect(await answer.json()).toMatchObject({ period: "2026-10", issued: 0 });
});
