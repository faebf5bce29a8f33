import { createHash } from "node:crypto";
import { dayPlace } from "@meterbook/core/domain/damage/damaged-day";
import { parsePeriod, voidContent } from "@meterbook/core/domain/snapshot/snapshot";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import { type JobLog, unfinishedJobsMax } from "@meterbook/core/ports/job-log";
import { expect, onTestFinished, test, vi } from "vitest";
import { aDamage } from "../../../../test/contracts/damage-log.contract.ts";
import { aJob } from "../../../../test/contracts/job-log.contract.ts";
import { instant, registerSeries } from "../../../../test/support/readings.ts";
import {
  apiWorld,
  aRegisterSnapshot,
  aSnapshot,
  injectableApi,
  servedApi,
} from "../../../../test/support/worlds/api-world.ts";
import {
  memoryDamageLog,
  memoryJobLog,
  memoryReadingsLog,
  memoryRegistry,
  memorySeries,
  memorySnapshots,
} from "../../../../test/support/worlds/memory-ports.ts";
import type { ApiPorts } from "../api-ports.ts";
import { jobSchema } from "./job-json.ts";
import { periodSchema } from "./period-routes.ts";

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
    silent: 0,
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

test("N08: a registered meter without an installation that was never heard of counts as not measured", async () => {
  const clock = { nowMs: () => instant("2026-11-10T12:00:00Z") * 1000 };
  const record = (meterId: string, more = {}) => {
    const registers = ["1.8.0", "2.8.0"].map((register) => ({ register, unit: "Wh" as const }));
    return { meterId, usagePointId: meterId, registers, ...more };
  };
  const installed = { at: instant("2026-01-01T00:00:00Z"), values: {} };
  const registry = memoryRegistry(record("m-1"), record("m-2"), record("m-3", { registers: [] }), record("m-4"));
  await registry.put([record("m-5", { installed }), record("m-4", { installed })]);
  // One reports, one has a snapshot without any reading, two are silent.
  const series = memorySeries({ "m-1": [registerSeries([[instant("2026-10-01T00:00:00Z"), 5]])] });
  const snapshots = memorySnapshots(aSnapshot({ meterId: "m-1", registers: [aRegisterSnapshot()] }));
  const app = await injectableApi(apiWorld({ registry, series, snapshots, clock }));
  const period = async (of: string) => periodSchema.parse((await app.inject(`/v1/periods/${of}`)).json());
  expect(await period("2026-10")).toMatchObject({ meters: 1, registers: 1, silent: 2, completeness: 1 / (1 + 2 + 1) });
  expect(await period("2026-09")).toMatchObject({ meters: 0, silent: 2, completeness: 0 });
  await registry.put([record("m-2", { installed })]);
  expect(await period("2026-10")).toMatchObject({ silent: 1, completeness: 0.5 });
  const silent = await app.inject("/v1/meters?registered=true&reported=false&installed=false");
  expect(silent.json().items.map(({ meterId }: { meterId: string }) => meterId)).toEqual(["m-3"]);
});

test("N08: months that ended before a meter was registered do not count it", async () => {
  const registry = memoryRegistry({ meterId: "m-1", usagePointId: "m-1", registers: [] });
  const recordedAtMs = instant("2026-10-31T21:59:59Z") * 1000;
  const versions: typeof registry.versions = async (...asked) =>
    (await registry.versions(...asked)).map((note) => ({ ...note, recordedAtMs }));
  const app = await injectableApi(apiWorld({ registry: { ...registry, versions } }));
  const silent = async (of: string) => (await app.inject(`/v1/periods/${of}`)).json().silent;
  expect([await silent("2026-09"), await silent("2026-10")]).toEqual([0, 1]);
});

test("N08: a month is answered where the first record of a silent meter is damaged, and it counts by its date", async () => {
  const registry = memoryRegistry({ meterId: "m-1", usagePointId: "m-1", registers: [] });
  const recordedAtMs = instant("2026-10-20T12:00:00Z") * 1000;
  const versions: typeof registry.versions = async (...asked) =>
    (await registry.versions(...asked)).map((note) => ({ ...note, recordedAtMs }));
  const meterVersion: typeof registry.meterVersion = async (id, version) => {
    if (version === 1) throw new AdapterError("record_damaged", { retryable: false, detail: id });
    return registry.meterVersion(id, version);
  };
  const app = await injectableApi(apiWorld({ registry: { ...registry, versions, meterVersion } }));
  const silent = async (of: string) => (await app.inject(`/v1/periods/${of}`)).json().silent;
  expect([await silent("2026-09"), await silent("2026-10")]).toEqual([0, 1]);
});

test("N08: a meter that was removed before a month began is not missed in it", async () => {
  const at = instant("2026-09-30T21:00:00Z");
  const removed = (seconds: number) => ({ removed: { at: at + seconds, values: {} } });
  const record = (meterId: string, more: object) => ({ meterId, usagePointId: meterId, registers: [], ...more });
  const registry = memoryRegistry(record("m-1", removed(0)), record("m-2", removed(1)), record("m-3", {}));
  const app = await injectableApi(apiWorld({ registry }));
  const silent = async (of: string) => (await app.inject(`/v1/periods/${of}`)).json().silent;
  expect([await silent("2026-09"), await silent("2026-10"), await silent("2026-11")]).toEqual([3, 2, 1]);
});

test("N08: nobody waits until all records of a large fleet are read", async () => {
  const registry = memoryRegistry({ meterId: "m-1", usagePointId: "m-1", registers: [] });
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const list: typeof registry.list = async (asked) => {
    await gate;
    return registry.list(asked);
  };
  const snapshots = memorySnapshots(aSnapshot({ registers: [aRegisterSnapshot()] }));
  const app = await injectableApi(apiWorld({ registry: { ...registry, list }, snapshots }));
  const period = async () => periodSchema.parse((await app.inject("/v1/periods/2026-10")).json());
  expect(await period()).toMatchObject({ meters: 1, silent: null, completeness: 1 });
  open();
  await vi.waitFor(async () => expect(await period()).toMatchObject({ silent: 1, completeness: 0.5 }));
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

const url = "/v1/periods/2026-10/close";
const wait = { prefer: "wait=60" };

test("a close is a job: durable first, then in the log with the master data of its moment, done when it was passed", async () => {
  const registry = memoryRegistry();
  await registry.put([{ meterId: "m-1", usagePointId: "m-1", registers: [] }]);
  const ports = closing(100, { registry });
  const world = apiWorld(ports);
  const app = await injectableApi(world);
  const asked = await app.inject({ method: "POST", url });
  expect(asked.statusCode).toBe(202);
  const job = jobSchema.parse(asked.json());
  expect(job).toMatchObject({ kind: "close", state: "queued", done: 0, total: 1, period: "2026-10", result: null });
  expect(asked.headers["location"]).toBe(`/v1/jobs/${job.id}`);
  expect(await world.ports.jobs.get(job.id)).toBeDefined();
  const look = async () => jobSchema.parse((await app.inject(`/v1/jobs/${job.id}`)).json());
  await expect.poll(async () => (await look()).state).toBe("done");
  const nothing = { issued: 0, beside: 0, heldBack: 0, heldBackMeters: [], waiting: 0 };
  expect(await look()).toMatchObject({ done: 1, result: { period: "2026-10", ...nothing }, problem: null });
  const atMs = world.ports.clock.nowMs();
  expect(ports.readingsLog.barriers).toEqual([
    { atMs, registry: 1, quietBefore: 0, readyThrough: null, closeId: job.id },
  ]);
  const open = await app.inject({ method: "POST", url: "/v1/periods/2026-11/close" });
  expect(open.json()).toMatchObject({ status: 409, code: "period_open" });
  expect(ports.readingsLog.barriers).toHaveLength(1);
  expect((await app.inject("/v1/jobs/nobody")).json()).toMatchObject({ status: 404, code: "job_unknown" });
});

test("a close that is not passed in time has failed, and says where", async () => {
  const app = await injectableApi(apiWorld(closing(undefined), { limits: { commandMs: 100 } }));
  const answer = await app.inject({ method: "POST", url, headers: wait });
  expect(answer.statusCode).toBe(200);
  expect(jobSchema.parse(answer.json())).toMatchObject({
    state: "failed",
    problem: "partition 0 has not passed within 100 ms",
  });
});

test("who waits a second for a close that takes longer gets the job", async () => {
  const app = await injectableApi(apiWorld(closing(undefined)));
  const answer = await app.inject({ method: "POST", url, headers: { prefer: "respond-async, wait=1" } });
  expect([answer.statusCode, answer.json().state]).toEqual([202, "running"]);
});

test("a job whose process has ended is brought to its end by another, under its id", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
  const period = parsePeriod("2026-10") as number;
  const jobs = memoryJobLog(
    aJob({ id: "left", period, state: "running", seenAtMs: 0 }),
    aJob({ id: "another's", period, state: "running", seenAtMs: instant("2026-11-10T12:00:00Z") * 1000 }),
  );
  const ports = closing(0, { jobs });
  await injectableApi(apiWorld(ports));
  vi.advanceTimersByTime(10_000);
  await expect.poll(async () => (await jobs.get("left"))?.state).toBe("done");
  expect(ports.readingsLog.barriers.map(({ closeId }) => closeId)).toEqual(["left"]);
});

test("one process alone takes up at its start what it left when it ended, without waiting", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
  const period = parsePeriod("2026-10") as number;
  const seenAtMs = instant("2026-11-10T12:00:00Z") * 1000;
  const done = Promise.withResolvers<void>();
  const jobs: JobLog = {
    ...memoryJobLog(aJob({ id: "left", period, state: "running", seenAtMs })),
    worked: "by one process",
    put: async ({ state }) => void (state === "done" && done.resolve()),
  };
  const ports = closing(0, { jobs });
  await injectableApi(apiWorld({ ...ports, clock: { nowMs: () => seenAtMs + 100 } }));
  await done.promise;
  expect(ports.readingsLog.barriers.map(({ closeId }) => closeId)).toEqual(["left"]);
});

test("a job whose last sign of life lies in the future is taken up when nobody gives another; one that moves is left alone", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
  const period = parsePeriod("2026-10") as number;
  const later = instant("2027-11-10T12:00:00Z") * 1000;
  const moving = (n: number) => aJob({ id: "another's", period, state: "running", seenAtMs: later + n });
  const jobs = memoryJobLog(aJob({ id: "left", period, state: "running", seenAtMs: later }), moving(0));
  const looked = vi.spyOn(jobs, "unfinished");
  const ports = closing(0, { jobs });
  await injectableApi(apiWorld(ports));
  for (let looks = 1; looks <= 6; looks += 1) {
    expect((await jobs.get("left"))?.state).toBe("running");
    vi.advanceTimersByTime(2000);
    await expect.poll(() => looked.mock.settledResults.filter(({ type }) => type === "fulfilled").length).toBe(looks);
    await jobs.put(moving(looks));
  }
  await expect.poll(async () => (await jobs.get("left"))?.state).toBe("done");
  expect(ports.readingsLog.barriers.map(({ closeId }) => closeId)).toEqual(["left"]);
});

test("who asks for a close where a thousand jobs have not ended is told to wait", async () => {
  const open = Array.from({ length: unfinishedJobsMax }, (_, n) => aJob({ id: `j-${n}`, seenAtMs: Date.now() }));
  const app = await injectableApi(apiWorld(closing(0, { jobs: memoryJobLog(...open) })));
  const answer = await app.inject({ method: "POST", url });
  expect([answer.statusCode, answer.json().code]).toEqual([503, "too_many_jobs"]);
});

test("the months are listed: the open one, and back to the first that was issued", async () => {
  const snapshots = memorySnapshots(
    aSnapshot({ meterId: "m-3" }),
    aSnapshot({ meterId: "m-4", period: parsePeriod("2026-08") as number }),
  );
  const app = await injectableApi(apiWorld({ snapshots }));
  const { items } = (await app.inject("/v1/periods")).json() as { items: Record<string, unknown>[] };
  expect(items.map(({ period, state, meters }) => [period, state, meters])).toEqual([
    ["2026-11", "open", 0],
    ["2026-10", "final", 1],
    ["2026-09", "final", 0],
    ["2026-08", "final", 1],
  ]);
});

test("D13: a close counts what stands issued for the month, whoever issued it, and what is left out", async () => {
  const snapshots = memorySnapshots(
    aSnapshot({ meterId: "m-3" }),
    aSnapshot({ meterId: "m-4", period: parsePeriod("2026-09") as number }),
  );
  const damage = memoryDamageLog(
    aDamage({ place: "series", where: dayPlace("m-17", "2026-10-20", 1), meterId: "m-17" }),
  );
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
  const answer = await app.inject({ method: "POST", url, headers: wait });
  expect(answer.json().result).toEqual({
    period: "2026-10",
    issued: 3,
    beside: 1,
    heldBack: 1,
    heldBackMeters: ["m-17"],
    waiting: 4,
  });
});

test("a close may take longer than a connection may be silent", async () => {
  const api = await servedApi(apiWorld(closing(3000), { limits: { idleMs: 1500 } }));
  const answer = await fetch(`http://${api.address}${url}`, { method: "POST", headers: wait });
  expect(await answer.json()).toMatchObject({ state: "done", result: { period: "2026-10", issued: 0 } });
});
