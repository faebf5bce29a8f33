// Goal: a start never goes on with less than there was without a word (H05, N02, N11), and never refuses what is whole.
// Method: every file of a data directory is deleted, emptied, cut, overwritten, replaced by an older copy and by
// another directory's.
import { cp, mkdir, open, readdir, rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { openEmbeddedAuditLog } from "@meterbook/adapters/embedded/audit-log/embedded-audit-log";
import { openEmbeddedDamageLog } from "@meterbook/adapters/embedded/damage-log/embedded-damage-log";
import { lockDataDirectory, prepareDataDirectory } from "@meterbook/adapters/embedded/directory/data-directory";
import { fileKinds } from "@meterbook/adapters/embedded/directory/directory-files";
import { keepMarks } from "@meterbook/adapters/embedded/directory/keep-marks";
import { acceptLoss, rebuildSeries } from "@meterbook/adapters/embedded/directory/repair-directory";
import { openEmbeddedSnapshotLedgers } from "@meterbook/adapters/embedded/ledger/embedded-snapshot-ledger";
import { openEmbeddedReadingsLog } from "@meterbook/adapters/embedded/readings-log/embedded-readings-log";
import { openEmbeddedRegistry } from "@meterbook/adapters/embedded/registry/embedded-registry";
import { openEmbeddedRejectedLog } from "@meterbook/adapters/embedded/rejected-log/embedded-rejected-log";
import { openEmbeddedSeriesStores } from "@meterbook/adapters/embedded/series/embedded-series-store";
import { type Damage, damageId } from "@meterbook/core/domain/damage/damage";
import { systemClock as clock } from "@meterbook/core/ports/clock";
import { refusalsPerMessageMax } from "@meterbook/core/ports/refused-message";
import { beforeEach, describe, expect, test } from "vitest";
import { aPersonalRead } from "../contracts/audit-log.contract.ts";
import { aReport } from "../contracts/readings-log.contract.ts";
import { aRecord } from "../contracts/registry.contract.ts";
import { aRejection } from "../contracts/rejected-log.contract.ts";
import { aSnapshot } from "../contracts/snapshot-ledger.contract.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

let dataDir: string;
beforeEach(async () => {
  dataDir = await temporaryDirectory();
});

/** Two readings in the log, one of them in the store; a snapshot, a record and a refused message more each time. */
async function work(directory: string, round: number): Promise<void> {
  prepareDataDirectory(directory);
  const marks = keepMarks(directory, clock);
  const log = await openEmbeddedReadingsLog({ dataDir: directory, clock });
  await log.append(aReport("m-1", "one", { readings: 1 }));
  await log.append(aReport("m-1", "two", { readings: 1 }));
  const end = (await log.ends()).get(0) ?? 0;
  const stores = openEmbeddedSeriesStores({ dataDir: directory, clock });
  const store = await stores.open(0, 1);
  const counts = { stored: 2 * round - 1, duplicates: 0, conflicts: 0, refused: 0 };
  const progress = { ...store.progress, position: end - 1, counts, issuedPosition: end - 1 };
  await store.apply({ met: [], newer: [], late: [], conflicts: [] }, progress);
  const ledger = await openEmbeddedSnapshotLedgers({ dataDir: directory }).open(0);
  await ledger.append([aSnapshot("m-1", 24_321, round)]);
  const registry = await openEmbeddedRegistry({ dataDir: directory, clock });
  await registry.put([aRecord("m-1", `up-${round}`)]);
  const rejected = openEmbeddedRejectedLog({ dataDir: directory });
  await rejected.append([aRejection()]);
  const damage = openEmbeddedDamageLog({ dataDir: directory });
  await damage.report([aDamage(round)]);
  const audit = openEmbeddedAuditLog({ dataDir: directory, retentionDays: 30, nowMs: () => round });
  await audit.put([aPersonalRead(round)]);
  for (const one of [audit, damage, rejected, registry, ledger, store, log, marks]) await one.close();
}

function aDamage(round: number): Damage {
  const where = `sequence ${round}`;
  const texts = { detail: "found", help: "none", meterId: null, period: null, lost: 0, foundAtMs: round };
  return { id: damageId("ledger", where), place: "ledger", code: "hash_mismatch", where, ...texts };
}

function refusal(directory: string): string {
  try {
    prepareDataDirectory(directory);
  } catch (error) {
    return (error as Error).message;
  }
  return "started";
}

async function removeWal(name: string): Promise<void> {
  for (const suffix of ["-wal", "-shm"]) await rm(join(dataDir, `${name}.db${suffix}`), { force: true });
}

const all = [...fileKinds, "directory"] as const;
type Name = (typeof all)[number];

const damages: readonly { readonly how: string; readonly says: RegExp; do(path: string): Promise<void> }[] = [
  { how: "deleted", says: /is missing/, do: (path) => rm(path) },
  { how: "emptied", says: /empty/, do: (path) => truncate(path, 0) },
  {
    how: "cut to half",
    says: /cannot be read|malformed|cut off/,
    do: async (path) => truncate(path, (await half(path)) || 512),
  },
  { how: "overwritten at its start", says: /not a database|malformed/, do: overwriteStart },
];

async function half(path: string): Promise<number> {
  return Math.floor((await stat(path)).size / 2);
}

async function overwriteStart(path: string): Promise<void> {
  const handle = await open(path, "r+");
  await handle.write(Buffer.alloc(64, 0xa5), 0, 64, 0);
  await handle.close();
}

describe.for(all.map((name) => ({ name })))("$name", ({ name }: { name: Name }) => {
  test.for(damages)("H05 N02 N11: $how: refused, with the file and what to do", async ({ do: damage, says }) => {
    await work(dataDir, 1);
    await damage(join(dataDir, `${name}.db`));
    await removeWal(name);
    const said = refusal(dataDir);
    expect(said).toContain(`${name}.db`);
    expect(said).toMatch(says);
    expect(said).toMatch(/npm run (restore|repair)/);
    expect(said).toContain("METERBOOK_DATA_DIR");
    expect(refusal(dataDir)).toBe(said);
  });

  test("H05: swapped with another directory's: refused", async () => {
    await work(dataDir, 1);
    const other = await temporaryDirectory();
    await work(other, 1);
    await work(other, 2);
    await cp(join(other, `${name}.db`), join(dataDir, `${name}.db`));
    expect(refusal(dataDir)).toMatch(/another data directory/);
  });

  test("H05: an older copy: refused, or nothing is lost by it", async () => {
    await work(dataDir, 1);
    const copy = await temporaryDirectory();
    await cp(join(dataDir, `${name}.db`), join(copy, "old"));
    await work(dataDir, 2);
    await cp(join(copy, "old"), join(dataDir, `${name}.db`));
    // The store takes from the log again what it has not; marks may lag.
    const lossless = name === "series" || name === "directory";
    if (lossless) expect(refusal(dataDir)).toBe("started");
    else expect(refusal(dataDir)).toMatch(new RegExp(`${name}.db is older than the files beside it`));
  });
});

test("H05: says how many of what are lost", async () => {
  await work(dataDir, 1);
  await work(dataDir, 2);
  for (const name of ["ledger", "log", "registry", "rejected", "audit"]) await rm(join(dataDir, `${name}.db`));
  const said = refusal(dataDir);
  expect(said).toMatch(/lost: 2 issued snapshots \(numbers 1 to 2\)/);
  expect(said).toMatch(/lost: 1 readings that were acknowledged \(numbers 4 to 4\)/);
  expect(said).toMatch(/lost: 2 changes of master data/);
  expect(said).toMatch(/lost: 2 refused messages/);
  expect(said).toMatch(/lost: 2 reads of people's data \(numbers 1 to 2\)/);
});

test("H05: the store is lost and the log still has all: says so, and how to make it again", async () => {
  await work(dataDir, 1);
  await rm(join(dataDir, "series.db"));
  expect(refusal(dataDir)).toMatch(/lost: nothing for good.*\n.*--rebuild-series/);
});

test("H05: the store does not reach the log's first frame: refused with the count", async () => {
  await work(dataDir, 1);
  const copy = await temporaryDirectory();
  await cp(join(dataDir, "series.db"), join(copy, "old"));
  for (const round of [2, 3]) await work(dataDir, round);
  const log = await openEmbeddedReadingsLog({
    dataDir,
    clock: { nowMs: () => Date.now() + 9e9 } as typeof clock,
    retentionDays: 1,
  });
  await log.trim(5);
  await log.close();
  expect(refusal(dataDir)).toBe("started");
  await cp(join(copy, "old"), join(dataDir, "series.db"));
  expect(refusal(dataDir)).toMatch(/series.db is older than the log reaches back.*\n.*about \d+ readings/);
});

test.for(all.map((name) => ({ name })))(
  "H05: $name is lost, an operator accepts it: starts, and the loss is a lasting entry",
  async ({ name }) => {
    for (const round of [1, 2]) await work(dataDir, round);
    await rm(join(dataDir, `${name}.db`));
    await acceptLoss(dataDir, { file: name, reason: "no backup", nowMs: 5 });
    expect(refusal(dataDir)).toBe("started");
    const damage = openEmbeddedDamageLog({ dataDir });
    const [entry] = (await damage.list({ includeAcknowledged: false, limit: 9 })).filter(
      ({ detail }) => detail !== "found",
    );
    await damage.close();
    expect(entry).toMatchObject({
      code: "records_lost",
      acknowledged: null,
      detail: expect.stringContaining("no backup"),
    });
    await work(dataDir, 3);
    expect(refusal(dataDir)).toBe("started");
  },
);

test("H05: after an accepted loss numbers go on where they were", async () => {
  for (const round of [1, 2]) await work(dataDir, round);
  for (const file of ["ledger", "log", "rejected", "audit"] as const) {
    await rm(join(dataDir, `${file}.db`));
    await acceptLoss(dataDir, { file, reason: "no backup", nowMs: 5 });
  }
  prepareDataDirectory(dataDir);
  const ledger = await openEmbeddedSnapshotLedgers({ dataDir }).open(0);
  await ledger.append([aSnapshot("m-1", 24_321, 1)]);
  expect(await ledger.lastPlace()).toEqual([3]);
  const log = await openEmbeddedReadingsLog({ dataDir, clock });
  expect(await log.unread(new Map([[0, 3]]))).toMatchObject({ readings: 0 });
  await log.append(aReport("m-1", "five"));
  expect((await log.ends()).get(0)).toBe(4);
  const rejected = openEmbeddedRejectedLog({ dataDir });
  await rejected.append([aRejection()]);
  const [entry] = await rejected.list({ limit: 9, includeReplayed: true });
  expect(Number.parseInt(entry?.id.slice(1) ?? "", 16)).toBe(3 * refusalsPerMessageMax);
  const audit = openEmbeddedAuditLog({ dataDir, retentionDays: 30, nowMs: () => 3 });
  await audit.put([aPersonalRead(3)]);
  expect((await audit.list({ limit: 9 })).map(({ id }) => id)).toEqual([3]);
  for (const one of [ledger, log, rejected, audit]) await one.close();
});

test("H05: the store is made again from a log that holds all, and not from one that does not", async () => {
  for (const round of [1, 2]) await work(dataDir, round);
  await rm(join(dataDir, "series.db"));
  await rebuildSeries(dataDir, 5);
  expect(refusal(dataDir)).toBe("started");
  const far = { nowMs: () => Date.now() + 9e9 } as typeof clock;
  const log = await openEmbeddedReadingsLog({ dataDir, clock: far, retentionDays: 1 });
  await log.trim(3);
  await log.close();
  await expect(rebuildSeries(dataDir, 6)).rejects.toThrow(/cannot be made again.*about 3 readings/);
});

test("a directory that is made stops at any file and goes on: nothing in it, nothing refused", async () => {
  const whole = await temporaryDirectory();
  prepareDataDirectory(whole);
  const made = (await readdir(whole)).filter((name) => name.endsWith(".db"));
  expect(made.sort()).toEqual(all.map((name) => `${name}.db`).sort());
  await mkdir(join(dataDir, "inside"));
  expect(refusal(join(dataDir, "inside"))).toBe("started");
});

test("H17: files are for their user only, whatever was there before", async () => {
  const { chmod } = await import("node:fs/promises");
  await work(dataDir, 1);
  await chmod(dataDir, 0o755);
  await chmod(join(dataDir, "ledger.db"), 0o644);
  lockDataDirectory(dataDir).close();
  prepareDataDirectory(dataDir);
  expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
  expect((await stat(join(dataDir, "ledger.db"))).mode & 0o777).toBe(0o600);
});

test.for(["/proc/meterbook", "/dev/null/data"])("N13: %s: says METERBOOK_DATA_DIR at once", (path) => {
  expect(() => lockDataDirectory(path)).toThrow(/METERBOOK_DATA_DIR/);
});
