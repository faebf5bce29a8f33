// Goal: a directory or a backup of another version is refused by name and left as it is: what its files lack would be
// missing without a word. Method: every file says another version than ours; manifests of other formats.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openEmbeddedBillingLog } from "@meterbook/adapters/embedded/billing-log/embedded-billing-log";
import { backUpDirectory } from "@meterbook/adapters/embedded/directory/back-up-directory";
import { prepareDataDirectory } from "@meterbook/adapters/embedded/directory/data-directory";
import { fileNamesOf } from "@meterbook/adapters/embedded/directory/directory-files";
import { restoreDirectory } from "@meterbook/adapters/embedded/directory/restore-directory";
import { openEmbeddedSnapshotLedgers } from "@meterbook/adapters/embedded/ledger/embedded-snapshot-ledger";
import { beforeEach, expect, test } from "vitest";
import { aSnapshot } from "../contracts/snapshot-ledger.contract.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

let dataDir: string;
let place: string;
beforeEach(async () => {
  [dataDir, place] = [await temporaryDirectory(), await temporaryDirectory()];
});

function versionOf(path: string): number {
  return inDatabase(path, (database) => Number(database.prepare("PRAGMA user_version").get()?.["user_version"]));
}

function inDatabase<Result>(path: string, work: (database: DatabaseSync) => Result): Result {
  const database = new DatabaseSync(path);
  try {
    return work(database);
  } finally {
    database.close();
  }
}

/** There is none before version 1. */
const others = [...fileNamesOf(2), "directory"].flatMap((name) => [
  { name, step: 1, by: "a later" },
  ...(name === "audit" ? [] : [{ name, step: -1, by: "an earlier" }]),
]);

test.for(others)("N03: $name was made by $by version: refused by name, nothing changed", async ({ name, step, by }) => {
  prepareDataDirectory(dataDir, 2);
  const path = join(dataDir, `${name}.db`);
  const version = versionOf(path) + step;
  inDatabase(path, (database) => database.exec(`PRAGMA user_version = ${version}; PRAGMA wal_checkpoint(TRUNCATE)`));
  const before = await readFile(path);
  const said = new RegExp(
    `${name}\\.db .METERBOOK_DATA_DIR. was made by ${by} version.*format ${version}.*docs/running.md`,
  );
  expect(() => prepareDataDirectory(dataDir)).toThrow(said);
  await expect(backUpDirectory(dataDir, join(place, "copy"), 5)).rejects.toThrow(said);
  expect(before.equals(await readFile(path))).toBe(true);
});

test("a ledger from before an index: its findings are not missing in silence, whoever opens it", async () => {
  prepareDataDirectory(dataDir);
  const ledger = await openEmbeddedSnapshotLedgers({ dataDir }).open(0);
  await ledger.append([aSnapshot("m-1", 24_321, 1)]);
  await ledger.close();
  inDatabase(join(dataDir, "ledger.db"), (old) => old.exec("DROP TABLE finding_month; PRAGMA user_version = 6"));
  const said = /ledger\.db .*was made by an earlier version of Meterbook.*format 6/;
  expect(() => prepareDataDirectory(dataDir)).toThrow(said);
  await expect(openEmbeddedSnapshotLedgers({ dataDir }).open(0)).rejects.toThrow(said);
});

test("a file that a start does not look at is refused by whoever opens it", () => {
  inDatabase(join(dataDir, "billing.db"), (database) => database.exec("PRAGMA user_version = 2"));
  expect(() => openEmbeddedBillingLog({ dataDir })).toThrow(/billing\.db .*was made by a later version.*format 2/);
});

test.for([
  { format: 2, says: /was made by an earlier version of Meterbook: it is of format 2/ },
  { format: 4, says: /was made by a later version of Meterbook: it is of format 4/ },
  { format: 3, says: /is damaged: backup\.json does not list its files/ },
  { format: "two", says: /is damaged: backup\.json does not list its files/ },
])("N03: a backup of format $format that lists other files", async ({ format, says }) => {
  prepareDataDirectory(dataDir);
  const copy = join(place, "copy");
  const made = await backUpDirectory(dataDir, copy, 5);
  await writeFile(join(copy, "backup.json"), JSON.stringify({ ...made, format, files: {} }));
  const restored = join(place, "restored");
  await expect(restoreDirectory(copy, restored, { occupied: "refuse", nowMs: 5 })).rejects.toThrow(says);
  expect(await readdir(place)).toEqual(["copy"]);
});
