import { DatabaseSync } from "node:sqlite";
import type { RevisionKey } from "@meterbook/core/domain/snapshot/revision-place";
import { snapshotId } from "@meterbook/core/domain/snapshot/snapshot";

/** Which revisions were met, to tell what stands twice and what is missing between. */
export interface IssuedRevisions {
  /** Answers why it must not stand there; undefined where it is the first of its number. */
  add(
    revision: RevisionKey & { readonly hash: string; readonly lifecycle: string },
    offset: number,
  ): string | undefined;
  /** `m-1/2026-10/2`, numbers below the last one of their meter and month that nothing stands for. */
  missing(): Generator<string>;
  close(): void;
}

const turnMax = 50_000;

/** In a nameless file of SQLite, which vanishes by itself: a grid's revisions are more than memory should hold. */
export function issuedRevisions(): IssuedRevisions {
  const database = new DatabaseSync("");
  database.exec(`
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE issued (meter_id TEXT, period INTEGER, revision INTEGER, place INTEGER, hash TEXT, lifecycle TEXT,
      PRIMARY KEY (meter_id, period, revision)) WITHOUT ROWID;
    BEGIN`);
  const insert = database.prepare("INSERT OR IGNORE INTO issued VALUES (?, ?, ?, ?, ?, ?)");
  const first = database.prepare(
    "SELECT place, hash, lifecycle FROM issued WHERE meter_id = ? AND period = ? AND revision = ?",
  );
  let waiting = 0;

  function commitNowAndThen(): void {
    waiting += 1;
    if (waiting < turnMax) return;
    waiting = 0;
    database.exec("COMMIT; BEGIN");
  }

  return {
    add({ meterId, period, revision, hash, lifecycle }, offset) {
      commitNowAndThen();
      if (insert.run(meterId, period, revision, offset, hash, lifecycle).changes === 1) return undefined;
      const row = first.get(meterId, period, revision);
      const same = row?.["hash"] === hash && row["lifecycle"] === lifecycle;
      const kind = same ? "the same snapshot" : "another snapshot";
      return `${kind} stands under this revision at offset ${row?.["place"]}; the first counts`;
    },
    *missing() {
      const gaps = database.prepare(`
        SELECT meter_id, period, revision, before FROM (SELECT meter_id, period, revision,
          lag(revision, 1, 0) OVER (PARTITION BY meter_id, period ORDER BY revision) AS before FROM issued)
        WHERE revision <> before + 1`);
      for (const { meter_id: meterId, period, revision, before } of gaps.iterate()) {
        for (let number = Number(before) + 1; number < Number(revision); number += 1)
          yield snapshotId({ meterId: String(meterId), period: Number(period), revision: number });
      }
    },
    close: () => database.close(),
  };
}
