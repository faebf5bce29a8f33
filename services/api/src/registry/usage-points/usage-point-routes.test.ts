import { expect, test } from "vitest";
import { instant, registerSeries } from "../../../../../test/support/readings.ts";
import { apiWorld, injectableApi } from "../../../../../test/support/worlds/api-world.ts";
import { memoryRegistry, memorySeries } from "../../../../../test/support/worlds/memory-ports.ts";
import { exchangedSchema } from "./exchange-routes.ts";
import { usagePointImportSchema } from "./usage-point-import-routes.ts";
import { listedUsagePointSchema, usagePointAtSchema, usagePointSchema } from "./usage-point-routes.ts";

const full = {
  zone: "Europe/Kyiv",
  connectionPowerW: [{ value: 10_000 }, { value: 15_000, validFrom: "2026-09-01T00:00:00+03:00" }],
  feeder: { value: "f-7", validFrom: "2026-01-01T00:00:00Z" },
  groups: ["north", "shops"],
  status: [
    { value: "disconnected", validFrom: "2026-09-10T00:00:00Z" },
    { value: "connected", validFrom: "2026-01-01T00:00:00Z" },
  ],
  readingPolicy: "remote-first",
};

async function world() {
  const registry = memoryRegistry();
  const app = await injectableApi(apiWorld({ registry }));
  const call = (method: "GET" | "PUT" | "POST", url: string, payload?: object, headers = {}) =>
    app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
  return { registry, call };
}

test("a usage point comes back with its history, sent back it is the same, and as of any moment", async () => {
  const { call } = await world();
  const put = await call("PUT", "/v1/usage-points/up-1", full);
  expect(put.statusCode).toBe(200);
  expect(usagePointSchema.parse(put.json())).toMatchObject({
    usagePointId: "up-1",
    version: 1,
    zone: [{ value: "Europe/Kyiv" }],
    connectionPowerW: [{ value: 10_000 }, { value: 15_000, validFrom: "2026-08-31T21:00:00Z" }],
    groups: [{ value: ["north", "shops"] }],
    status: [
      { value: "connected", validFrom: "2026-01-01T00:00:00Z" },
      { value: "disconnected", validFrom: "2026-09-10T00:00:00Z" },
    ],
    meters: [],
  });
  const again = await call("PUT", "/v1/usage-points/up-1", put.json());
  expect(again.json()).toEqual(put.json());
  const at = async (asOf: string) => (await call("GET", `/v1/usage-points/up-1?asOf=${asOf}`)).json();
  expect(usagePointAtSchema.parse(await at("2026-08-31T20:59:59Z"))).toEqual({
    usagePointId: "up-1",
    asOf: "2026-08-31T20:59:59Z",
    zone: "Europe/Kyiv",
    connectionPowerW: 10_000,
    feeder: "f-7",
    groups: ["north", "shops"],
    status: "connected",
    readingPolicy: "remote-first",
    meters: [],
  });
  expect(await at("2026-09-10T00:00:00Z")).toMatchObject({ connectionPowerW: 15_000, status: "disconnected" });
  expect(await at("2025-01-01T00:00:00Z")).not.toHaveProperty("status");
});

test("earlier versions are kept, with who made them and why", async () => {
  const { call } = await world();
  await call("PUT", "/v1/usage-points/up-1", { supplier: "s-1" });
  await call("PUT", "/v1/usage-points/up-1", { supplier: "s-2", reason: "the customer has changed" });
  expect((await call("GET", "/v1/usage-points/up-1?version=1")).json().supplier).toEqual([{ value: "s-1" }]);
  expect((await call("GET", "/v1/usage-points/up-1?version=9")).json().code).toBe("version_unknown");
  const { items } = (await call("GET", "/v1/usage-points/up-1/versions")).json();
  expect(items).toMatchObject([{ version: 2, reason: "the customer has changed" }, { version: 1 }]);
  expect((await call("GET", "/v1/usage-points/up-9")).json().code).toBe("usage_point_unknown");
});

test("everything that is wrong is told at once, by its field", async () => {
  const { call } = await world();
  const answer = await call("PUT", "/v1/usage-points/up-1", {
    usagePointId: "up-2",
    zone: [{ value: "Europe/Kyiv" }, { value: "Europe/Paris", validFrom: "2026-01-01T00:00:00Z" }],
    connectionPowerW: 0,
    feeder: { value: "f 7" },
    status: [{ value: "on", validFrom: "2026-01-01" }],
    groups: ["a", "b/c"],
    colour: "red",
  });
  expect(answer.json()).toMatchObject({ status: 400, code: "request_invalid" });
  const fields = answer.json().errors.map(({ field }: { field: string }) => field);
  expect(fields.sort()).toEqual(
    [
      "usagePointId",
      "zone",
      "connectionPowerW",
      "feeder.value",
      "status.0.value",
      "status.0.validFrom",
      "groups.1",
      "colour",
    ].sort(),
  );
  const twice = [{ value: "a" }, { value: "b" }];
  const { errors } = (await call("PUT", "/v1/usage-points/up-1", { supplier: twice })).json();
  expect(errors).toEqual([{ field: "supplier.1.validFrom", message: "two values begin at the same time" }]);
});

test("If-Match: who has not seen the newest version changes nothing, also after an exchange of its meters", async () => {
  const { call } = await world();
  const first = await call("PUT", "/v1/usage-points/up-1", { supplier: "s-1" }, { "if-none-match": "*" });
  expect(first.statusCode).toBe(200);
  const { etag } = (await call("GET", "/v1/usage-points/up-1")).headers;
  const late = await call("PUT", "/v1/usage-points/up-1", { supplier: "s-2" }, { "if-none-match": "*" });
  expect(late.json()).toMatchObject({ status: 412, code: "version_mismatch" });
  const second = await call("PUT", "/v1/usage-points/up-1", { supplier: "s-2" }, { "if-match": etag });
  expect(second.headers.etag).toBe('"v2"');
  const third = await call("PUT", "/v1/usage-points/up-1", { supplier: "s-3" }, { "if-match": etag });
  expect(third.json().errors[0]).toMatchObject({ field: "if-match" });
  await call("POST", "/v1/usage-points/up-1/exchange", { at: "2026-08-15T07:00:00Z", installed: { meterId: "m-1" } });
  const after = await call("PUT", "/v1/usage-points/up-1", { supplier: "s-3" }, { "if-match": '"v2"' });
  expect(after.statusCode).toBe(412);
  expect((await call("PUT", "/v1/usage-points/up-1", {}, { "if-match": "7" })).json().code).toBe("request_invalid");
  expect((await call("PUT", "/v1/usage-points/up-0", {}, { "if-match": "*" })).statusCode).toBe(412);
  expect((await call("GET", "/v1/usage-points/up-1")).json().supplier).toEqual([{ value: "s-2" }]);
});

const meter = { usagePointId: "up-1", registers: [{ register: "1.8.0", unit: "kWh", multiplier: 40 }] };
const exchange = {
  at: "2026-08-15T10:00:00+03:00",
  removed: { meterId: "m-1", values: { "1.8.0": "180.5" } },
  installed: { meterId: "m-2", values: { "1.8.0": 7 }, registers: meter.registers },
};

test("an exchange closes the old meter's installation and opens the new one's, in the unit that people read", async () => {
  const { call } = await world();
  await call("PUT", "/v1/meters/m-1", {
    ...meter,
    installed: { at: "2026-01-01T00:00:00Z", values: { "1.8.0": 100 } },
  });
  const answer = await call("POST", "/v1/usage-points/up-1/exchange", exchange);
  expect(answer.statusCode).toBe(200);
  const { removed, installed, usagePoint } = exchangedSchema.parse(answer.json());
  expect(removed?.removed).toEqual({ at: "2026-08-15T07:00:00Z", values: { "1.8.0": 180_500 } });
  expect(installed).toMatchObject({ usagePointId: "up-1", installed: { values: { "1.8.0": 7000 } } });
  expect(usagePoint.meters.map(({ meterId }) => meterId)).toEqual(["m-1", "m-2"]);
  expect((await call("GET", "/v1/meters/m-1")).json().removed.values).toEqual({ "1.8.0": 180_500 });
  const at = async (asOf: string) => (await call("GET", `/v1/usage-points/up-1?asOf=${asOf}`)).json().meters;
  expect([await at("2026-08-15T06:59:59Z"), await at("2026-08-15T07:00:00Z")]).toEqual([["m-1"], ["m-2"]]);
  const again = await call("POST", "/v1/usage-points/up-1/exchange", exchange);
  expect(again.json()).toEqual(answer.json());
});

test.for<[string, object, number, string]>([
  ["nothing is exchanged", { at: exchange.at }, 400, "removed"],
  ["one meter with itself", { ...exchange, installed: { meterId: "m-1" } }, 400, "installed.meterId"],
  ["no instant", { ...exchange, at: undefined }, 400, "at"],
  [
    "a register that is not there",
    { ...exchange, removed: { meterId: "m-1", values: { "2.8.0": 1 } } },
    400,
    "removed.values.2.8.0",
  ],
  [
    "too many decimals",
    { ...exchange, removed: { meterId: "m-1", values: { "1.8.0": "1.23456" } } },
    400,
    "removed.values.1.8.0",
  ],
  ["an unknown multiplier", { ...exchange, installed: { meterId: "m-2" } }, 400, "installed.registers"],
  ["a meter that is not there", { ...exchange, removed: { meterId: "m-3" } }, 409, "removed.meterId"],
  ["a meter in its place", { ...exchange, removed: undefined }, 409, "removed"],
])("an exchange is refused by its field: %s", async ([, body, status, field]) => {
  const { call } = await world();
  await call("PUT", "/v1/meters/m-1", { ...meter, installed: { at: "2026-01-01T00:00:00Z", values: {} } });
  await call("PUT", "/v1/meters/m-3", { ...meter, usagePointId: "up-3" });
  const answer = await call("POST", "/v1/usage-points/up-1/exchange", body);
  expect(answer.json()).toMatchObject({ status, errors: [{ field }] });
  expect((await call("GET", "/v1/meters/m-1")).json()).not.toHaveProperty("removed");
});

test("of many exchanges of one meter at once one holds, and all say so", async () => {
  const { call } = await world();
  await call("PUT", "/v1/meters/m-1", { ...meter, installed: { at: "2026-01-01T00:00:00Z", values: {} } });
  const asked = Array.from({ length: 8 }, (_, n) =>
    call("POST", "/v1/usage-points/up-1/exchange", {
      ...exchange,
      installed: { ...exchange.installed, meterId: `new-${n}` },
    }),
  );
  const statuses = (await Promise.all(asked)).map(({ statusCode }) => statusCode);
  expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  expect(statuses.filter((status) => status === 409)).toHaveLength(7);
});

test("a meter that moved keeps the places where it was, also by the short form", async () => {
  const { call } = await world();
  await call("PUT", "/v1/meters/m-1", { ...meter, installed: { at: "2026-01-01T00:00:00Z", values: {} } });
  await call("POST", "/v1/usage-points/up-1/exchange", { at: "2026-03-01T00:00:00Z", removed: { meterId: "m-1" } });
  await call("POST", "/v1/usage-points/up-2/exchange", { at: "2026-04-01T00:00:00Z", installed: { meterId: "m-1" } });
  const moved = (await call("GET", "/v1/meters/m-1")).json();
  expect(moved).toMatchObject({ usagePointId: "up-2", earlier: [{ usagePointId: "up-1" }] });
  const short = { ...meter, usagePointId: "up-2", installed: { at: "2026-04-02T00:00:00Z", values: {} } };
  expect((await call("PUT", "/v1/meters/m-1", short)).json().earlier).toEqual(moved.earlier);
  const early = { ...short, installed: { at: "2026-02-01T00:00:00Z", values: {} } };
  expect((await call("PUT", "/v1/meters/m-1", early)).json().errors).toMatchObject([{ field: "installed.at" }]);
  const wrong = { ...short, earlier: [{ usagePointId: "up-1", removed: { at: "2026-05-01T00:00:00Z", values: {} } }] };
  expect((await call("PUT", "/v1/meters/m-1", wrong)).json().errors).toMatchObject([{ field: "installed.at" }]);
});

const csv = `usage_point_id,valid_from,zone,connection_power_w,groups,status,version
up-1,,Europe/Kyiv,10000,north shops,connected,
up-1,2026-09-01T00:00:00Z,,15000,-,,
up-2,,Mars/Base,x,,,
up-3,,,,,connected,7
up-1,,,,,,
`;

test("an import has a result for each usage point, and what the list gives can be imported again", async () => {
  const { call } = await world();
  const send = (payload: string, type = "text/csv") =>
    call("POST", "/v1/usage-points:import", Buffer.from(payload), { "content-type": type });
  const { results } = usagePointImportSchema.parse((await send(csv)).json());
  expect(
    results.map(({ line, lines, usagePointId, errors }) => [
      line,
      lines,
      usagePointId,
      errors?.map(({ field, message }) => `${field}: ${message}`).join("; "),
    ]),
  ).toEqual([
    [2, 2, "up-1", undefined],
    [
      4,
      1,
      "up-2",
      'zone: line 4: "Mars/Base": an IANA time zone, such as Europe/Kyiv; connection_power_w: line 4: "x": must be a number, and is text',
    ],
    [5, 1, "up-3", "version: it has version 0 now: read it again"],
    [6, 1, "up-1", "usage_point_id: the rows of one must stand together"],
  ]);
  const list = (accept: string) => call("GET", "/v1/usage-points", undefined, { accept });
  const exported = (await list("text/csv")).body;
  expect(exported).toBe(
    "usage_point_id,valid_from,zone,connection_power_w,feeder,supplier,groups,status,reading_policy,version,measures\n" +
      "up-1,,Europe/Kyiv,10000,,,north shops,connected,,1,\nup-1,2026-09-01T00:00:00Z,,15000,,,-,,,1,\n",
  );
  const lines = (await list("application/x-ndjson")).body;
  for (const [body, type] of [
    [exported, "text/csv"],
    [lines, "application/x-ndjson"],
  ] as const) {
    expect((await send(body, type)).json()).toMatchObject({ stored: 1, refused: 0 });
    expect((await list("application/x-ndjson")).body).toBe(lines);
  }
});

test("points that are their meter's own are listed with the others, until somebody speaks of them without a version", async () => {
  const at = instant("2026-11-01T00:00:00Z");
  const record = (meterId: string, usagePointId: string) => ({ meterId, usagePointId, registers: [] });
  const registry = memoryRegistry(record("m-1", "up-1"), record("m-2", "m-2"), record("m-4", "m-4"));
  const reporting = Object.fromEntries(["m-1", "m-3", "m-5"].map((meterId) => [meterId, [registerSeries([[at, 1]])]]));
  const app = await injectableApi(apiWorld({ registry, series: memorySeries(reporting) }));
  const put = { method: "PUT", url: "/v1/usage-points/m-4", payload: { feeder: "f-7" } } as const;
  expect((await app.inject(put)).statusCode).toBe(200);
  const found: [string, number][] = [];
  for (let query = "?limit=2"; ; ) {
    const { items, nextCursor } = (await app.inject(`/v1/usage-points${query}`)).json();
    for (const { usagePointId, version } of items.map((one: unknown) => listedUsagePointSchema.parse(one)))
      found.push([usagePointId, version]);
    if (nextCursor === undefined) break;
    query = `?limit=2&cursor=${nextCursor}`;
  }
  expect(found).toEqual([
    ["m-2", 0],
    ["m-3", 0],
    ["m-4", expect.any(Number)],
    ["m-5", 0],
    ["up-1", expect.any(Number)],
  ]);
  const list = async () =>
    (await app.inject({ url: "/v1/usage-points", headers: { accept: "application/x-ndjson" } })).body;
  const lines = await list();
  const headers = { "content-type": "application/x-ndjson" };
  const sentBack = await app.inject({ method: "POST", url: "/v1/usage-points:import", headers, payload: lines });
  expect(
    sentBack
      .json()
      .results.map(({ status }: { status: string }) => status)
      .slice(0, 4),
  ).toEqual([...["refused", "refused", "stored", "refused"]]);
  expect((await list()).split("\n").map((line) => line.includes('"version":0'))).toEqual(
    lines.split("\n").map((line) => line.includes('"version":0')),
  );
  // What is listed can be looked at, and what an import takes has been spoken of.
  for (const [id] of found)
    expect((await app.inject(`/v1/usage-points/${id}`)).json()).toMatchObject({ usagePointId: id });
  expect((await app.inject("/v1/usage-points/m-3")).json().meters).toEqual([{ meterId: "m-3" }]);
  expect((await app.inject("/v1/usage-points/m-1")).json().code).toBe("usage_point_unknown");
  const { body } = await app.inject("/v1/usage-points?format=csv");
  expect(
    body
      .trim()
      .split("\n")
      .slice(1)
      .map((row) => row.split(",")[0]),
  ).toEqual(["m-4", "up-1"]);
});
