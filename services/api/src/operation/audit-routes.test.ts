// Goal: whoever is answered something of a person is written down, with what and when; nobody else is.
// Method: the API on ports in memory; a log of reads that fails, and comes back.
import type { PersonalRead } from "@meterbook/core/ports/audit-log";
import { expect, test, vi } from "vitest";
import { registerSeries } from "../../../../test/support/readings.ts";
import { apiWorld, aSnapshot, injectableApi } from "../../../../test/support/worlds/api-world.ts";
import { memoryAuditLog, memorySeries, memorySnapshots } from "../../../../test/support/worlds/memory-ports.ts";
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
