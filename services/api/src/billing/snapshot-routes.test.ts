import type { RegisterSnapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { voidContent } from "@meterbook/core/domain/snapshot/snapshot";
import { expect, test } from "vitest";
import { instant } from "../../../../test/support/readings.ts";
import { apiWorld, aRegisterSnapshot, aSnapshot, injectableApi } from "../../../../test/support/worlds/api-world.ts";
import { memoryRegistry, memorySnapshots } from "../../../../test/support/worlds/memory-ports.ts";
import { revisionsSchema } from "./meter-snapshot-routes.ts";
import { snapshotExample, snapshotSchema } from "./snapshot-json.ts";
import { changesSchema } from "./snapshot-routes.ts";

const meter = (index: number) =>
  aSnapshot({ meterId: `m-${String(index).padStart(4, "0")}`, usagePointId: `up-${index}` });

test("a snapshot is shown as the contract has it", async () => {
  const snapshot = aSnapshot({ revision: 2, hash: snapshotExample.hash });
  const app = await injectableApi(apiWorld({ snapshots: memorySnapshots(aSnapshot(), snapshot) }));
  const answer = await app.inject("/v1/snapshots?period=2026-10");
  expect(answer.json()).toEqual({ items: [snapshotExample] });
  expect(snapshotSchema.parse(answer.json().items[0])).toEqual(snapshotExample);
});

test("what is missing is null in JSON and empty in CSV, and milliseconds are shown where there are some", async () => {
  const nothing = aRegisterSnapshot({
    value: null,
    valueQuality: "missing",
    opening: null,
    openingBasis: null,
    openingAt: null,
    carried: null,
    consumption: null,
    quality: "missing",
    method: "MISSING",
    origin: null,
    readAt: null,
    before: null,
    after: null,
  });
  const snapshot = aSnapshot({ registers: [nothing], issuedAtMs: 1_793_000_000_123, reason: 'said "x", twice' });
  const app = await injectableApi(apiWorld({ snapshots: memorySnapshots(snapshot) }));
  const [item] = (await app.inject("/v1/snapshots?period=2026-10")).json().items;
  expect(snapshotSchema.parse(item).registers[0]).toMatchObject({
    value: null,
    consumption: null,
    readAt: null,
    evidence: { before: null, after: null },
  });
  expect(item.issuedAt).toMatch(/:20\.123Z$/);
  const csv = await app.inject({ url: "/v1/snapshots?period=2026-10", headers: { accept: "text/csv" } });
  expect(csv.headers["content-type"]).toBe("text/csv; charset=utf-8");
  expect(csv.body).toBe(
    "meter_id,usage_point_id,period,revision,lifecycle,boundary,issued_at,reason,hash,register,unit,value,opening,consumption,quality,method,origin,read_at,before_at,before_value,after_at,after_value,opening_at,opening_basis,fault,carried,from,to,estimate_low,estimate_high\n" +
      `m-1,up-1,2026-10,1,final,2026-10-31T22:00:00Z,${item.issuedAt},"said ""x"", twice",${snapshot.hash},1.8.0,Wh,,,,missing,MISSING,,,,,,,,,,,,,,\n`,
  );
});

test("H04: a month that was taken back stays in the lists and says so, in JSON and in CSV", async () => {
  const taken = { ...aSnapshot(), ...voidContent(aSnapshot()), revision: 2, reason: "void: the meter was removed" };
  const app = await injectableApi(apiWorld({ snapshots: memorySnapshots(aSnapshot(), taken) }));
  const [item] = (await app.inject("/v1/snapshots?period=2026-10")).json().items;
  expect(snapshotSchema.parse(item)).toMatchObject({
    revision: 2,
    void: true,
    reason: "void: the meter was removed",
    registers: [{ register: "1.8.0", value: null, opening: null, consumption: null, method: "VOID" }],
  });
  const csv = await app.inject({ url: "/v1/snapshots/changes", headers: { accept: "text/csv" } });
  const [, first, second] = csv.body.split("\n");
  expect(first).toContain(",245678,actual,EXACT,");
  expect(second).toMatch(/^m-1,up-1,2026-10,2,.*,1\.8\.0,Wh,,,,missing,VOID,,,,,,,,,,,,,,$/);
});

test("pages by meter id give every meter once, also while others are issued", async () => {
  const snapshots = memorySnapshots(...Array.from({ length: 25 }, (_, i) => meter(i * 2)));
  const app = await injectableApi(apiWorld({ snapshots }));
  const seen: string[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const page: { items: { meterId: string }[]; nextCursor?: string } = (
      await app.inject(`/v1/snapshots?period=2026-10&limit=10${cursor === "" ? "" : `&cursor=${cursor}`}`)
    ).json();
    seen.push(...page.items.map(({ meterId }) => meterId));
    snapshots.issue({ ...meter(1), revision: seen.length }, { ...meter(4), revision: seen.length });
    cursor = page.nextCursor;
  }
  expect(seen).toEqual(Array.from({ length: 25 }, (_, i) => meter(i * 2).meterId));
});

test("a page that ends with the list has no next cursor", async () => {
  const app = await injectableApi(
    apiWorld({ snapshots: memorySnapshots(...Array.from({ length: 10 }, (_, i) => meter(i))) }),
  );
  expect((await app.inject("/v1/snapshots?period=2026-10&limit=10")).json().nextCursor).toBeUndefined();
  expect((await app.inject("/v1/snapshots?period=2026-10&limit=9")).json().nextCursor).toBeTypeOf("string");
});

test("cursors of other lists, periods and hands are refused", async () => {
  const app = await injectableApi(apiWorld({ snapshots: memorySnapshots(meter(1), meter(2)) }));
  const { nextCursor } = (await app.inject("/v1/snapshots?period=2026-10&limit=1")).json();
  const { resumeCursor } = (await app.inject("/v1/snapshots/changes")).json();
  const forged = Buffer.from(JSON.stringify({ k: "snapshots", s: "2026-10", p: 7 })).toString("base64url");
  for (const [query, code] of [
    [`/v1/snapshots?period=2026-09&cursor=${nextCursor}`, "cursor_invalid"],
    [`/v1/snapshots/changes?after=${nextCursor}`, "cursor_invalid"],
    [`/v1/snapshots?period=2026-10&cursor=${resumeCursor}`, "cursor_invalid"],
    [`/v1/snapshots?period=2026-10&cursor=${forged}`, "cursor_invalid"],
    ["/v1/snapshots?period=2026-10&cursor=%00", "cursor_invalid"],
    [`/v1/snapshots?period=2026-10&cursor=${"A".repeat(5000)}`, "cursor_invalid"],
    ["/v1/snapshots?period=2026-10&limit=0", "request_invalid"],
    ["/v1/snapshots?period=2026-10&limit=1001", "request_invalid"],
    ["/v1/snapshots?period=2026-10&limit=1&limit=2", "request_invalid"],
    ["/v1/snapshots?period=2026-10&limt=5", "request_invalid"],
    ["/v1/snapshots", "period_invalid"],
  ]) {
    const answer = await app.inject(query ?? "");
    expect([query, answer.statusCode, answer.json().code]).toEqual([query, 400, code]);
  }
});

test("a period that is not over and has nothing says when it will", async () => {
  const app = await injectableApi(
    apiWorld({
      snapshots: memorySnapshots(meter(1)),
      registry: memoryRegistry({ meterId: "m-0001", usagePointId: "u", registers: [] }),
    }),
  );
  for (const url of [
    "/v1/snapshots?period=2026-11",
    "/v1/meters/m-0001/snapshots/2026-11",
    "/v1/meters/m-0001/snapshots/2026-11/revisions",
  ]) {
    const answer = await app.inject(url);
    expect([url, answer.json().code]).toEqual([url, "period_open"]);
    expect(answer.json().detail).toContain("ends at 2026-11-30T22:00:00Z");
  }
  expect((await app.inject("/v1/snapshots?period=2026-09")).json()).toEqual({ items: [] });
});

test("a poller of changes misses nothing and sees nothing twice", async () => {
  const snapshots = memorySnapshots();
  const app = await injectableApi(apiWorld({ snapshots }));
  let after = "";
  const seen: string[] = [];
  const poll = async (limit: number) => {
    const answer = await app.inject(`/v1/snapshots/changes?limit=${limit}${after === "" ? "" : `&after=${after}`}`);
    const page = changesSchema.parse(answer.json());
    seen.push(...page.items.map(({ id }) => id));
    after = page.resumeCursor;
    return page;
  };
  expect((await poll(10)).items).toEqual([]);
  const revisions = Array.from({ length: 23 }, (_, i) => aSnapshot({ revision: i + 1 }));
  snapshots.issue(...revisions.slice(0, 15));
  expect((await poll(10)).nextCursor).toBe(after);
  expect((await poll(10)).nextCursor).toBeUndefined();
  expect((await poll(10)).items).toEqual([]);
  snapshots.issue(...revisions.slice(15));
  await poll(10);
  expect(seen).toEqual(revisions.map(({ revision }) => `m-1/2026-10/${revision}`));
});

test("each line of a stream of changes can be resumed from", async () => {
  const snapshots = memorySnapshots(...Array.from({ length: 5 }, (_, i) => aSnapshot({ revision: i + 1 })));
  const app = await injectableApi(apiWorld({ snapshots }));
  const headers = { accept: "application/x-ndjson" };
  const lines = (await app.inject({ url: "/v1/snapshots/changes", headers })).body
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.map(({ revision }) => revision)).toEqual([1, 2, 3, 4, 5]);
  const rest = (await app.inject(`/v1/snapshots/changes?after=${lines[2].cursor}`)).json();
  expect(rest.items.map(({ revision }: { revision: number }) => revision)).toEqual([4, 5]);
});

test("a poller of shards, also of new ones: nothing missed, nothing twice, each meter in order", async () => {
  const snapshots = memorySnapshots();
  const app = await injectableApi(apiWorld({ snapshots }));
  const seen: string[] = [];
  let after = "";
  const pollAll = async (limit: number) => {
    for (;;) {
      const query = after === "" ? "" : `&after=${after}`;
      const page = changesSchema.parse((await app.inject(`/v1/snapshots/changes?limit=${limit}${query}`)).json());
      seen.push(...page.items.map(({ id }) => id));
      after = page.resumeCursor;
      if (page.nextCursor === undefined) return;
    }
  };
  const of = (meterId: string, revision: number) => aSnapshot({ meterId, revision });
  snapshots.issueIn(1, of("b", 1), of("b", 2));
  await pollAll(1);
  snapshots.issueIn(0, of("a", 1));
  snapshots.issueIn(1, of("b", 3));
  await pollAll(2);
  snapshots.issueIn(3, of("b", 4), of("d", 1));
  snapshots.issueIn(0, of("a", 2));
  await pollAll(2);
  expect(seen).toEqual([
    "b/2026-10/1",
    "b/2026-10/2",
    "a/2026-10/1",
    "b/2026-10/3",
    "a/2026-10/2",
    "b/2026-10/4",
    "d/2026-10/1",
  ]);
  const fresh = (await app.inject("/v1/snapshots/changes")).json();
  expect(fresh.items.filter(({ meterId }: { meterId: string }) => meterId === "b")).toHaveLength(4);
  expect(fresh.resumeCursor).toBe(after);
});

test("a cursor holds a place in each of 256 shards, and the next request takes it", async () => {
  const snapshots = memorySnapshots();
  const million = Array.from({ length: 256 }, () => 2 ** 44 - 1);
  const view = { ...snapshots, lastPlace: async () => million, catchUp: async () => undefined };
  const app = await injectableApi(apiWorld({ snapshots: view }));
  const { resumeCursor } = (await app.inject("/v1/snapshots/changes?after=now")).json();
  expect((await app.inject(`/v1/snapshots/changes?after=${resumeCursor}`)).json()).toEqual({ items: [], resumeCursor });
});

test("a cursor beyond the ledger is told, not waited on for ever", async () => {
  const long = await injectableApi(apiWorld({ snapshots: memorySnapshots(meter(1), meter(2)) }));
  const { resumeCursor } = (await long.inject("/v1/snapshots/changes")).json();
  const restored = await injectableApi(apiWorld({ snapshots: memorySnapshots(meter(1)) }));
  expect((await restored.inject(`/v1/snapshots/changes?after=${resumeCursor}`)).json().code).toBe("cursor_ahead");
});

test("one snapshot, its revisions, and why there is none", async () => {
  const snapshots = memorySnapshots(aSnapshot(), aSnapshot({ revision: 2, lifecycle: "revised" }));
  const registry = memoryRegistry({ meterId: "m-1", usagePointId: "up-1", registers: [] });
  const app = await injectableApi(apiWorld({ snapshots, registry }));
  const get = async (path: string) => (await app.inject(`/v1/meters/${path}`)).json();
  expect((await get("m-1/snapshots/2026-10")).revision).toBe(2);
  expect(snapshotSchema.parse(await get("m-1/snapshots/2026-10?revision=1")).id).toBe("m-1/2026-10/1");
  expect((await get("m-1/snapshots/2026-10/revisions")).items.map(({ id }: { id: string }) => id)).toEqual([
    "m-1/2026-10/1",
    "m-1/2026-10/2",
  ]);
  expect(await get("m-1/snapshots/2026-10?revision=3")).toMatchObject({
    status: 404,
    code: "revision_unknown",
    detail: "m-1 2026-10 has the revisions 1 to 2",
  });
  expect((await get("m-1/snapshots/2026-09")).code).toBe("snapshot_unknown");
  expect((await get("m-9/snapshots/2026-10")).code).toBe("meter_unknown");
  expect((await get("m-9/snapshots/2026-10/revisions")).code).toBe("meter_unknown");
});

test.for([
  { accept: undefined, type: "application/json" },
  { accept: "*/*", type: "application/json" },
  { accept: "text/html,application/xhtml+xml,*/*;q=0.8", type: "application/json" },
  { accept: "text/csv", type: "text/csv" },
  { accept: "application/json;q=0.5, text/csv;q=0.9", type: "text/csv" },
  { accept: "application/x-ndjson, */*;q=0.1", type: "application/x-ndjson" },
  { accept: "image/png", type: "application/problem+json" },
  { accept: "text/csv;q=0", type: "application/problem+json" },
])("Accept: $accept gives $type", async ({ accept, type }) => {
  const app = await injectableApi(apiWorld({ snapshots: memorySnapshots(meter(1)) }));
  const answer = await app.inject({
    url: "/v1/snapshots?period=2026-10",
    headers: accept === undefined ? {} : { accept },
  });
  expect(answer.headers["content-type"]).toContain(type);
});

test("a stream gives everything, or up to the limit that was asked for", async () => {
  const snapshots = memorySnapshots(...Array.from({ length: 2500 }, (_, i) => meter(i)));
  const app = await injectableApi(apiWorld({ snapshots }));
  const rows = async (query: string, accept: string) =>
    (await app.inject({ url: `/v1/snapshots?period=2026-10${query}`, headers: { accept } })).body.trimEnd().split("\n");
  const all = await rows("", "text/csv");
  expect(all).toHaveLength(2501);
  expect(new Set(all.map((row) => row.split(",")[0])).size).toBe(2501);
  expect(await rows("&limit=7", "application/x-ndjson")).toHaveLength(7);
  expect(await rows("&limit=1000", "text/csv")).toHaveLength(1001);
  expect(
    (await rows("&limit=2", "application/x-ndjson")).map((line) => snapshotSchema.parse(JSON.parse(line)).meterId),
  ).toEqual(["m-0000", "m-0001"]);
});

test("an empty stream of CSV still has its header", async () => {
  const app = await injectableApi(apiWorld());
  const answer = await app.inject({ url: "/v1/snapshots?period=2026-09", headers: { accept: "text/csv" } });
  expect(answer.body).toMatch(/^meter_id,.*,estimate_high\n$/);
});

test("N19: changes from now on, or from a time", async () => {
  const at = (meterId: string, issuedAtMs: number) => aSnapshot({ meterId, issuedAtMs });
  const hour = instant("2026-11-03T22:00:00Z") * 1000;
  const snapshots = memorySnapshots(at("a", hour), at("b", hour + 1000), at("c", hour + 2000));
  const app = await injectableApi(apiWorld({ snapshots }));
  const changes = async (query: string) => (await app.inject(`/v1/snapshots/changes?${query}`)).json();
  const ids = ({ items }: { items: { meterId: string }[] }) => items.map(({ meterId }) => meterId).join("");
  const now = await changes("after=now");
  expect(now.items).toEqual([]);
  snapshots.issue(at("d", hour + 3000));
  expect(ids(await changes(`after=${now.resumeCursor}`))).toBe("d");
  expect(ids(await changes("since=2026-11-03T22:00:01Z"))).toBe("bcd");
  expect(ids(await changes("since=2026-11-04T00:00:00Z"))).toBe("");
  expect((await changes("since=2026-11-03T22:00:01Z&after=now")).detail).toContain("since: is another way");
  expect((await changes("since=yesterday")).detail).toContain("since: an RFC 3339 instant");
});

test("the months of a meter, newest first, each by its latest revision", async () => {
  const snapshots = memorySnapshots(
    aSnapshot({ period: 2026 * 12 + 8 }),
    aSnapshot({ period: 2026 * 12 + 9 }),
    aSnapshot({ period: 2026 * 12 + 9, revision: 2 }),
    aSnapshot({ meterId: "m-2", period: 2026 * 12 + 7 }),
  );
  const app = await injectableApi(apiWorld({ snapshots }));
  const get = async (path: string) => (await app.inject(`/v1/meters/${path}`)).json();
  const ids = async (path: string) => (await get(path)).items.map(({ id }: { id: string }) => id);
  expect(await ids("m-1/snapshots")).toEqual(["m-1/2026-10/2", "m-1/2026-09/1"]);
  expect(await ids("m-1/snapshots?limit=1")).toEqual(["m-1/2026-10/2"]);
  expect((await get("m-9/snapshots")).code).toBe("meter_unknown");
});

test("N22: ?quality= leaves the meters that have a row of it, in pages without loss", async () => {
  const meters = Array.from({ length: 30 }, (_, i) => `m-${String(i).padStart(2, "0")}`);
  const poor = (i: number) => [aRegisterSnapshot(), aRegisterSnapshot({ quality: i % 7 === 0 ? "missing" : "actual" })];
  const snapshots = memorySnapshots(...meters.map((meterId, i) => aSnapshot({ meterId, registers: poor(i) })));
  const app = await injectableApi(apiWorld({ snapshots }, { limits: { exportPage: 4 } }));
  const get = async (query: string) =>
    (await app.inject(`/v1/snapshots?period=2026-10&quality=missing${query}`)).json();
  const seen: string[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const page: { items: { meterId: string }[]; nextCursor?: string } = await get(`&limit=2&cursor=${cursor}`);
    seen.push(...page.items.map(({ meterId }) => meterId));
    cursor = page.nextCursor;
  }
  expect(seen).toEqual(["m-00", "m-07", "m-14", "m-21", "m-28"]);
  const csv = (await app.inject("/v1/snapshots?period=2026-10&quality=missing&format=csv")).body;
  expect(csv.trim().split("\n")).toHaveLength(1 + 2 * seen.length);
  expect((await get("&quality=cake")).code).toBe("request_invalid");
});

test("N20: a revision says what it changed, and whether the meter's record was changed before it", async () => {
  const row = aSnapshot().registers[0] as RegisterSnapshot;
  const [one, two, three] = [
    aSnapshot({ issuedAtMs: 0, registers: [{ ...row, consumption: 100, quality: "estimated" }] }),
    aSnapshot({ issuedAtMs: 2, revision: 2, registers: [{ ...row, consumption: 4000, quality: "estimated" }] }),
    aSnapshot({ issuedAtMs: 3, revision: 3, registers: [{ ...row, consumption: 3900, quality: "actual" }] }),
  ];
  // It is recorded at 1.
  const registry = memoryRegistry({ meterId: "m-1", usagePointId: "up-1", registers: [] });
  const app = await injectableApi(apiWorld({ snapshots: memorySnapshots(one, two, three), registry }));
  const answer = await app.inject("/v1/meters/m-1/snapshots/2026-10/revisions");
  const { items } = revisionsSchema.parse(answer.json());
  const of = { register: row.register, unit: row.unit };
  expect(items.map(({ changes }) => changes)).toMatchObject([
    undefined,
    {
      since: 1,
      cause: "master-data",
      masterData: [{ version: 1, recordedAt: "1970-01-01T00:00:00.001Z" }],
      registers: [{ ...of, before: { consumption: 100 }, after: { consumption: 4000 }, difference: 3900 }],
    },
    {
      since: 2,
      cause: "readings",
      masterData: [],
      registers: [{ ...of, before: { quality: "estimated" }, after: { quality: "actual" }, difference: -100 }],
    },
  ]);
});

test("N20: a changed usage point is told too, and a reading that came beside a change is the cause where it was", async () => {
  const row = aSnapshot().registers[0] as RegisterSnapshot;
  const reasons = ["window closed", "inputs changed after final", "inputs changed after final: master data: its zone"];
  const revisions = reasons.map((reason, i) =>
    aSnapshot({ reason, issuedAtMs: i * 2, revision: i + 1, registers: [{ ...row, consumption: 100 + i }] }),
  );
  const registry = memoryRegistry({ meterId: "m-1", usagePointId: "up-1", registers: [] });
  const zone = [{ validFrom: 0, value: "Europe/Kyiv" }];
  const usagePoint = { usagePointId: "up-1", zone };
  await registry.apply([{ writes: [{ base: null, usagePoint }], by: "anna", reason: "moved" }]);
  const app = await injectableApi(apiWorld({ snapshots: memorySnapshots(...revisions), registry }));
  const answer = await app.inject("/v1/meters/m-1/snapshots/2026-10/revisions");
  const { items } = revisionsSchema.parse(answer.json());
  expect(items.map(({ changes }) => changes?.cause)).toEqual([undefined, "readings", "master-data"]);
  const told = items.flatMap(({ changes }) => changes?.masterData ?? []);
  expect(told).toContainEqual(expect.objectContaining({ usagePointId: "up-1", by: "anna", reason: "moved" }));
});
