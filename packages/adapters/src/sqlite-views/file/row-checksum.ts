import type { StatementSync } from "node:sqlite";
import { crc32 } from "node:zlib";

/** A value of a row. */
export type Cell = string | number | null | Uint8Array;

/** CRC-32 over values in their order: what a row carries as its checksum, whatever its columns are. */
export function cellsChecksum(cells: readonly Cell[]): number {
  let checksum = 0;
  for (const cell of cells) {
    if (cell instanceof Uint8Array) checksum = crc32(cell, crc32(`${cell.length}:`, checksum));
    // As SQLite keeps it, which has no halves of a surrogate pair.
    else checksum = crc32(typeof cell === "string" ? `${JSON.stringify(cell.toWellFormed())},` : `${cell},`, checksum);
  }
  return checksum;
}

/** Whether a row that was read gives its checksum. To be read with `bigNumbers`. */
export function isIntact(
  row: Readonly<Record<string, unknown>>,
  columns: readonly string[],
  checksum = "checksum",
): boolean {
  return cellsChecksum(columns.map((column) => cellOf(row[column]))) === Number(row[checksum]);
}

export function cellOf(value: unknown): Cell {
  return typeof value === "bigint" ? Number(value) : (value as Cell);
}

/** A damaged number may be none that JavaScript has: read as one it would throw, and all other rows with it. */
export function bigNumbers(statement: StatementSync): StatementSync {
  statement.setReadBigInts(true);
  return statement;
}
