// Goal: whoever is answered something of a person is written down, with what and when; nobody else is.
// Method: the API on ports in memory; a log of reads that fails, and comes back.
import type { PersonalRead } from "@meterbook/core/ports/audit-log";
import type { InjectOptions } from "fastify";
import { expect, test, vi } from "vitest";
import { aRecord } from "../../../../test/contracts/registry.contract.ts";
import { registerSeries } from "../../../../test/support/readings.ts";
import { apiWorld, aSnapshot, injectableApi } from "../../../../test/support/worlds/api-world.ts";
import {
  memoryAuditLog,
  memoryGroupSums,
  memoryRegistry,
  memorySeries,
  memorySnapshots,
} from "../../../../test/support/worlds/memory-ports.ts";
import { memoryLedger } from "../../../../test/walk/memory-ledger.ts";
import { auditEntrySchema } from "./audit-routes.ts";

const range = "from=2026-10-01T00:00:00Z&to=2026-10-02T00:00:00Z";

function world(audit = memoryAuditLog()) {
  const series = memorySeries({
    "m-1": [registerSeries([[1_759_276_800, 1]])],
    "m-2": [registerSeries([[1_759_276_800, 1]])],
  });
  return apiWorld({ series, snapshots: memorySnapshots(aSnapshot()), audit });
}

test("each personal read is there at once, newest first, with who asked for what", async () => {
  const app = await injectableApi(world());
  const asked = [
    `/v1/meters/m-1/curve?register=1.8.0&${range}`,
    "/v1/meters/m-1/readings",
    "/v1/usage-points/up-1/statements/2026-10",
    "/v1/snapshots?period=2026-10&format=csv",
    `/v1/curves?series=m-1/1.8.0,m-2/1.8.0&${range}`,
  ];
  for (const url of asked) expect([url, (await app.inject(url)).statusCode]).toEqual([url, 200]);
  const { items } = (await app.inject("/v1/audit")).json();
  expect(
    items.map(({ call, subject, subjectId }: Record<string, unknown>) => `${call} ${subject} ${subjectId}`),
  ).toEqual([
    "GET /v1/curves meter m-2",
    "GET /v1/curves meter m-1",
    "GET /v1/snapshots fleet null",
    "GET /v1/usage-points/:usagePointId/statements/:period usage-point up-1",
    "GET /v1/meters/:meterId/readings meter m-1",
    "GET /v1/meters/:meterId/curve meter m-1",
  ]);
  expect(auditEntrySchema.parse(items.at(-1))).toMatchObject({
    at: "2026-11-10T12:00:00Z",
    caller: null,
    address: "127.0.0.1",
    query: `register=1.8.0&${range}`,
  });
  const ofMeter = (await app.inject("/v1/audit?subject=meter&subjectId=m-1&limit=2")).json();
  expect(ofMeter.items.map(({ call }: { call: string }) => call)).toEqual([
    "GET /v1/curves",
    "GET /v1/meters/:meterId/readings",
  ]);
  const rest = (await app.inject(`/v1/audit?subject=meter&subjectId=m-1&limit=2&cursor=${ofMeter.nextCursor}`)).json();
  expect(rest.items.map(({ call }: { call: string }) => call)).toEqual(["GET /v1/meters/:meterId/curve"]);
});

test("sums of lists and of groups, movers, findings and gaps are reads of those they are of", async () => {
  const base = world();
  const groupSums = memoryGroupSums({
    "feeder:F1": { meters: 1, meterIds: ["m-1"], days: { "1.8.0": [] } },
    fleet: { meters: 2, meterIds: ["m-1", "m-2"], days: { "1.8.0": [] } },
  });
  const registry = memoryRegistry(aRecord("m-2", "up-2"));
  const app = await injectableApi({ ...base, ports: { ...base.ports, groupSums, registry } });
  const times = { from: "2026-10-01T00:00:00Z", to: "2026-10-02T00:00:00Z" };
  const payload = { ids: ["m-1", "up-2", "nobody"], register: "1.8.0", ...times };
  const asked: readonly InjectOptions[] = [
    { method: "POST", url: "/v1/groups:curve", payload },
    { method: "GET", url: `/v1/groups/feeder:F1/curve?register=1.8.0&${range}` },
    { method: "GET", url: `/v1/groups/fleet/curve?register=1.8.0&${range}` },
    { method: "GET", url: "/v1/groups/feeder:F1/movers?period=2026-10" },
    { method: "GET", url: "/v1/groups/fleet/movers?period=2026-10" },
    { method: "GET", url: "/v1/findings" },
    { method: "GET", url: "/v1/findings?meterId=m-1" },
    { method: "GET", url: "/v1/conflicts" },
    { method: "GET", url: "/v1/conflicts?meterId=m-1" },
    { method: "GET", url: "/v1/gaps?format=csv" },
    { method: "GET", url: "/v1/meters/m-1/gaps" },
  ];
  for (const one of asked) expect([one, (await app.inject(one)).statusCode]).toEqual([one, 200]);
  const { items } = (await app.inject("/v1/audit")).json();
  expect(
    items
      .map(({ call, subject, subjectId }: Record<string, unknown>) => `${call} ${subject} ${subjectId}`)
      .toReversed(),
  ).toEqual([
    "POST /v1/groups:curve usage-point up-2",
    "POST /v1/groups:curve meter m-1",
    "POST /v1/groups:curve meter m-2",
    "GET /v1/groups/:groupId/curve group feeder:F1",
    "GET /v1/groups/:groupId/movers group feeder:F1",
    "GET /v1/groups/:groupId/movers fleet null",
    "GET /v1/findings fleet null",
    "GET /v1/findings meter m-1",
    "GET /v1/conflicts fleet null",
    "GET /v1/conflicts meter m-1",
    "GET /v1/gaps fleet null",
    "GET /v1/meters/:meterId/gaps meter m-1",
  ]);
  expect(items.at(-1)).toMatchObject({
    query: "register=1.8.0&from=2026-10-01T00:00:00Z&to=2026-10-02T00:00:00Z&resolution=PT1H",
  });
  const ofGroup = (await app.inject("/v1/audit?subjectId=feeder:F1")).json();
  expect(ofGroup.items).toHaveLength(2);
});

test("a proof holds the whole record, and is a read of its meter by either form of its address", async () => {
  const ledger = memoryLedger();
  const shard = ledger.open(0);
  await shard.append([aSnapshot()]);
  await shard.seal(1000);
  const app = await injectableApi(apiWorld({ snapshots: ledger.view }));
  for (const id of ["m-1/2026-10/1", "m-1%2F2026-10%2F1"])
    expect((await app.inject(`/v1/snapshots/${id}/proof`)).statusCode).toBe(200);
  expect((await app.inject("/v1/snapshots/m-1/2026-10/9/proof")).statusCode).toBe(404);
  const { items } = (await app.inject("/v1/audit?subject=meter&subjectId=m-1")).json();
  expect(items.map(({ call }: { call: string }) => call)).toEqual([
    "GET /v1/snapshots/:id/proof",
    "GET /v1/snapshots/:id/:period/:revision/proof",
  ]);
});

test.for(["/v1/meters/nobody/readings", "/v1/meters/m-1", "/v1/status", "/v1/periods", "/v1/search?q=m-1"])(
  "%s is no read of a person's data",
  async (url) => {
    const app = await injectableApi(world());
    await app.inject(url);
    await app.inject({ method: "HEAD", url: "/v1/meters/m-1/readings" });
    expect((await app.inject("/v1/audit")).json().items).toEqual([]);
  },
);

test("while the log is out of reach reads wait, in their order, and are there when it is back", async () => {
  const kept = memoryAuditLog();
  let isAway = true;
  const audit = {
    ...kept,
    put: (reads: readonly PersonalRead[]) => (isAway ? Promise.reject(new Error("away")) : kept.put(reads)),
  };
  const failed = vi.fn();
  const events = {
    requestFailed: vi.fn(),
    exportEnded: vi.fn(),
    openWithoutKeys: vi.fn(),
    keysFailed: vi.fn(),
    auditFailed: failed,
  };
  const app = await injectableApi(world(audit), { events });
  await app.inject("/v1/meters/m-1/readings?limit=1");
  await app.inject("/v1/meters/m-1/readings?limit=2");
  await vi.waitFor(() => expect(failed).toHaveBeenCalled(), { timeout: 10_000 });
  expect((await app.inject("/v1/audit")).statusCode).toBe(500);
  isAway = false;
  const { items } = (await app.inject("/v1/audit")).json();
  expect(items.map(({ query }: { query: string }) => query)).toEqual(["limit=2", "limit=1"]);
});

test("when no more can wait, nobody is told anything of anybody, and all else is answered", async () => {
  const kept = memoryAuditLog();
  const audit = { ...kept, put: () => new Promise<void>(() => undefined) };
  const { ports, settings } = world(audit);
  const app = await injectableApi({ ports, settings: { ...settings, limits: { readsWaitingMax: 4 } } });
  const codes: number[] = [];
  for (let i = 0; i < 4; i += 1)
    codes.push((await app.inject(`/v1/curves?series=m-1/1.8.0,m-2/1.8.0&${range}`)).statusCode);
  expect(codes).toEqual([200, 200, 503, 503]);
  const refused = await app.inject("/v1/meters/m-1/readings");
  expect([refused.statusCode, refused.json().code]).toEqual([503, "storage_unavailable"]);
  expect((await app.inject("/v1/status")).statusCode).toBe(200);
});
