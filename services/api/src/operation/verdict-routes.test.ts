import { findingsOf, originOf, qualityOf, readingCode, revisionOf } from "@meterbook/core/domain/reading/reading";
import type { StoredConflict } from "@meterbook/core/ports/series-store";
import { decodeReport } from "@meterbook/intake/decoders/protobuf/meter-report-protobuf";
import { noteOfReport } from "@meterbook/intake/report-note";
import { expect, test } from "vitest";
import { instant } from "../../../../test/support/readings.ts";
import { apiWorld, injectableApi } from "../../../../test/support/worlds/api-world.ts";
import { memoryReadingsLog, memorySeries } from "../../../../test/support/worlds/memory-ports.ts";

const at = instant("2026-09-30T21:00:00Z");
const total = { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 } as const;
const hours = { register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds: 3600 } as const;
const id = "m-1/1.8.0/register/0/2026-09-30T21:00:00Z/900000";

const conflict: StoredConflict = {
  ...{ id: 1, meterId: "m-1", channel: total, at, receivedAtMs: 5 },
  kept: { at, value: 900_000, code: 0 },
  refused: { at, value: 90_000, code: 0 },
};

async function opened(code = readingCode("actual", "remote")) {
  const log = memoryReadingsLog(() => 0);
  const series = memorySeries(
    {
      "m-1": [
        { channel: total, at: [at], value: [900_000], code: [code] },
        { channel: hours, at: [at], value: [7], code: [0] },
      ],
    },
    [conflict],
  );
  const app = await injectableApi(apiWorld({ series, readingsLog: { ...log, appendBarrier: log.appendBarrier } }));
  const post = (of: string, body: object) =>
    app.inject({ method: "POST", url: `/v1/readings/${encodeURIComponent(of)}/verdict`, payload: body });
  const logged = () =>
    log.reports.map(({ meterId, origin, report }) => {
      const [one] = decodeReport(report, origin);
      const said = one?.code[0] ?? 0;
      const what = [qualityOf(said), originOf(said), revisionOf(said), findingsOf(said).length];
      return [meterId, one?.channel.kind, one?.at[0], one?.value[0], ...what, noteOfReport(report)];
    });
  return { app, post, logged };
}

test("what an operator accepts is the same reading once more, of an operator, with the reason", async () => {
  const { post, logged } = await opened();
  const answer = await post(id, { verdict: "accept", reason: "read on the spot" });
  expect(answer.json()).toMatchObject({ id, verdict: "accept", reason: "read on the spot" });
  expect(logged()).toEqual([
    [
      ...["m-1", "register", at, 900_000, "actual", "operator", 0, 0],
      "accepted by without a key, 1.8.0 of 2026-09-30T21:00:00Z: read on the spot",
    ],
  ]);
});

test("a later verdict has a higher revision, and the same one again changes nothing", async () => {
  const { post, logged } = await opened(readingCode("actual", "operator", { revision: 4 }));
  expect((await post(id, { verdict: "accept", reason: "again" })).statusCode).toBe(200);
  expect(logged()).toEqual([]);
  expect((await post(id, { verdict: "reject", reason: "a mistake" })).statusCode).toBe(200);
  expect(logged()).toMatchObject([["m-1", "register", at, 900_000, "suspect", "operator", 5, 0, expect.any(String)]]);
});

test("a value that another one stands in the place of can be accepted, and is not there to be rejected", async () => {
  const { post, logged } = await opened();
  const other = id.replace("900000", "90000");
  expect((await post(other, { verdict: "reject", reason: "x" })).json()).toMatchObject({ code: "reading_unknown" });
  expect((await post(other, { verdict: "accept", reason: "x" })).statusCode).toBe(200);
  expect(logged()).toMatchObject([["m-1", "register", at, 90_000, "actual", "operator", 0, 0, expect.any(String)]]);
});

test.for([
  { of: id.replace("900000", "900001"), code: "reading_unknown" },
  { of: id.replace("m-1", "m-2"), code: "reading_unknown" },
  { of: id.replace("1.8.0", "2.8.0"), code: "reading_unknown" },
  { of: id.replace("register/0", "interval/3600"), code: "reading_unknown" },
  { of: id.replace("21:00:00", "21:15:00"), code: "reading_unknown" },
  { of: "m-1/1.8.0", code: "request_invalid" },
  { of: `${id}/1`, code: "request_invalid" },
  { of: id.replace("900000", "9e5"), code: "request_invalid" },
  { of: id.replace("2026-09-30T21:00:00Z", "yesterday"), code: "request_invalid" },
])("$of: $code", async ({ of, code }) => {
  const { post, logged } = await opened();
  expect((await post(of, { verdict: "accept", reason: "x" })).json()).toMatchObject({ code });
  expect(logged()).toEqual([]);
});

test.for([
  {},
  { verdict: "accept" },
  { verdict: "accept", reason: "  " },
  { verdict: "maybe", reason: "x" },
  { verdict: "accept", reason: "a\nb" },
])("a verdict needs a reason: %j", async (body) => {
  const { post, logged } = await opened();
  expect((await post(id, body)).json()).toMatchObject({ code: "request_invalid" });
  expect(logged()).toEqual([]);
});

test("the list of readings says the id", async () => {
  const { app } = await opened();
  const { items } = (await app.inject("/v1/meters/m-1/readings")).json() as { items: { id: string }[] };
  expect(items.map((one) => one.id)).toEqual([id, "m-1/1.8.0/interval/3600/2026-09-30T21:00:00Z/7"]);
});
