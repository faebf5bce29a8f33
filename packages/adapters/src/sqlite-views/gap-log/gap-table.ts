import type { DatabaseSync } from "node:sqlite";
import { periodsOf } from "@meterbook/core/domain/gap/gap-periods";
import { isOpen, type MeterGaps } from "@meterbook/core/domain/gap/meter-gaps";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { GapLog, ListedGap } from "@meterbook/core/ports/gap-log";
import { decodeMeterGaps } from "./gap-record.ts";

/**
 * `gap` is the list of each month's open gaps in its order: `missing_to` is negative, so that newer ones come first.
 */
export const gapSchema = `
  CREATE TABLE IF NOT EXISTS meter_gaps (meter_id TEXT PRIMARY KEY, position INTEGER NOT NULL UNIQUE, body BLOB NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS gap (period INTEGER NOT NULL, listed_in INTEGER NOT NULL, missing_to INTEGER NOT NULL, meter_id TEXT NOT NULL,
    no INTEGER NOT NULL, PRIMARY KEY (period, listed_in, missing_to, meter_id, no)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS gap_of_meter ON gap (meter_id);
`;

export interface GapTable extends Pick<GapLog, "get" | "list"> {
  /** What changed after a position, in order; fewer than `limit` means all. */
  changedAfter(position: number, limit: number): readonly { position: number; gaps: MeterGaps | undefined }[];
}

export function gapTable(database: DatabaseSync): GapTable {
  const one = database.prepare("SELECT body FROM meter_gaps WHERE meter_id = ?");
  const changed = database.prepare(
    "SELECT position, body FROM meter_gaps WHERE position > ? ORDER BY position LIMIT ?",
  );
  const listed = database.prepare(`
    SELECT g.listed_in, g.missing_to, g.meter_id, g.no, m.body FROM gap g JOIN meter_gaps m USING (meter_id)
    WHERE g.period = ? AND (g.listed_in, g.missing_to, g.meter_id, g.no) > (?, ?, ?, ?)
    ORDER BY g.listed_in, g.missing_to, g.meter_id, g.no LIMIT ?`);
  return {
    get: async (meterId) => gapsIn(one.get(meterId)),
    async list({ period, after, limit }) {
      const start = after === undefined ? [-1, 0, "", 0] : [after.group, -after.to, after.meterId, after.no];
      return listed.all(period, ...start, limit).flatMap((row) => listedGap(row) ?? []);
    },
    changedAfter: (position, limit) =>
      changed.all(position, limit).map((row) => ({ position: Number(row["position"]), gaps: gapsIn(row) })),
  };
}

function gapsIn(row: Record<string, unknown> | undefined): MeterGaps | undefined {
  return row?.["body"] instanceof Uint8Array ? decodeMeterGaps(row["body"]) : undefined;
}

function listedGap(row: Record<string, unknown>): ListedGap | undefined {
  const of = gapsIn(row);
  const no = Number(row["no"]);
  const gap = of?.gaps[no];
  if (of === undefined || gap === undefined) return undefined;
  const group = Number(row["listed_in"]);
  const { meterId, usagePointId } = of;
  return {
    meterId,
    usagePointId,
    gap,
    isAtClose: group === 0,
    place: { group, to: -Number(row["missing_to"]), meterId, no },
  };
}

/** Writes into the table, inside the caller's transaction. */
export interface GapWrites {
  put(gaps: MeterGaps, position: number, body: Uint8Array): void;
  remove(meterId: string): void;
}

export function gapWrites(database: DatabaseSync): GapWrites {
  const put = database.prepare(`
    INSERT INTO meter_gaps (meter_id, position, body) VALUES (?, ?, ?)
    ON CONFLICT (meter_id) DO UPDATE SET position = excluded.position, body = excluded.body`);
  const removeGaps = database.prepare("DELETE FROM meter_gaps WHERE meter_id = ?");
  const unlist = database.prepare("DELETE FROM gap WHERE meter_id = ?");
  const list = database.prepare("INSERT INTO gap (period, listed_in, missing_to, meter_id, no) VALUES (?, ?, ?, ?, ?)");
  return {
    put({ meterId, zone, gaps }, position, body) {
      const calendar = localCalendar(zone);
      put.run(meterId, position, body);
      unlist.run(meterId);
      gaps.forEach((gap, no) => {
        if (!isOpen(gap)) return;
        for (const { period, isAtClose } of periodsOf(gap, calendar))
          list.run(period, isAtClose ? 0 : 1, -gap.to, meterId, no);
      });
    },
    remove(meterId) {
      removeGaps.run(meterId);
      unlist.run(meterId);
    },
  };
}
