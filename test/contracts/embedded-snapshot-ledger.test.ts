import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { prepareDataDirectory } from "@meterbook/adapters/embedded/directory/data-directory";
import {
  openEmbeddedSnapshotLedgers,
  openEmbeddedSnapshotView,
} from "@meterbook/adapters/embedded/ledger/embedded-snapshot-ledger";
import type { Damage } from "@meterbook/core/domain/damage/damage";
import { ledgerStart } from "@meterbook/sharding/ledger-place";
import { expect, onTestFinished, test } from "vitest";
import { aSnapshot, snapshotLedgerContract } from "./snapshot-ledger.contract.ts";

async function directory(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), "meterbook-ledger-"));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  return dataDir;
}

// A ledger of one shard is what all other tests have.
snapshotLedgerContract(async () => {
  const dataDir = await directory();
  prepareDataDirectory(dataDir, 4);
  const open = (shard = 0) => openEmbeddedSnapshotLedgers({ dataDir }).open(shard);
  return {
    open,
    async view() {
      const view = openEmbeddedSnapshotView({ dataDir, shards: 4 });
      onTestFinished(() => view.close());
      return view;
    },
    async putDamaged(snapshot) {
      const ledger = await open();
      await ledger.append([snapshot]);
      await ledger.close();
      flipBit(dataDir, snapshot.meterId);
    },
  };
});

test("nobody who opens the file can change or delete an issued revision", async () => {
  const dataDir = await directory();
  const ledger = await openEmbeddedSnapshotLedgers({ dataDir }).open(0);
  await ledger.append([aSnapshot("a", 24321, 1)]);
  await ledger.close();
  const file = new DatabaseSync(join(dataDir, "ledger.db"));
  onTestFinished(() => file.close());
  for (const sql of [
    "UPDATE ledger SET body = x'00'",
    "DELETE FROM ledger",
    "UPDATE revision SET revision = 9",
    "DELETE FROM revision",
  ]) {
    expect(() => file.exec(sql)).toThrow(/an issued revision/);
  }
});

test("a view on a connection of its own follows the ledger", async () => {
  const dataDir = await directory();
  const ledger = await openEmbeddedSnapshotLedgers({ dataDir }).open(0);
  const view = openEmbeddedSnapshotView({ dataDir });
  onTestFinished(async () => {
    await view.close();
    await ledger.close();
  });
  expect(await view.lastPlace()).toEqual([]);
  await ledger.append([aSnapshot("a", 24321, 1)]);
  expect(await view.find("a", 24321)).toEqual(aSnapshot("a", 24321, 1));
});

const october = 2026 * 12 + 9;

/** Flips one bit of every record of a meter, behind the triggers' back. */
function flipBit(dataDir: string, meterId: string): void {
  const file = new DatabaseSync(join(dataDir, "ledger.db"));
  file.exec("DROP TRIGGER ledger_is_final");
  const rows = file
    .prepare("SELECT l.sequence, l.body FROM ledger l JOIN revision r USING (sequence) WHERE r.meter_id = ?")
    .all(meterId);
  for (const { sequence, body } of rows) {
    const bytes = Buffer.from(body as Uint8Array);
    bytes[20] = (bytes[20] ?? 0) ^ 4;
    file.prepare("UPDATE ledger SET body = ? WHERE sequence = ?").run(bytes, sequence as number);
  }
  file.close();
}

test("H06: one flipped bit is found on read, told once by its place, and all other meters go on", async () => {
  const dataDir = await directory();
  const issued = ["a", "b", "c"].map((id) => aSnapshot(id, october, 1));
  const before = await openEmbeddedSnapshotLedgers({ dataDir }).open(0);
  await before.append(issued);
  await before.close();
  flipBit(dataDir, "b");
  const told = new Map<string, string>();
  const ears = { tell: (damage: Damage) => void told.set(damage.id, damage.code), nowMs: () => 7 };
  const ledger = await openEmbeddedSnapshotLedgers({ dataDir, ears }).open(0);
  onTestFinished(() => ledger.close());
  const ids = (entries: readonly { snapshot: { meterId: string } }[]) =>
    entries.map(({ snapshot }) => snapshot.meterId);
  expect(ids(await ledger.latest({ period: october, limit: 2 }))).toEqual(["a", "c"]);
  expect(ids(await ledger.changes({ after: ledgerStart, limit: 2 }))).toEqual(["a", "c"]);
  await expect(ledger.find("b", october)).rejects.toMatchObject({ code: "record_damaged" });
  const leftOut: string[] = [];
  const leave = ({ where }: Damage) => void leftOut.push(where);
  expect(await ledger.revisions("b", october, leave)).toEqual([]);
  await ledger.latest({ period: october, limit: 2, leftOut: leave });
  await ledger.changes({ after: ledgerStart, limit: 2, leftOut: leave });
  expect(leftOut).toEqual(Array.from({ length: 3 }, () => "b 2026-10 revision 1"));
  expect(await ledger.latestOfMeter("b", october)).toMatchObject([{ revision: 1, hash: "" }]);
  expect([...told]).toEqual([["ledger:b-2026-10-revision-1", "checksum_mismatch"]]);
  // The number is taken; the next revision is appended beside it, and is what is answered from then on.
  await expect(ledger.append([aSnapshot("b", october, 1)])).rejects.toThrow("never changes");
  await ledger.append([aSnapshot("b", october, 2)]);
  expect(ids(await ledger.latest({ period: october, limit: 10 }))).toEqual(["a", "b", "c"]);
  expect((await ledger.find("b", october))?.revision).toBe(2);
});

test("what cannot be read of another shard's meters is told with the page on which they would stand", async () => {
  const dataDir = await directory();
  prepareDataDirectory(dataDir, 4);
  for (const [shard, ids] of [["a", "b"], ["d"], ["c"], ["f", "g"]].entries()) {
    const ledger = await openEmbeddedSnapshotLedgers({ dataDir }).open(shard);
    await ledger.append(ids.map((id) => aSnapshot(id, october, 1)));
    await ledger.close();
  }
  flipBit(join(dataDir, "shard-3"), "f");
  const view = openEmbeddedSnapshotView({ dataDir, shards: 4 });
  onTestFinished(() => view.close());
  async function page(afterMeterId: string) {
    const left: string[] = [];
    const leftOut = ({ where }: Damage) => void left.push(where);
    const entries = await view.latest({ period: october, limit: 3, afterMeterId, leftOut });
    return [entries.map(({ snapshot }) => snapshot.meterId).join(""), ...left];
  }
  expect(await page("")).toEqual(["abc"]);
  expect(await page("c")).toEqual(["dg", "f 2026-10 revision 1"]);
});
