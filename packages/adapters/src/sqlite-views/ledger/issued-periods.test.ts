import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { issuedPeriods } from "./issued-periods.ts";
import { snapshotSchema } from "./snapshot-view.ts";

function open(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  onTestFinished(() => database.close());
  database.exec(`PRAGMA journal_mode = WAL; ${snapshotSchema}`);
  return database;
}

test("what anybody issues is known at once, and what was undone does no harm", () => {
  const directory = mkdtempSync(join(tmpdir(), "meterbook-periods-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const [here, elsewhere] = [open(join(directory, "ledger.db")), open(join(directory, "ledger.db"))];
  const issue = (database: DatabaseSync, period: number) =>
    database.exec(`INSERT INTO revision (period, meter_id, revision, sequence) VALUES (${period}, 'a', 1, ${period})`);
  const periods = issuedPeriods(here);
  expect(periods()).toEqual([]);
  issue(here, 7);
  expect(periods()).toEqual([7]);
  issue(elsewhere, 3);
  expect(periods()).toEqual([3, 7]);
  here.exec("BEGIN");
  issue(here, 5);
  expect(periods()).toEqual([3, 5, 7]);
  here.exec("ROLLBACK");
  expect(periods()).toEqual(expect.arrayContaining([3, 7]));
  issue(here, 9);
  expect(periods()).toEqual([3, 7, 9]);
});
