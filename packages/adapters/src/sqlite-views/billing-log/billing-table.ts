import type { DatabaseSync } from "node:sqlite";
import { type Acknowledgement, isSameLine } from "@meterbook/core/domain/billing/acknowledgement";
import type { BillingLog, LineOutcome } from "@meterbook/core/ports/billing-log";
import { encodeJsonRecord, readJsonRecord } from "@meterbook/core/records/json-record";
import { z } from "zod";

/** Rows are only ever inserted; the triggers hold everybody to it who opens the file. */
export const billingSchema = `
  CREATE TABLE IF NOT EXISTS line (period INTEGER NOT NULL, meter_id TEXT NOT NULL, register TEXT NOT NULL,
    invoice TEXT NOT NULL, revision INTEGER NOT NULL, at_ms INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (period, meter_id, register, invoice)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS line_invoice ON line (period, invoice);
  CREATE INDEX IF NOT EXISTS line_time ON line (period, at_ms);
  CREATE TRIGGER IF NOT EXISTS line_is_final BEFORE UPDATE ON line
    BEGIN SELECT RAISE(ABORT, 'what billing said never changes'); END;
  CREATE TRIGGER IF NOT EXISTS line_is_kept BEFORE DELETE ON line
    BEGIN SELECT RAISE(ABORT, 'what billing said is never deleted'); END;
`;

export function encodeLine(line: Acknowledgement): Buffer {
  return encodeJsonRecord(line);
}

const whole = z.int().min(0);
const form = z.object({
  meterId: z.string(),
  period: whole,
  revision: whole,
  register: z.string(),
  invoice: z.string(),
  opening: z.int().nullable(),
  closing: z.int().nullable(),
  consumption: z.int().nullable(),
  amount: z.string().nullable(),
  currency: z.string().nullable(),
  acknowledgedAtMs: whole,
  by: z.string(),
});

/** Undefined where the bytes are not what was written, or no line. */
export function decodeLine(bytes: Uint8Array): Acknowledgement | undefined {
  return form.safeParse(readJsonRecord(bytes)).data;
}

export interface BillingTable extends Pick<BillingLog, "ofMonth" | "used" | "totals" | "state"> {
  /** What became of a line that was given to `billingWrites`. */
  outcomeOf(line: Acknowledgement): LineOutcome;
}

export function billingTable(database: DatabaseSync): BillingTable {
  const month = database.prepare(
    "SELECT body FROM line WHERE period = ? AND meter_id = ? ORDER BY at_ms, register, invoice",
  );
  const used = database.prepare(`
    SELECT meter_id, max(revision) AS revision FROM line
    WHERE period = ? AND meter_id > ? GROUP BY meter_id ORDER BY meter_id LIMIT ?`);
  const totals = database.prepare(`
    SELECT count(DISTINCT meter_id) AS meters, count(*) AS lines, count(DISTINCT invoice) AS invoices,
      coalesce(max(at_ms), 0) AS newest FROM line WHERE period = ?`);
  const one = database.prepare(
    "SELECT body FROM line WHERE period = ? AND meter_id = ? AND register = ? AND invoice = ?",
  );
  // What this connection has changed, and whether another has.
  const own = database.prepare("SELECT total_changes() AS changes");
  const others = database.prepare("PRAGMA data_version");
  return {
    state: async () => `${Number(own.get()?.["changes"])} ${Number(others.get()?.["data_version"])}`,
    ofMonth: async (meterId, period) => month.all(period, meterId).flatMap((row) => lineIn(row) ?? []),
    used: async ({ period, afterMeterId = "", limit }) =>
      used
        .all(period, afterMeterId, limit)
        .map((row) => ({ meterId: String(row["meter_id"]), revision: Number(row["revision"]) })),
    async totals(period) {
      const row = totals.get(period) ?? {};
      const [meters, lines] = [Number(row["meters"]), Number(row["lines"])];
      return { meters, lines, invoices: Number(row["invoices"]), newestAtMs: Number(row["newest"]) };
    },
    outcomeOf(line) {
      const stored = lineIn(one.get(line.period, line.meterId, line.register, line.invoice));
      if (stored === undefined || !isSameLine(stored, line)) return "differs";
      return stored.acknowledgedAtMs === line.acknowledgedAtMs && stored.by === line.by ? "recorded" : "known";
    },
  };
}

function lineIn(row: Record<string, unknown> | undefined): Acknowledgement | undefined {
  return row?.["body"] instanceof Uint8Array ? decodeLine(row["body"]) : undefined;
}

/** Inside the caller's transaction; of two with the same key the first stays. Answers whether it is new. */
export function billingWrites(database: DatabaseSync): (line: Acknowledgement, body: Uint8Array) => boolean {
  const insert = database.prepare(`
    INSERT OR IGNORE INTO line (period, meter_id, register, invoice, revision, at_ms, body)
    VALUES (?, ?, ?, ?, ?, ?, ?)`);
  return ({ period, meterId, register, invoice, revision, acknowledgedAtMs }, body) =>
    insert.run(period, meterId, register, invoice, revision, acknowledgedAtMs, body).changes > 0;
}
