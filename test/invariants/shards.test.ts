// Goal: a data directory of several shards is kept, copied, checked and mended as one of one shard is, file by file.
import { cp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openEmbeddedDamageLog } from "@meterbook/adapters/embedded/damage-log/embedded-damage-log";
import { backUpDirectory } from "@meterbook/adapters/embedded/directory/back-up-directory";
import { prepareDataDirectory } from "@meterbook/adapters/embedded/directory/data-directory";
import { fileNamesOf } from "@meterbook/adapters/embedded/directory/directory-files";
import { keepMarks } from "@meterbook/adapters/embedded/directory/keep-marks";
import { acceptLoss, rebuildSeries, troublesOf } from "@meterbook/adapters/embedded/directory/repair-directory";
import { restoreDirectory } from "@meterbook/adapters/embedded/directory/restore-directory";
import {
  openEmbeddedSnapshotLedgers,
  openEmbeddedSnapshotView,
} from "@meterbook/adapters/embedded/ledger/embedded-snapshot-ledger";
import { openEmbeddedReadingsLog } from "@meterbook/adapters/embedded/readings-log/embedded-readings-log";
import { openEmbeddedSeriesReader } from "@meterbook/adapters/embedded/series/embedded-series-reader";
import { openEmbeddedSeriesStores } from "@meterbook/adapters/embedded/series/embedded-series-store";
import { verifyDirectory } from "@meterbook/adapters/embedded/verify/verify-directory";
import { systemClock as clock } from "@meterbook/core/ports/clock";
import { partitionOf } from "@meterbook/sharding/slot";
import { beforeEach, expect, test } from "vitest";
import { aReport } from "../contracts/readings-log.contract.ts";
import { aSnapshot } from "../contracts/snapshot-ledger.contract.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const shards = 4;
const period = 24_321;
/** A meter of each shard. */
const meters = [0, 1, 2, 3].map((shard) => {
  const found = Array.from({ length: 64 }, (_, n) => `m-${n}`).find((id) => partitionOf(id, shards) === shard);
  return found ?? "none";
});

let dataDir: string;
beforeEach(async () => {
  dataDir = await temporaryDirectory();
});

/** Three readings of each meter in the log, two of them in the store, and so many snapshots of each. */
async function work(rounds: number): Promise<void> {
  prepareDataDirectory(dataDir, shards);
  const marks = keepMarks(dataDir, clock);
  const log = await openEmbeddedReadingsLog({ dataDir, clock, partitions: shards });
  for (const meterId of meters)
    for (const text of ["one", "two", "three"]) await log.append(aReport(meterId, text, { readings: 1 }));
  const stores = openEmbeddedSeriesStores({ dataDir, clock });
  for (const [shard, meterId] of meters.entries()) {
    const store = await stores.open(shard, 1);
    const counts = { stored: 2, duplicates: 0, conflicts: 0, refused: 0 };
    const progress = { ...store.progress, position: 2, counts, issuedPosition: 2 };
    await store.apply({ met: [], newer: [], late: [], conflicts: [] }, progress);
    await store.close();
    const ledger = await openEmbeddedSnapshotLedgers({ dataDir }).open(shard);
    for (let round = 1; round <= rounds; round += 1) await ledger.append([aSnapshot(meterId, period, round)]);
    await ledger.seal(7);
    await ledger.close();
  }
  await log.close();
  marks.close();
}

function refusal(wanted?: number): string {
  try {
    return `started with ${prepareDataDirectory(dataDir, wanted)}`;
  } catch (error) {
    return (error as Error).message;
  }
}

async function remove(name: string): Promise<void> {
  for (const suffix of ["", "-wal", "-shm"]) await rm(join(dataDir, `${name}.db${suffix}`), { force: true });
}

test("the number of shards is fixed when the directory is made, and another one is refused by the setting's name", async () => {
  expect(refusal(4)).toBe("started with 4");
  expect(refusal()).toBe("started with 4");
  expect(refusal(2)).toMatch(/made with 4 shards, and METERBOOK_SHARDS is 2/);
  expect(refusal(4)).toBe("started with 4");
  dataDir = await temporaryDirectory();
  expect(refusal()).toBe("started with 1");
  expect(refusal(8)).toMatch(/made with 1 shards/);
});

test.for(["log", "series", "shard-2/series", "ledger", "shard-3/ledger"])(
  "H05: without %s it does not start, and says what is lost",
  async (name) => {
    await work(2);
    expect(refusal()).toBe("started with 4");
    await remove(name);
    expect(refusal()).toContain(`${name}.db is missing`);
    const lost: Record<string, RegExp> = {
      log: /4 readings that were acknowledged \(numbers 3 to 3 of shard 0, 3 to 3 of shard 1/,
      series: /nothing for good: the log still holds all 3 readings/,
      ledger: /2 issued snapshots \(numbers 1 to 2\)/,
    };
    expect(refusal()).toMatch(lost[name.split("/").at(-1) ?? ""] ?? /never/);
    expect(refusal()).toMatch(/restore a backup/);
  },
);

test("H05: where the folder of a shard is lost, both its files are named, and others are not", async () => {
  await work(1);
  await rm(join(dataDir, "shard-1"), { recursive: true });
  expect(troublesOf(dataDir).map(({ file }) => file)).toEqual(["shard-1/series", "shard-1/ledger"]);
});

test("H05: an older log is told by the shard that it is behind in", async () => {
  await work(1);
  await cp(join(dataDir, "log.db"), join(dataDir, "kept.db"));
  const log = await openEmbeddedReadingsLog({ dataDir, clock, partitions: shards });
  await log.append(aReport(meters[2] ?? "", "four", { readings: 1 }));
  await log.close();
  const store = await openEmbeddedSeriesStores({ dataDir, clock }).open(2, 2);
  await store.record({ ...store.progress, position: 4 });
  await store.close();
  await remove("log");
  await cp(join(dataDir, "kept.db"), join(dataDir, "log.db"));
  expect(refusal()).toContain("log.db shard 2 of it ends at position 3, and the store has taken it in up to 4");
});

test("H05: a shard's ledger that is lost and accepted goes on behind its last number, and is issued again", async () => {
  await work(2);
  await remove("shard-3/ledger");
  const done = await acceptLoss(dataDir, { file: "shard-3/ledger", reason: "a test", nowMs: 5 });
  expect(done.join("\n")).toContain("shard-3/ledger.db goes on without");
  expect(refusal()).toBe("started with 4");
  const ledger = await openEmbeddedSnapshotLedgers({ dataDir }).open(3);
  await ledger.append([aSnapshot(meters[3] ?? "", period, 3)]);
  await ledger.close();
  const view = openEmbeddedSnapshotView({ dataDir, shards });
  expect(await view.lastPlace()).toEqual([2, 2, 2, 3]);
  await view.close();
  const reader = openEmbeddedSeriesReader({ dataDir, shards });
  expect([0, 1, 2, 3].map((shard) => reader.issuedPosition(shard))).toEqual([2, 2, 2, 0]);
  await reader.close();
  const damage = openEmbeddedDamageLog({ dataDir });
  expect(await damage.list({ includeAcknowledged: false, limit: 9 })).toMatchObject([
    { place: "ledger", code: "records_lost", lost: 2 },
  ]);
  await damage.close();
});

test("H05: a log that is lost and accepted goes on in each shard where the store is", async () => {
  await work(1);
  await remove("log");
  await acceptLoss(dataDir, { file: "log", reason: "a test", nowMs: 5 });
  expect(refusal()).toBe("started with 4");
  const log = await openEmbeddedReadingsLog({ dataDir, clock, partitions: shards });
  expect([...(await log.ends()).values()]).toEqual([2, 2, 2, 2]);
  await log.close();
});

test("H05: stores of shards are made again from the log", async () => {
  await work(1);
  await remove("series");
  await remove("shard-2/series");
  await rebuildSeries(dataDir, 5);
  expect(refusal()).toBe("started with 4");
  const reader = openEmbeddedSeriesReader({ dataDir, shards });
  expect([...(await reader.totals()).positions.values()]).toEqual([0, 2, 0, 2]);
  await reader.close();
});

test("H05: marks that are lost and accepted know again how many shards there are", async () => {
  await work(1);
  await remove("directory");
  expect(refusal()).toContain("directory.db is missing or empty");
  await acceptLoss(dataDir, { file: "directory", reason: "a test", nowMs: 5 });
  expect(refusal()).toBe("started with 4");
});

test("a backup has all files, and what is restored holds the same and keeps the number of shards", async () => {
  await work(2);
  const to = join(await temporaryDirectory(), "copy");
  const manifest = await backUpDirectory(dataDir, to, 9);
  expect(Object.keys(manifest.files)).toEqual(["directory", ...fileNamesOf(shards)].map((name) => `${name}.db`));
  dataDir = join(await temporaryDirectory(), "restored");
  await restoreDirectory(to, dataDir, { occupied: "refuse", nowMs: 10 });
  expect(refusal()).toBe("started with 4");
  const view = openEmbeddedSnapshotView({ dataDir, shards });
  expect((await view.latest({ period, limit: 9 })).map(({ snapshot }) => snapshot.meterId)).toEqual([...meters].sort());
  await view.close();
  await writeFile(join(to, "shard-1", "ledger.db"), "other bytes", { flag: "r+" });
  const again = restoreDirectory(to, `${dataDir}-2`, { occupied: "refuse", nowMs: 11 });
  await expect(again).rejects.toThrow("shard-1/ledger.db is not as it was when the backup was made");
});

test("verify reads all shards, counts them together and names the file of what is wrong", async () => {
  await work(2);
  const whole = await verifyDirectory(dataDir);
  expect([whole.troubles, whole.wrong]).toEqual([[], []]);
  expect(whole.rowsOf).toMatchObject({ ledger: 8, frame: 12, progress: 4 });
  const ledger = new DatabaseSync(join(dataDir, "shard-3", "ledger.db"));
  ledger.exec("DROP TRIGGER ledger_is_final; UPDATE ledger SET body = CAST(body || x'00' AS BLOB)");
  ledger.close();
  const series = new DatabaseSync(join(dataDir, "shard-1", "series.db"));
  series.exec("UPDATE progress SET body = replace(body, 'position', 'positiom')");
  series.close();
  const log = new DatabaseSync(join(dataDir, "log.db"));
  log.exec("UPDATE frame SET body = CAST(body || x'00' AS BLOB) WHERE position = (SELECT max(position) FROM frame)");
  log.close();
  const kept = [
    { period, shard: 2, size: 9, root: "00" },
    { period, shard: 9, size: 1, root: "00" },
  ];
  const { wrong } = await verifyDirectory(dataDir, kept);
  const named = wrong.map(({ file, where }) => `${file}: ${where}`);
  expect([...new Set(named)].sort()).toEqual(
    [
      "ledger: 2026-10 shard 9 seal of 1 records",
      `log: shard 3 position 2`,
      `shard-1/series: shard 1 progress of partition 1`,
      `shard-2/ledger: 2026-10 shard 2 seal of 9 records`,
      `shard-3/ledger: ${meters[3]} 2026-10 revision 1`,
      `shard-3/ledger: ${meters[3]} 2026-10 revision 2`,
    ].sort(),
  );
});
