// Goal: a list by an index costs what the index holds, whatever of it earlier revisions had and however few are asked
// for. Method: an index in which no meter's newest revision has what it says.
import { DatabaseSync } from "node:sqlite";
import type { LatestPage } from "@meterbook/core/ports/snapshot-ledger";
import { expect, onTestFinished, test } from "vitest";
import { aSnapshot } from "../../../../../test/support/worlds/api-world.ts";
import { encodeLedgerRecord } from "./ledger-record.ts";
import { snapshotReads } from "./snapshot-reads.ts";
import { snapshotSchema } from "./snapshot-view.ts";

const { period } = aSnapshot();
const stale = 20_000;

/** Every meter once was estimated and had a finding, and the last has both in its newest revision too. */
function ledgerOfStaleIndex(): DatabaseSync {
  const database = new DatabaseSync(":memory:");
  onTestFinished(() => database.close());
  database.exec(`${snapshotSchema} BEGIN`);
  const revision = database.prepare("INSERT INTO revision (period, meter_id, revision, sequence) VALUES (?, ?, 2, ?)");
  const record = database.prepare("INSERT INTO ledger (sequence, body, issued_at_ms, leaf) VALUES (?, ?, 0, ?)");
  const [row] = aSnapshot().registers;
  if (row === undefined) throw new Error("a snapshot has a row");
  const found = { ...row, quality: "estimated" as const, findings: [{ rule: "V13" as const, at: row.readAt ?? 0 }] };
  for (let i = 0; i <= stale; i += 1) {
    const meterId = `m-${String(i).padStart(6, "0")}`;
    revision.run(period, meterId, i + 1);
    const snapshot = aSnapshot({ meterId, revision: 2, ...(i === stale && { registers: [found] }) });
    record.run(i + 1, encodeLedgerRecord(snapshot), new Uint8Array(32));
  }
  for (const [table, column] of [
    ["quality_month", "quality"],
    ["finding_month", "rule"],
  ])
    for (const number of Array.from({ length: 6 }).keys())
      database.exec(
        `INSERT INTO ${table} (period, ${column}, meter_id) SELECT period, ${number}, meter_id FROM revision`,
      );
  database.exec("COMMIT");
  return database;
}

const indexes: readonly Partial<LatestPage>[] = [{ quality: "estimated" }, { finding: "any" }];

test.for(indexes)("%o: one is found behind many that are so no more, and others had their turn", async (index) => {
  const { reads } = snapshotReads(ledgerOfStaleIndex());
  for (const limit of [1, 2, 1000]) {
    let hadTurn = false;
    setImmediate(() => {
      hadTurn = true;
    });
    const found = await reads.latest({ period, limit, ...index });
    expect([limit, found.map(({ snapshot }) => snapshot.meterId), hadTurn]).toEqual([limit, ["m-020000"], true]);
  }
});
