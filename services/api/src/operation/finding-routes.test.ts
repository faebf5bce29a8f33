import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { parsePeriod } from "@meterbook/core/domain/snapshot/snapshot";
import { expect, onTestFinished, test } from "vitest";
import { instant } from "../../../../test/support/readings.ts";
import { apiWorld, aRegisterSnapshot, aSnapshot, injectableApi } from "../../../../test/support/worlds/api-world.ts";
import { memoryGroupSums, memorySnapshots } from "../../../../test/support/worlds/memory-ports.ts";
import { makeKey } from "../http/access/api-keys.ts";

const september = instant("2026-09-30T21:00:00Z");
const october = instant("2026-10-31T22:00:00Z");

function month(meterId: string, period: string, rules: readonly string[]): Snapshot {
  const at = period === "2026-09" ? september : october;
  const findings = rules.map((rule, index) => ({ rule: rule as "V13", at: at - rules.length + index + 1 }));
  const of = { meterId, usagePointId: `up-${meterId}`, period: parsePeriod(period) as number };
  return aSnapshot({ ...of, registers: [aRegisterSnapshot({ findings })] });
}

async function opened() {
  const issued = [
    month("m-1", "2026-09", ["V13"]),
    month("m-2", "2026-09", []),
    month("m-3", "2026-09", ["V12", "V15"]),
    month("m-1", "2026-10", ["V13", "V18", "V13"]),
    month("m-2", "2026-10", ["V13"]),
  ];
  const groupSums = memoryGroupSums({
    "feeder:F1": { meters: 2, meterIds: ["m-3", "m-1"], days: {} },
    "supplier:S": { meters: 9000, meterIds: ["m-1"], days: {} },
  });
  const app = await injectableApi(apiWorld({ snapshots: memorySnapshots(...issued), groupSums }));
  const list = async (query: string) => {
    const answer = (await app.inject(`/v1/findings?${query}`)).json() as {
      items: { rule: string; meterId: string; period: string }[];
      nextCursor?: string;
    };
    return { ...answer, short: answer.items.map(({ rule, meterId, period }) => `${period} ${meterId} ${rule}`) };
  };
  return { app, list };
}

const all = [
  "2026-10 m-1 V13",
  "2026-10 m-1 V18",
  "2026-10 m-1 V13",
  "2026-10 m-2 V13",
  "2026-09 m-1 V13",
  "2026-09 m-3 V12",
  "2026-09 m-3 V15",
];

test("N22: findings of the fleet, the newest month first, whole or in pages of any size", async () => {
  const { list } = await opened();
  expect((await list("")).short).toEqual(all);
  for (const limit of [1, 2, 3, 4, 7]) {
    const seen: string[] = [];
    let cursor = "";
    do {
      const page = await list(`limit=${limit}&cursor=${cursor}`);
      expect(page.short.length).toBeLessThanOrEqual(limit);
      seen.push(...page.short);
      cursor = page.nextCursor ?? "";
    } while (cursor !== "");
    expect(seen, `limit ${limit}`).toEqual(all);
  }
  const ofGroup: string[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const page = await list(`group=feeder:F1&limit=1&cursor=${cursor}`);
    ofGroup.push(...page.short);
    cursor = page.nextCursor;
  }
  expect(ofGroup).toEqual(all.filter((_, index) => index !== 3));
});

test.for([
  { query: "rule=V13&period=2026-10", only: [0, 2, 3] },
  { query: "meterId=m-1", only: [0, 1, 2, 4] },
  { query: "meterId=m-9", only: [] },
  { query: "group=feeder:F1", only: [0, 1, 2, 4, 5, 6] },
  { query: "group=feeder:F1&period=2026-09&rule=V13", only: [4] },
  { query: "group=feeder:F1&meterId=m-2", only: [] },
  { query: "group=fleet", only: [0, 1, 2, 3, 4, 5, 6] },
  { query: "rule=V15", only: [6] },
  { query: `from=${new Date((october - 1) * 1000).toISOString()}`, only: [1, 2, 3] },
  { query: `to=${new Date(september * 1000).toISOString()}`, only: [5] },
])("$query", async ({ query, only }) => {
  const { list } = await opened();
  expect((await list(query)).short).toEqual(only.map((index) => all[index]));
});

test("as CSV and NDJSON, and what is asked wrongly is told", async () => {
  const { app } = await opened();
  const csv = await app.inject({ url: "/v1/findings?rule=V18", headers: { accept: "text/csv" } });
  expect(csv.body.split("\n")).toEqual([
    "rule,at,meter_id,usage_point_id,register,unit,period,quality,snapshot_id",
    "V18,2026-10-31T21:59:59Z,m-1,up-m-1,1.8.0,Wh,2026-10,actual,m-1/2026-10/1",
    "",
  ]);
  const wrong = ["rule=V99", "period=2026-13", "from=2026-10-01T00:00:00Z&to=2026-09-01T00:00:00Z"];
  const statuses = wrong.map(async (query) => (await app.inject(`/v1/findings?${query}`)).statusCode);
  expect(await Promise.all(statuses)).toEqual([400, 400, 400]);
  const codes = ["group=nobody", "group=supplier:S"].map(
    async (query) => (await app.inject(`/v1/findings?${query}`)).json().code,
  );
  expect(await Promise.all(codes)).toEqual(["group_unknown", "group_too_large"]);
});

test("who is in a group is for keys that may see groups; the findings of all meters are for billing too", async () => {
  const directory = mkdtempSync(join(tmpdir(), "meterbook-keys-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const apiKeysFile = join(directory, "keys.jsonl");
  const [billing, analyst] = [makeKey("billing", ["billing"]), makeKey("anna", ["analyst"])];
  writeFileSync(apiKeysFile, [billing, analyst].map(({ stored }) => `${JSON.stringify(stored)}\n`).join(""));
  const groupSums = memoryGroupSums({ "feeder:F1": { meters: 1, meterIds: ["m-1"], days: {} } });
  const snapshots = memorySnapshots(month("m-1", "2026-10", ["V13"]));
  const app = await injectableApi(apiWorld({ snapshots, groupSums }, { apiKeysFile }));
  const ask = async (query: string, key: string) => {
    const answer = await app.inject({
      url: `/v1/findings?${query}`,
      headers: { authorization: `Bearer ${key}` },
    });
    const { code, items } = answer.json();
    return [answer.statusCode, code ?? items.length];
  };
  for (const query of ["group=feeder:F1", "group=feeder:F1&meterId=m-1", "group=feeder:F9", "group=fleet"])
    expect([query, ...(await ask(query, billing.key))]).toEqual([query, 403, "scope_missing"]);
  expect(await ask("meterId=m-1", billing.key)).toEqual([200, 1]);
  expect(await ask("group=feeder:F1", analyst.key)).toEqual([200, 1]);
});
