import type { DatabaseSync } from "node:sqlite";
import { judgedRules, type RuleCode } from "@meterbook/core/domain/snapshot/finding";
import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";

/**
 * Of which meters' months a rule has ever said something, and of which any has. A later revision may have nothing, so
 * whoever looks here looks at the newest one too.
 */
export const findingMonthSchema = `
  CREATE TABLE IF NOT EXISTS finding_month (period INTEGER NOT NULL, rule INTEGER NOT NULL, meter_id TEXT NOT NULL,
    PRIMARY KEY (period, rule, meter_id)) WITHOUT ROWID;
`;

const any = 0;
const numbers: ReadonlyMap<RuleCode, number> = new Map(judgedRules.map((rule, index) => [rule, index + 1]));

/** Notes the findings of a revision, inside the caller's transaction. Most have none. */
export function findingMonthNotes(database: DatabaseSync): (snapshot: Snapshot) => void {
  const insert = database.prepare("INSERT OR IGNORE INTO finding_month (period, rule, meter_id) VALUES (?, ?, ?)");
  return ({ period, meterId, registers }) => {
    for (const { findings } of registers) {
      if (findings.length > 0) insert.run(period, any, meterId);
      for (const { rule } of findings) insert.run(period, numberOfRule(rule), meterId);
    }
  };
}

/** The number of a rule in the index, or of any. */
export function numberOfRule(rule: RuleCode | "any"): number {
  return rule === "any" ? any : (numbers.get(rule) ?? any);
}
