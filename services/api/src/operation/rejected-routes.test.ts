import type { LoggedReport } from "@meterbook/core/ports/readings-log";
import { expect, test } from "vitest";
import { instant } from "../../../../test/support/readings.ts";
import { apiWorld, aRejection, injectableApi } from "../../../../test/support/worlds/api-world.ts";
import { memoryReadingsLog, memoryRejectedLog } from "../../../../test/support/worlds/memory-ports.ts";
import { rejectionSchema } from "./rejected-routes.ts";

const now = instant("2026-11-10T12:00:00Z") * 1000;
const report = (readings: number): LoggedReport => ({
  meterId: "m-1",
  receivedAtMs: now,
  origin: "remote",
  report: new Uint8Array(),
  readings,
});

test("N21: the refused are asked for by reason, meter and time, newest first, in pages", async () => {
  const at = (minute: number) => instant(`2026-11-01T08:${String(minute).padStart(2, "0")}:00Z`) * 1000;
  const entries = Array.from({ length: 10 }, (_, i) =>
    aRejection({
      id: String(i).padStart(6, "0"),
      meterId: `m-${i % 2}`,
      reason: i % 3 === 0 ? "unit_unknown" : "json_invalid",
      receivedAtMs: at(i),
    }),
  );
  const app = await injectableApi(apiWorld({ rejectedLog: memoryRejectedLog(...entries) }));
  const ids = async (query: string) => {
    const { items } = (await app.inject(`/v1/rejected?${query}`)).json() as { items: { id: string }[] };
    return items.map(({ id }) => Number(id)).join(",");
  };
  expect(await ids("order=newest&limit=3")).toBe("9,8,7");
  expect(await ids("reason=unit_unknown")).toBe("0,3,6,9");
  expect(await ids("reason=unit_unknown&meterId=m-1&order=newest")).toBe("9,3");
  expect(await ids("from=2026-11-01T08:02:00Z&to=2026-11-01T08:05:00Z")).toBe("2,3,4");
  // Of another version, which knew it; and one that this version knows and nothing was refused for.
  expect(await ids("reason=json_invalid&limit=2")).toBe("1,2");
  expect(await ids("reason=store_refused")).toBe("");
  const first = (await app.inject("/v1/rejected?order=newest&limit=4")).json();
  expect(await ids(`order=newest&limit=4&cursor=${first.nextCursor}`)).toBe("5,4,3,2");
  for (const [query, words] of [
    [`limit=4&cursor=${first.nextCursor}`, "the same list asked for something else"],
    ["order=latest", "order: must be one of oldest, newest"],
    ["reason=a%20b", "reason: a reason code"],
    ["reason=nope", "reason: must be one of topic_unknown, meter_id_invalid, "],
    ["from=2026-11-02T00:00:00Z&to=2026-11-01T00:00:00Z", "to: must be after from"],
  ])
    expect([query, (await app.inject(`/v1/rejected?${query}`)).json().detail]).toEqual([
      query,
      expect.stringContaining(words ?? ""),
    ]);
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

test("an operator sees who fills the log, and empties a share by hand", async () => {
  const emptied: string[] = [];
  const shares = {
    list: async (limit: number) => [{ sender: "conc 1/ü", bytes: 9, messages: 2 }].slice(0, limit),
    async empty(sender: string) {
      emptied.push(sender);
      return 2;
    },
  };
  const app = await injectableApi(apiWorld({ rejectedLog: { ...memoryRejectedLog(), shares } }));
  const post = (payload: object) => app.inject({ method: "POST", url: "/v1/rejected/senders:empty", payload });
  const answer = await app.inject("/v1/rejected/senders");
  expect(answer.json()).toEqual({ items: [{ sender: "conc 1/ü", bytes: 9, messages: 2 }] });
  expect((await post({ sender: "conc 1/ü" })).json()).toEqual({ sender: "conc 1/ü", forgotten: 2 });
  expect(emptied).toEqual(["conc 1/ü"]);
  expect((await post({})).json().code).toBe("request_invalid");
  const onKafka = await injectableApi(apiWorld({ rejectedLog: memoryRejectedLog() }));
  const elsewhere = await onKafka.inject("/v1/rejected/senders");
  expect([elsewhere.statusCode, elsewhere.json().code]).toEqual([409, "shares_not_kept"]);
});
