import type { RegisterSnapshot, SnapshotContent } from "./snapshot.ts";
import { periodName } from "./snapshot.ts";

/**
 * The text under a snapshot's hash: one line for the meter, one per register, fields joined by `|`, absent ones empty,
 * instants in seconds UTC. Anybody can rebuild it from the JSON or the CSV (docs/snapshot-hash.md).
 *
 * It holds what the values were made from. Neighbours that are only shown (around an exact reading, or where nothing
 * could be computed) are left out: a reading that arrives later beside an exact one changes no bill, so no hash.
 */
export function canonicalContent(content: SnapshotContent): string {
  const head = `snapshot/1|${content.meterId}|${content.usagePointId}|${periodName(content.period)}|${content.boundary}`;
  let text = head;
  for (const row of content.registers) text += `\n${canonicalRow(row)}`;
  return text;
}

function canonicalRow(row: RegisterSnapshot): string {
  const made = row.method === "EXACT" || row.method === "MISSING" ? undefined : row;
  return [
    row.register,
    row.unit,
    row.value,
    row.valueQuality,
    row.opening,
    row.openingBasis,
    row.consumption,
    row.quality,
    row.method,
    row.origin,
    row.readAt,
    made?.before?.at,
    made?.before?.value,
    made?.after?.at,
    made?.after?.value,
    row.intervals?.expected,
    row.intervals?.present,
    row.fault,
  ].join("|");
}
