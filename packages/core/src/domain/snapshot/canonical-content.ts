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
  const head = `snapshot/2|${content.meterId}|${content.usagePointId}|${periodName(content.period)}|${content.boundary}`;
  let text = head;
  for (const row of content.registers) text += `\n${canonicalRow(row)}`;
  return text;
}

/** By hand rather than by joining a list: a month close writes a million of these. */
function canonicalRow(row: RegisterSnapshot): string {
  const made = row.method === "EXACT" || row.method === "MISSING" ? noEvidence : row;
  const closing = `${row.register}|${row.unit}|${text(row.value)}|${row.valueQuality}|`;
  const opening = `${text(row.opening)}|${text(row.openingBasis)}|${text(row.consumption)}|${row.quality}|`;
  const method = `${row.method}|${text(row.origin)}|${text(row.readAt)}|`;
  const before = `${text(made.before?.at)}|${text(made.before?.value)}|`;
  const after = `${text(made.after?.at)}|${text(made.after?.value)}|`;
  const intervals = `${text(row.intervals?.expected)}|${text(row.intervals?.present)}|`;
  const part = `${text(row.openingAt)}|${text(row.carried)}|${text(row.from)}|${text(row.to)}|`;
  const place = row.usagePointId === null ? "" : `|${row.usagePointId}`;
  const estimate = row.estimate === null ? "||" : `${row.estimate.low}|${row.estimate.high}|${text(row.estimate.cap)}`;
  return `${closing}${opening}${method}${before}${after}${intervals}${text(row.fault)}|${part}${estimate}${place}`;
}

const noEvidence: Pick<RegisterSnapshot, "before" | "after"> = { before: null, after: null };

function text(field: string | number | null | undefined): string | number {
  return field ?? "";
}
