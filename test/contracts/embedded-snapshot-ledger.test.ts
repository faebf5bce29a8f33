import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import {
  openEmbeddedSnapshotLedgers,
  openEmbeddedSnapshotView,
} from "@meterbook/adapters/embedded/embedded-snapshot-ledger";
import { expect, onTestFinished, test } from "vitest";
import { aSnapshot, snapshotLedgerContract } from "./snapshot-ledger.contract.ts";

async function directory(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), "meterbook-ledger-"));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  return dataDir;
}

snapshotLedgerContract(async () => {
  const dataDir = await directory();
  return { open: () => openEmbeddedSnapshotLedgers({ dataDir }).open(0) };
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
  expect(await view.lastSequence()).toBe(0);
  await ledger.append([aSnapshot("a", 24321, 1)]);
  expect(await view.find("a", 24321)).toEqual(aSnapshot("a", 24321, 1));
});
