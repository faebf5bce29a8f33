// Goal: a snapshot is proven by its proof alone, and anything else is refused by name. Method: a ledger in memory in
// two shards; the check
// of docs/snapshot-hash.md is run as it stands there, in Python.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { hasGrown } from "@meterbook/core/domain/seal/consistency";
import { sha256 } from "@meterbook/core/records/seal/sha256";
import { expect, test } from "vitest";
import { apiWorld, aSnapshot, injectableApi } from "../../../../test/support/worlds/api-world.ts";
import { memoryLedger } from "../../../../test/walk/memory-ledger.ts";
import { proofSchema, sealSchema } from "./seal-routes.ts";

async function sealedWorld() {
  const ledger = memoryLedger();
  const [first, second] = [ledger.open(0), ledger.open(3)];
  await first.append(Array.from({ length: 300 }, (_, i) => aSnapshot({ meterId: `m-${i}` })));
  await second.append([aSnapshot({ meterId: "z" })]);
  const app = await injectableApi(apiWorld({ snapshots: ledger.view }));
  return { ledger, first, second, app };
}

test("a period is sealed shard by shard, and what was issued since is counted", async () => {
  const { first, second, app } = await sealedWorld();
  const get = async () => (await app.inject("/v1/periods/2026-10/seal")).json();
  expect(await get()).toMatchObject({ code: "seal_unknown", status: 404 });
  await first.seal(1000);
  await second.seal(2000);
  const sealed = sealSchema.parse(await get());
  expect(sealed).toMatchObject({ period: "2026-10", records: 301, unsealed: 0 });
  expect(sealed.shards).toMatchObject([
    { shard: 0, size: 300, sealedAt: "1970-01-01T00:00:01Z" },
    { shard: 3, size: 1, sealedAt: "1970-01-01T00:00:02Z" },
  ]);
  await first.append([aSnapshot({ meterId: "m-7", revision: 2 })]);
  expect(await get()).toEqual({ ...sealed, records: 302, unsealed: 1 });
  await first.seal(3000);
  const [grown, other] = sealSchema.parse(await get()).shards;
  expect(other?.before).toBeUndefined();
  expect(grown?.before).toMatchObject({ size: 300, root: sealed.shards[0]?.root, sealedAt: "1970-01-01T00:00:01Z" });
  const bytes = (text: string) => Buffer.from(text, "hex");
  const of = (seal: { size: number; root: string } | undefined) => ({
    size: seal?.size ?? 0,
    root: bytes(seal?.root ?? ""),
  });
  const path = (grown?.before?.path ?? []).map(bytes);
  expect(hasGrown(sha256, { before: of(grown?.before), after: of(grown), path })).toBe(true);
});

test("a proof of each kind, and why there is none", async () => {
  const { first, second, app } = await sealedWorld();
  const get = async (path: string) => (await app.inject(`/v1/snapshots/${path}/proof`)).json();
  expect(await get("m-7/2026-10/1")).toMatchObject({ code: "seal_unknown" });
  await first.seal(1000);
  await second.seal(2000);
  const proof = proofSchema.parse(await get("m-7/2026-10/1"));
  expect(await get("m-7%2F2026-10%2F1")).toEqual(proof);
  expect(proof).toMatchObject({
    id: "m-7/2026-10/1",
    inShard: { index: 7, size: 300 },
    overShards: { index: 0, size: 2 },
  });
  expect(proof.root).toBe((await app.inject("/v1/periods/2026-10/seal")).json().root);
  await first.append([aSnapshot({ meterId: "m-7", revision: 2 })]);
  expect(await get("m-7/2026-10/2")).toMatchObject({ code: "seal_unknown" });
  expect(await get("m-7/2026-10/3")).toMatchObject({ code: "revision_unknown" });
  expect(await get("m-7%2F2026-10")).toMatchObject({ code: "request_invalid" });
  expect(await get("m-7/2026-13/1")).toMatchObject({ code: "period_invalid" });
});

test("H06: a proof is not given for a record that is not the one that was sealed", async () => {
  const { ledger, first, app } = await sealedWorld();
  ledger.putDamaged(0, aSnapshot({ meterId: "damaged" }));
  await first.seal(1000);
  ledger.database.exec(`DROP TRIGGER ledger_is_final;
    UPDATE ledger SET body = (SELECT body FROM ledger WHERE sequence = 5) WHERE sequence = 6`);
  const get = async (path: string) => (await app.inject(`/v1/snapshots/${path}/proof`)).json();
  expect(await get("m-5/2026-10/1")).toMatchObject({ code: "record_damaged" });
  expect(await get("m-6/2026-10/1")).toMatchObject({ id: "m-6/2026-10/1" });
});

const page = readFileSync("docs/snapshot-hash.md", "utf8");
const program = /```python\n(.*?)```/s.exec(page)?.[1] ?? "";
const python = ["python3", "python"].find((name) => runs(name));

test("docs/snapshot-hash.md: the check in another language has twenty lines", () => {
  expect(program.trimEnd().split("\n").length).toBeLessThanOrEqual(20);
});

test.skipIf(python === undefined)(
  "docs/snapshot-hash.md: the check as it stands there",
  {
    // Twenty starts of Python.
    timeout: 90_000,
  },
  async () => {
    const { first, second, app } = await sealedWorld();
    await first.seal(1000);
    await second.seal(2000);
    const { root } = (await app.inject("/v1/periods/2026-10/seal")).json();
    const check = (proof: unknown, of: string) =>
      runs(python as string, ["-c", program, of], JSON.stringify(proof)) ? "proven" : "refused";
    for (const id of ["m-0", "m-255", "m-256", "m-299", "z"]) {
      const proof = proofSchema.parse((await app.inject(`/v1/snapshots/${id}/2026-10/1/proof`)).json());
      expect([id, check(proof, root)]).toEqual([id, "proven"]);
      expect([id, check(proof, proof.leaf)]).toEqual([id, "refused"]);
      const record = Buffer.from(proof.record, "base64");
      record[9] = (record[9] as number) ^ 1;
      expect([id, check({ ...proof, record: record.toString("base64") }, root)]).toEqual([id, "refused"]);
      expect([id, check({ ...proof, shard: { ...proof.shard, size: 2 } }, root)]).toEqual([id, "refused"]);
    }
  },
);

function runs(command: string, args: readonly string[] = ["--version"], input = ""): boolean {
  try {
    execFileSync(command, args, { input, stdio: ["pipe", "ignore", "ignore"] });
    return true;
  } catch {
    return false;
  }
}
