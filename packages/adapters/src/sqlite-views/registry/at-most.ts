import type { RecordRow } from "./registry-table.ts";

/** What is left out does not shorten a page: a short one says that there are no more. */
export function atMost<Of>(
  limit: number,
  rows: Iterable<RecordRow>,
  read: (row: RecordRow) => Of | undefined,
): readonly Of[] {
  const found: Of[] = [];
  if (limit <= 0) return found;
  for (const row of rows) {
    const record = read(row);
    if (record !== undefined && found.push(record) >= limit) break;
  }
  return found;
}
