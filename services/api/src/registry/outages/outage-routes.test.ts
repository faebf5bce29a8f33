import { expect, test } from "vitest";
import { apiWorld, injectableApi } from "../../../../../test/support/worlds/api-world.ts";
import { memoryRegistry } from "../../../../../test/support/worlds/memory-ports.ts";
import { outageSchema } from "./outage-json.ts";

const storm = {
  usagePoints: ["up-2", "up-1", "up-1"],
  feeder: "f-7",
  from: "2026-09-10T14:20:00+03:00",
  to: "2026-09-10T18:05:00+03:00",
  reason: "a tree on the line",
};

async function world() {
  const registry = memoryRegistry();
  const app = await injectableApi(apiWorld({ registry }));
  const call = (method: "GET" | "PUT" | "POST", url: string, payload?: object | string, headers = {}) =>
    app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
  return { registry, call };
}

test("an outage comes back as it is kept, and sent back it is the same", async () => {
  const { call } = await world();
  const put = await call("PUT", "/v1/outages/o-17", storm);
  expect(put.statusCode).toBe(200);
  expect(outageSchema.parse(put.json())).toMatchObject({
    outageId: "o-17",
    version: 1,
    usagePoints: ["up-1", "up-2"],
    feeder: "f-7",
    from: "2026-09-10T11:20:00Z",
    to: "2026-09-10T15:05:00Z",
    reason: "a tree on the line",
  });
  expect((await call("PUT", "/v1/outages/o-17", put.json())).json()).toEqual(put.json());
  const read = await call("GET", "/v1/outages/o-17");
  expect(read.json()).toEqual(put.json());
  expect(read.headers["etag"]).toMatch(/^"v1/);
});

test("it is changed from the version that was read, and only then", async () => {
  const { call } = await world();
  const { headers } = await call("PUT", "/v1/outages/o-17", storm, { "if-none-match": "*" });
  const { to: _, ...goesOn } = storm;
  const changed = await call("PUT", "/v1/outages/o-17", goesOn, { "if-match": headers["etag"] });
  expect(changed.json()).toMatchObject({ version: 2 });
  expect(changed.json()).not.toHaveProperty("to");
  for (const stale of [{ "if-match": headers["etag"] }, { "if-none-match": "*" }]) {
    const refused = await call("PUT", "/v1/outages/o-17", storm, stale);
    expect([refused.statusCode, refused.json().code]).toEqual([412, "version_mismatch"]);
  }
  expect((await call("GET", "/v1/outages/o-17?version=1")).json().to).toBe("2026-09-10T15:05:00Z");
  expect((await call("GET", "/v1/outages/o-17?version=7")).json().code).toBe("version_unknown");
  expect((await call("GET", "/v1/outages/o-18")).json().code).toBe("outage_unknown");
});

test("everything that is wrong is told at once, by its field", async () => {
  const { call } = await world();
  const sent = { outageId: "o-18", usagePoints: ["up 1"], feeder: "", from: "2026-09-10", reason: 7, zone: "x" };
  const refused = await call("PUT", "/v1/outages/o-17", sent);
  expect(refused.statusCode).toBe(400);
  const fields = refused.json().errors.map(({ field }: { field: string }) => field);
  expect([...fields].sort()).toEqual(["feeder", "from", "outageId", "reason", "usagePoints.0", "zone"]);
  const turned = await call("PUT", "/v1/outages/o-17", { ...storm, to: storm.from });
  expect(turned.json().errors).toEqual([{ field: "to", message: "is not after from" }]);
});

test("what is listed as CSV and NDJSON is what the import takes", async () => {
  const { call } = await world();
  await call("PUT", "/v1/outages/o-1", storm);
  const { to: _, feeder: _f, reason: _r, ...goesOn } = storm;
  await call("PUT", "/v1/outages/o-2", { ...goesOn, from: "2026-10-01T00:00:00Z", usagePoints: [] });
  for (const type of ["text/csv", "application/x-ndjson"]) {
    const { payload } = await call("GET", "/v1/outages", undefined, { accept: type });
    const { call: other } = await world();
    const taken = await other("POST", "/v1/outages:import", payload.replaceAll(/"version":1,|(,)1(?=\r?\n)/g, "$1"), {
      "content-type": type,
    });
    expect(taken.json()).toMatchObject({ stored: 2, refused: 0 });
    expect((await other("GET", "/v1/outages", undefined, { accept: type })).payload.split("\n")).toHaveLength(
      payload.split("\n").length,
    );
    const { items } = (await other("GET", "/v1/outages?from=2026-09-30T00:00:00Z")).json();
    expect(items).toMatchObject([{ outageId: "o-2", usagePoints: [], from: "2026-10-01T00:00:00Z" }]);
  }
});

test("a line of an import that is wrong is named, with its column", async () => {
  const { call } = await world();
  const csv = "outage_id,from,to,usage_points\no-1,2026-09-10T00:00:00Z,,up-1 up-2\no-2,2026-09-10,,up 3/4\n";
  const { results } = (await call("POST", "/v1/outages:import", csv, { "content-type": "text/csv" })).json();
  expect(results).toMatchObject([
    { outageId: "o-1", status: "stored" },
    { outageId: "o-2", line: 3, status: "refused" },
  ]);
  const fields = results[1].errors.map(({ field }: { field: string }) => field);
  expect(new Set(fields)).toEqual(new Set(["from", "usage_points"]));
});
