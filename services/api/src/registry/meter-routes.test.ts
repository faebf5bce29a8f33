import { expect, test, vi } from "vitest";
import { instant, intervalSeries, registerSeries } from "../../../../test/support/readings.ts";
import { apiWorld, injectableApi } from "../../../../test/support/worlds/api-world.ts";
import { memoryRegistry, memorySeries } from "../../../../test/support/worlds/memory-ports.ts";
import { importSchema } from "./meter-import-routes.ts";
import { meterSchema } from "./meter-routes.ts";

const full = {
  usagePointId: "up-1",
  zone: "Europe/Berlin",
  registers: [
    { register: "1-0:1.8.0", unit: "kWh", digits: 6, multiplier: 40 },
    { register: "7-0:3.0.0", unit: "m3" },
  ],
  stepSeconds: 900,
  connectionPowerW: 15_000,
  installed: { at: "2026-01-15T10:00:00+01:00", values: { "1.8.0": "12.345", "7-0:3.0.0": 7 } },
  removed: { at: "2026-02-15T10:00:00Z", values: { "1-0:1.8.0": 99.5 } },
};

test("a record is kept in base units and comes back; sent back it is the same", async () => {
  const world = apiWorld();
  const app = await injectableApi(world);
  const put = async (payload: unknown) =>
    app.inject({ method: "PUT", url: "/v1/meters/m-1", payload: payload as object });
  const answer = await put(full);
  expect(answer.statusCode).toBe(200);
  const kept = {
    meterId: "m-1",
    usagePointId: "up-1",
    zone: "Europe/Berlin",
    registers: [
      { register: "1.8.0", unit: "Wh", digits: 6, multiplier: 40, displayUnit: "kWh" },
      { register: "7-0:3.0.0", unit: "L", displayUnit: "m3" },
    ],
    stepSeconds: 900,
    connectionPowerW: 15_000,
  };
  expect(meterSchema.parse(answer.json())).toEqual({
    ...kept,
    installed: { at: "2026-01-15T09:00:00Z", values: { "1.8.0": 12_345, "7-0:3.0.0": 7000 } },
    removed: { at: "2026-02-15T10:00:00Z", values: { "1.8.0": 99_500 } },
    registered: true,
    channels: [],
  });
  const first = await world.ports.registry.get("m-1");
  expect(first?.installed).toEqual({
    at: instant("2026-01-15T09:00:00Z"),
    values: { "1.8.0": 12_345, "7-0:3.0.0": 7000 },
  });
  const again = await app.inject("/v1/meters/m-1");
  expect((await put(again.json())).json()).toEqual(again.json());
  expect(await world.ports.registry.get("m-1")).toEqual(first);
});

test("everything that is wrong with a record is told at once", async () => {
  const app = await injectableApi(apiWorld());
  const payload = {
    usagePointId: "up/1",
    zone: "Europe/Odessa2",
    registers: [
      { register: "1.8.0", unit: "kWh", digits: 2 },
      { register: "1-0:1.8.0", unit: "kwh", digits: 13 },
      { register: "18", unit: "Wh", multiplier: 1.5 },
    ],
    stepSeconds: 7 * 60,
    connectionPowerW: -1,
    installed: { at: "2026-01-15T10:00:00", values: { "1.8.0": "1.23456", "2.8.0": 1 } },
    removed: { at: "2026-01-15T10:00:00Z", values: { "1.8.0": 100 } },
    colour: "red",
  };
  const answer = await app.inject({ method: "PUT", url: "/v1/meters/m-1", payload });
  expect(answer.json()).toMatchObject({ status: 400, code: "request_invalid" });
  const fields = answer.json().errors.map(({ field }: { field: string }) => field);
  expect(fields.sort()).toEqual(
    [
      "usagePointId",
      "zone",
      "registers.1.register",
      "registers.1.unit",
      "registers.1.digits",
      "registers.2.register",
      "registers.2.multiplier",
      "stepSeconds",
      "connectionPowerW",
      "installed.at",
      "installed.values.1.8.0",
      "installed.values.2.8.0",
      "removed.values.1.8.0",
      "colour",
    ].sort(),
  );
});

test("the address and the body must name the same meter, and a meter is removed after it was installed", async () => {
  const app = await injectableApi(apiWorld());
  const put = async (payload: object) => (await app.inject({ method: "PUT", url: "/v1/meters/m-1", payload })).json();
  expect((await put({ meterId: "m-2" })).errors).toEqual([
    { field: "meterId", message: "is m-2, but the address says m-1" },
  ]);
  const events = {
    installed: { at: "2026-01-15T10:00:00Z", values: {} },
    removed: { at: "2026-01-15T10:00:00Z", values: {} },
  };
  expect((await put(events)).errors).toEqual([{ field: "removed.at", message: "must be after installed.at" }]);
  expect(await put({})).toEqual({
    meterId: "m-1",
    usagePointId: "m-1",
    zone: "Europe/Kyiv",
    registers: [],
    registered: true,
    channels: [],
    warnings: [expect.stringContaining("installed: is absent")],
  });
});

test("a meter that reports and has no record is shown with the defaults", async () => {
  const at = instant("2026-10-01T00:00:00Z");
  const series = memorySeries({ "m-1": [registerSeries([[at, 5]]), intervalSeries([[at + 900, 5]], 900)] });
  const app = await injectableApi(apiWorld({ series }));
  const answer = await app.inject("/v1/meters/m-1");
  expect(meterSchema.parse(answer.json())).toEqual({
    meterId: "m-1",
    usagePointId: "m-1",
    zone: "Europe/Kyiv",
    registers: [],
    registered: false,
    channels: [
      { register: "1.8.0", kind: "register", unit: "Wh", firstAt: "2026-10-01T00:00:00Z" },
      { register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds: 900, firstAt: "2026-10-01T00:15:00Z" },
    ],
  });
  expect((await app.inject("/v1/meters/m-2")).json().code).toBe("meter_unknown");
});

async function importing(body: string, type: string, limits = {}) {
  const world = apiWorld({}, { limits });
  const app = await injectableApi(world);
  const answer = await app.inject({
    method: "POST",
    url: "/v1/meters:import",
    headers: { "content-type": type },
    payload: body,
  });
  return { answer, registry: world.ports.registry };
}

test("H04: a change that is refused changes nothing, by call and by import", async () => {
  const registry = memoryRegistry();
  const apply = vi.spyOn(registry, "apply");
  const app = await injectableApi(apiWorld({ registry }));
  const good = { zone: "Europe/Kyiv", registers: [{ register: "1.8.0", unit: "kWh", multiplier: 40 }] };
  await app.inject({ method: "PUT", url: "/v1/meters/m-1", payload: good });
  const before = (await app.inject("/v1/meters/m-1")).json();
  const import_ = (type: string, payload: string) =>
    app.inject({ method: "POST", url: "/v1/meters:import", headers: { "content-type": type }, payload });
  const refused = [
    await app.inject({ method: "PUT", url: "/v1/meters/m-1", payload: { ...good, zone: "Europe/Odessa2" } }),
    await app.inject({ method: "PUT", url: "/v1/meters/m-1", payload: { ...good, zone: "+02:00" } }),
    await app.inject({ method: "PUT", url: "/v1/meters/m-1", payload: { registers: [{ register: "1.8.0" }] } }),
    await import_("application/x-ndjson", '{"meterId":"m-1","zone":"europe/kyiv"}\n{"meterId":"m-1","registers":[{}]}'),
    await import_("text/csv", "meter_id,zone,register,unit,digits\nm-1,UTC,1.8.0,kWh,99\nm-1,Mars/Base,1.8.0,kWh,6\n"),
  ];
  expect(refused.map(({ statusCode }) => statusCode)).toEqual([400, 400, 400, 200, 200]);
  expect((await app.inject("/v1/meters/m-1")).json()).toEqual(before);
  expect(apply).toHaveBeenCalledTimes(1);
});

test("NDJSON: each line stands for itself", async () => {
  const lines = [
    JSON.stringify({ ...full, meterId: "m-1" }),
    "",
    "{",
    JSON.stringify({ meterId: "m-2", zone: "Mars/Base", registers: [{ register: "1.8.0", unit: "J" }] }),
    JSON.stringify({ usagePointId: "up-3" }),
    "7",
    JSON.stringify({ meterId: "m-4", x: "x".repeat(70_000) }),
    JSON.stringify({ meterId: "m-5" }),
  ];
  const { answer, registry } = await importing(`\uFEFF${lines.join("\r\n")}`, "application/x-ndjson");
  const { stored, refused, results } = importSchema.parse(answer.json());
  expect([stored, refused]).toEqual([2, 5]);
  expect(
    results.map(({ line, meterId, status, errors }) => [
      line,
      meterId,
      status,
      errors?.map(({ field }) => field).join(" "),
    ]),
  ).toEqual([
    [1, "m-1", "stored", undefined],
    [3, null, "refused", "line"],
    [4, "m-2", "refused", "zone registers.0.unit"],
    [5, null, "refused", "meterId"],
    [6, null, "refused", "line"],
    [7, null, "refused", "line"],
    [8, "m-5", "stored", undefined],
  ]);
  expect((await registry.list({ limit: 10 })).map(({ meterId }) => meterId)).toEqual(["m-1", "m-5"]);
});

test("what the list gives as NDJSON can be imported again, and registers nobody who was a stranger", async () => {
  const at = instant("2026-11-01T00:00:00Z");
  const registry = memoryRegistry({ meterId: "m-1", usagePointId: "up-1", registers: [] });
  const series = memorySeries({ "m-1": [registerSeries([[at, 1]])], "m-2": [registerSeries([[at, 1]])] });
  const app = await injectableApi(apiWorld({ registry, series }));
  const list = async () => (await app.inject({ url: "/v1/meters", headers: { accept: "application/x-ndjson" } })).body;
  const lines = await list();
  expect(lines).toContain('"registered":false');
  const headers = { "content-type": "application/x-ndjson" };
  const answer = await app.inject({ method: "POST", url: "/v1/meters:import", headers, payload: lines });
  expect(importSchema.parse(answer.json())).toMatchObject({
    ...{ stored: 1, refused: 1 },
    results: [
      { line: 1, meterId: "m-1", status: "stored" },
      { line: 2, meterId: "m-2", status: "refused", errors: [{ field: "registered" }] },
    ],
  });
  expect(await list()).toBe(lines);
});

const csv = `meter_id,usage_point_id,zone,register,unit,digits,multiplier,installed_at,installed_value
m-1,up-1,Europe/Kyiv,1.8.0,kWh,6,40,2026-01-15T10:00:00Z,12.345
m-1,up-1,Europe/Kyiv,1.8.1,kWh,6,,2026-01-15T10:00:00Z,1
"m-2","up,2",,1.8.0,kWh,,,,
m-3,up-3,,1.8.0
m-4,up-4,,1.8.0,kWh,x,,,
m-1,up-1,Europe/Kyiv,2.8.0,kWh,,,,
m-5,up-5,,,,,,,
m-6,up-6,,1.8.0,kWh,,,,
m-6,up-7,,1.8.1,kWh,,,,
`;

test("CSV: a row per register, and what the list gives can be imported again", async () => {
  const { answer, registry } = await importing(csv, "text/csv; charset=utf-8");
  const { results } = importSchema.parse(answer.json());
  expect(
    results.map(({ line, lines, meterId, errors }) => [
      line,
      lines,
      meterId,
      errors?.map(({ field }) => field).join(" "),
    ]),
  ).toEqual([
    [2, 2, "m-1", undefined],
    [4, 1, "m-2", "usage_point_id"],
    [5, 1, null, "line"],
    [6, 1, "m-4", "digits"],
    [7, 1, "m-1", "meter_id"],
    [8, 1, "m-5", undefined],
    [9, 2, "m-6", "usage_point_id"],
  ]);
  expect(await registry.get("m-1")).toEqual({
    meterId: "m-1",
    usagePointId: "up-1",
    zone: "Europe/Kyiv",
    registers: [
      { register: "1.8.0", unit: "Wh", digits: 6, multiplier: 40, displayUnit: "kWh" },
      { register: "1.8.1", unit: "Wh", digits: 6, displayUnit: "kWh" },
    ],
    installed: { at: instant("2026-01-15T10:00:00Z"), values: { "1.8.0": 12_345, "1.8.1": 1000 } },
  });
  const app = await injectableApi(apiWorld({ registry }));
  const list = (await app.inject({ url: "/v1/meters", headers: { accept: "text/csv" } })).body;
  const copy = await importing(list, "text/csv");
  expect(copy.answer.json().refused).toBe(0);
  expect(await copy.registry.list({ limit: 10 })).toEqual(await registry.list({ limit: 10 }));
});

test.for([
  {
    case: "an unknown column",
    body: "meter_id,register,unit,colour\n",
    type: "text/csv",
    status: 400,
    code: "request_invalid",
  },
  { case: "no meter column", body: "register,unit\n", type: "text/csv", status: 400, code: "request_invalid" },
  {
    case: "too many lines",
    body: "{}\n".repeat(11),
    type: "application/x-ndjson",
    status: 413,
    code: "import_too_large",
  },
  {
    case: "too many bytes",
    body: "{}".padEnd(3000),
    type: "application/x-ndjson",
    status: 413,
    code: "body_too_large",
  },
  { case: "JSON", body: "{}", type: "application/json", status: 415, code: "media_type_unsupported" },
])("an import with $case is refused", async ({ body, type, status, code }) => {
  const { answer } = await importing(body, type, { importLinesMax: 10, importBytesMax: 2000 });
  expect(answer.json()).toMatchObject({ status, code });
});

test("an import without a body", async () => {
  const app = await injectableApi(apiWorld());
  expect((await app.inject({ method: "POST", url: "/v1/meters:import" })).json().code).toBe("media_type_unsupported");
  const empty = await importing("", "application/x-ndjson");
  expect(empty.answer.json()).toEqual({ stored: 0, refused: 0, results: [] });
});

test("the list of meters pages by id", async () => {
  const records = ["m-2", "m-1", "m-3"].map((meterId) => ({ meterId, usagePointId: meterId, registers: [] }));
  const app = await injectableApi(apiWorld({ registry: memoryRegistry(...records) }));
  const page = (await app.inject("/v1/meters?limit=2")).json();
  expect(page.items.map(({ meterId }: { meterId: string }) => meterId)).toEqual(["m-1", "m-2"]);
  expect((await app.inject(`/v1/meters?cursor=${page.nextCursor}`)).json()).toEqual({
    items: [{ ...records[2], registered: true, reported: false, lastReadingAt: null }],
  });
});

test("N08: a record without an installation warns that nobody waits for its meter, until it reports", async () => {
  const warned = [
    "installed: is absent, so months before its first reading count the meter as silent, and no snapshot is made of it",
  ];
  const silent = await injectableApi(apiWorld());
  const put = (app: typeof silent, payload: object) => app.inject({ method: "PUT", url: "/v1/meters/m-1", payload });
  const answer = (await put(silent, { registers: [{ register: "1.8.0", unit: "Wh" }] })).json();
  expect(meterSchema.parse(answer).warnings).toEqual(warned);
  expect((await put(silent, answer)).json().warnings).toEqual(warned);
  expect((await put(silent, full)).json()).not.toHaveProperty("warnings");
  const reporting = await injectableApi(
    apiWorld({ series: memorySeries({ "m-1": [registerSeries([[1_793_484_000, 5]])] }) }),
  );
  expect((await put(reporting, {})).json()).not.toHaveProperty("warnings");
});

test("two meters that count the same at one place at one time: it is kept, and the answer names the other one", async () => {
  const app = await injectableApi(apiWorld());
  const put = async (id: string, over: object) => {
    const payload = { ...full, meterId: id, ...over };
    return (await app.inject({ method: "PUT", url: `/v1/meters/${id}`, payload })).json();
  };
  expect(await put("m-1", {})).not.toHaveProperty("warnings");
  const { warnings } = await put("m-2", {});
  expect(warnings).toEqual([expect.stringContaining("usagePointId: m-1 is at ")]);
  expect(await put("m-2", { usagePointId: "m-2" })).not.toHaveProperty("warnings");
});
