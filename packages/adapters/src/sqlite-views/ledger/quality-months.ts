import type { DatabaseSync } from "node:sqlite";
import { type Snapshot, type SnapshotQuality, snapshotQualities } from "@meterbook/core/domain/snapshot/snapshot";

/**
 * Which meters' months have ever had a row of a quality other than `actual`: nearly all have that one, and the list of
 * revisions says as much. A later revision may have none, so whoever looks here looks at the newest one too.
 */
export const qualityMonthSchema = `
  CREATE TABLE IF NOT EXISTS quality_month (period INTEGER NOT NULL, quality INTEGER NOT NULL, meter_id TEXT NOT NULL,
    PRIMARY KEY (period, quality, meter_id)) WITHOUT ROWID;
`;

const numbers: ReadonlyMap<SnapshotQuality, number> = new Map(snapshotQualities.map((name, number) => [name, number]));

/** Notes the qualities of a revision, inside the caller's transaction. */
export function qualityMonthNotes(database: DatabaseSync): (snapshot: Snapshot) => void {
  const insert = database.prepare("INSERT OR IGNORE INTO quality_month (period, quality, meter_id) VALUES (?, ?, ?)");
  return ({ period, meterId, registers }) => {
    for (const { quality } of registers) {
      const number = numbers.get(quality) ?? 0;
      if (number > 0) insert.run(period, number, meterId);
    }
  };
}

/** The number of a quality in the index; undefined where there is no index by it. */
export function indexedQuality(quality: SnapshotQuality): number | undefined {
  const number = numbers.get(quality) ?? 0;
  return number > 0 ? number : undefined;
}
