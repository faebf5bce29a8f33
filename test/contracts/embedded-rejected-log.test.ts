import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openEmbeddedRejectedLog } from "@meterbook/adapters/embedded/rejected-log/embedded-rejected-log";
import type { Damage } from "@meterbook/core/domain/damage/damage";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import { expect, onTestFinished, test, vi } from "vitest";
import { databaseBytes } from "../support/database-bytes.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { aRejection, rejectedLogContract } from "./rejected-log.contract.ts";

function open(dataDir: string, tell: TellDamage = () => undefined) {
  return openEmbeddedRejectedLog({ dataDir, ears: { tell, nowMs: () => 7 } });
}

rejectedLogContract(async () => {
  const dataDir = await temporaryDirectory();
  return {
    open: async (tell) => open(dataDir, tell),
    async appendDamaged(log, rejection, change) {
      await log.append([rejection]);
      const file = new DatabaseSync(join(dataDir, "rejected.db"));
      const row = file.prepare("SELECT place, payload FROM refused_message ORDER BY place DESC LIMIT 1").get();
      const damaged = change(Buffer.from(row?.["payload"] as Uint8Array));
      file.prepare("UPDATE refused_message SET payload = ? WHERE place = ?").run(damaged, row?.["place"] as number);
      file.close();
    },
    bytesKept: async () => databaseBytes(join(dataDir, "rejected.db")),
  };
});

test("H10: what is older than it is kept goes, oldest first, and still counts; shares are what is left", async () => {
  const dataDir = await temporaryDirectory();
  const dayMs = 86_400_000;
  const log = openEmbeddedRejectedLog({ dataDir });
  const days = [1, 1, 2, 5, 9];
  for (const [n, day] of days.entries())
    await log.append([aRejection({ receivedAtMs: day * dayMs, detail: `${n}`, senderName: n < 3 ? "a" : "b" })]);
  const [first] = await log.list({ limit: 1, includeReplayed: true });
  await log.markReplayed(first?.id ?? "", 7);
  const before = log.filledBy();
  await log.close();
  const forgotten: number[] = [];
  const retention = { retentionDays: 4, nowMs: () => 7 * dayMs, forgot: (count: number) => void forgotten.push(count) };
  const again = openEmbeddedRejectedLog({ dataDir, retention });
  await vi.waitFor(() => expect(forgotten).toEqual([3]));
  expect((await again.list({ limit: 9, includeReplayed: true })).map(({ detail }) => detail)).toEqual(["3", "4"]);
  expect(await again.get(first?.id ?? "")).toBeUndefined();
  expect(await again.totals()).toEqual({ open: 4, byReason: { report_malformed: 4 } });
  expect([...again.filledBy().keys()]).toEqual(["b"]);
  expect(again.filledBy().get("b")).toBe(before.get("b"));
  await again.close();
});

const changes: [what: string, sql: string, where: string][] = [
  ["a refusal", "UPDATE refusal SET detail = 'tw0' WHERE detail = 'two'", "message 2 refusal 0"],
  ["its number", "UPDATE refusal SET id = id + 7 WHERE detail = 'two'", "message 2 refusal 7"],
  ["a message's topic", "UPDATE refused_message SET topic = 'meters/m-2/readings' WHERE place = 2", "message 2"],
  ["a number that is none", "UPDATE refused_message SET received_at_ms = 1 << 62 WHERE place = 2", "message 2"],
  ["a message's place", "UPDATE refused_message SET place = 9 WHERE place = 2", "message 2"],
];

test.for(changes)("H07: %s that was changed beside it is named, and a call for it says so", async ([, sql, where]) => {
  const dataDir = await temporaryDirectory();
  const log = open(dataDir);
  for (const detail of ["one", "two", "three"]) await log.append([aRejection({ detail })]);
  const ids = (await log.list({ limit: 9, includeReplayed: true })).map(({ id }) => id);
  await log.close();
  changeBeside(dataDir, sql);
  const told = new Map<string, Damage>();
  const again = open(dataDir, (damage) => void told.set(damage.id, damage));
  onTestFinished(() => again.close());
  const shown = await again.list({ limit: 2, includeReplayed: true });
  expect(shown.map(({ detail }) => detail)).toEqual(["one", "three"]);
  expect([...told.values()]).toMatchObject([{ place: "rejected-log", where, foundAtMs: 7 }]);
  if (!sql.includes("id = id")) await expect(again.get(ids[1] ?? "")).rejects.toMatchObject({ code: "record_damaged" });
});

test("H07: a count that was changed beside it is named and counted again from what is kept", async () => {
  const dataDir = await temporaryDirectory();
  const log = open(dataDir);
  await log.append([aRejection(), aRejection({ payload: Buffer.from("x") }), aRejection({ reason: "at_in_future" })]);
  await log.close();
  changeBeside(dataDir, "UPDATE open_count SET count = 1000 WHERE reason = 'report_malformed'");
  const told = new Map<string, Damage>();
  const again = open(dataDir, (damage) => void told.set(damage.id, damage));
  onTestFinished(() => again.close());
  expect(await again.totals()).toEqual({ open: 3, byReason: { at_in_future: 1, report_malformed: 2 } });
  expect([...told.values()]).toMatchObject([{ place: "rejected-log", where: "count of report_malformed" }]);
  await again.append([aRejection()]);
  expect((await again.totals()).byReason).toEqual({ at_in_future: 1, report_malformed: 3 });
});

test("H07: messages whose time was changed beside them do not hold up what is too old", async () => {
  const dataDir = await temporaryDirectory();
  const dayMs = 86_400_000;
  const log = open(dataDir);
  for (const day of [1, 2, 3, 8]) await log.append([aRejection({ receivedAtMs: day * dayMs, detail: `${day}` })]);
  await log.close();
  changeBeside(dataDir, "UPDATE refused_message SET received_at_ms = 1 << 50 WHERE place = 1");
  changeBeside(dataDir, "UPDATE refused_message SET received_at_ms = 0 WHERE place = 4");
  const retention = { retentionDays: 4, nowMs: () => 10 * dayMs, forgot: () => undefined };
  const again = openEmbeddedRejectedLog({ dataDir, retention });
  onTestFinished(() => again.close());
  const file = new DatabaseSync(join(dataDir, "rejected.db"), { readOnly: true });
  onTestFinished(() => file.close());
  const places = () => file.prepare("SELECT place FROM refused_message").all();
  await vi.waitFor(() => expect(places()).toEqual([{ place: 4 }]), { timeout: 20_000 });
});

function changeBeside(dataDir: string, sql: string): void {
  const file = new DatabaseSync(join(dataDir, "rejected.db"));
  file.exec(sql);
  file.close();
}

test("a share that is emptied by hand is forgotten for good, others are not, and what was refused still counts", async () => {
  const dataDir = await temporaryDirectory();
  const emptied: string[] = [];
  const ingest = openEmbeddedRejectedLog({ dataDir, emptied: (sender) => void emptied.push(sender) });
  const api = openEmbeddedRejectedLog({ dataDir });
  onTestFinished(() => Promise.all([ingest.close(), api.close()]).then(() => undefined));
  const of = (senderName: string, count: number) =>
    Array.from({ length: count }, (_, n) => aRejection({ senderName, payload: Buffer.from([n & 255, n >> 8]) }));
  await ingest.append([...of("filler", 450), ...of("honest", 2), aRejection()]);
  expect((await api.shares.list(2)).map(({ sender, messages }) => [sender, messages])).toEqual([
    ["filler", 450],
    ["honest", 2],
  ]);
  expect(await api.shares.empty("filler")).toBe(450);
  expect((await api.shares.list(9)).map(({ sender, messages }) => [sender, messages])).toEqual([
    ["honest", 2],
    ["", 1],
  ]);
  await vi.waitFor(() => expect(emptied).toEqual(["filler"]));
  expect(await api.shares.empty("filler")).toBe(0);
  expect(await api.shares.empty("")).toBe(1);
  expect((await api.list({ limit: 1000, includeReplayed: true })).length).toBe(2);
  expect((await api.totals()).open).toBe(453);
});
