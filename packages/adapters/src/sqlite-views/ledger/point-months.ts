import type { DatabaseSync } from "node:sqlite";
import { pointsOfSnapshot, type Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import type { PointsPage, SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import { readLedgerRecord } from "./ledger-record.ts";

/**
 * Which meters' months have ever named a usage point. A point of the meter's own name is left out: most meters have no
 * other, and the list of revisions says as much.
 */
export const pointMonthSchema = `
  CREATE TABLE IF NOT EXISTS point_month (period INTEGER NOT NULL, usage_point_id TEXT NOT NULL, meter_id TEXT NOT NULL,
    PRIMARY KEY (period, usage_point_id, meter_id)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS point_month_meter ON point_month (period, meter_id);
`;

/** Notes the points of a revision, inside the caller's transaction. */
export function pointMonthNotes(database: DatabaseSync): (snapshot: Snapshot) => void {
  const insert = database.prepare(
    "INSERT OR IGNORE INTO point_month (period, usage_point_id, meter_id) VALUES (?, ?, ?)",
  );
  return (snapshot) => {
    const { period, meterId } = snapshot;
    for (const point of pointsOfSnapshot(snapshot)) if (point !== meterId) insert.run(period, point, meterId);
  };
}

export function pointMonthReads(
  database: DatabaseSync,
): Pick<SnapshotView, "metersOfUsagePoint" | "issuedUsagePoints"> {
  const meters = database.prepare("SELECT meter_id FROM point_month WHERE period = ? AND usage_point_id = ?");
  const elsewhere = database.prepare("SELECT 1 FROM point_month WHERE period = ? AND meter_id = ?");
  const bodies = database.prepare(
    "SELECT r.revision, l.body FROM revision r LEFT JOIN ledger l USING (sequence) WHERE r.period = ? AND r.meter_id = ?",
  );
  // A meter with one revision that names another point has none of its own name.
  const points = database.prepare(`
    SELECT usage_point_id AS id, 1 AS sure FROM point_month WHERE period = ?1 AND usage_point_id > ?2
    UNION ALL
    SELECT meter_id AS id, NOT EXISTS (SELECT 1 FROM point_month p WHERE p.period = ?1 AND p.meter_id = r.meter_id) AS sure
      FROM revision r WHERE period = ?1 AND meter_id > ?2 AND revision = 1
        AND (sure OR EXISTS (SELECT 1 FROM revision q WHERE q.period = ?1 AND q.meter_id = r.meter_id AND q.revision = 2))
    ORDER BY id`);

  /** Whether a month of the meter ever named the point of its own name; one that cannot be read may have. */
  function isOwnPoint(period: number, id: string): boolean {
    const revisions = bodies.all(period, id);
    if (elsewhere.get(period, id) === undefined) return revisions.length > 0;
    return revisions.some(({ revision, body }) => {
      const key = { period, meterId: id, revision: Number(revision) };
      const { snapshot } = readLedgerRecord(body as Uint8Array | null, key);
      return snapshot === undefined || pointsOfSnapshot(snapshot).includes(id);
    });
  }

  return {
    async metersOfUsagePoint(period, id) {
      const found = meters.all(period, id).map((row) => String(row["meter_id"]));
      return (isOwnPoint(period, id) ? [...found, id] : found).sort();
    },
    async issuedUsagePoints({ period, afterUsagePointId = "", limit }: PointsPage) {
      const found: string[] = [];
      for (const { id, sure } of points.iterate(period, afterUsagePointId)) {
        if (found.length >= limit) break;
        const point = String(id);
        if (point !== found.at(-1) && (sure === 1 || isOwnPoint(period, point))) found.push(point);
      }
      return found;
    },
  };
}
