import type { CsvPart } from "./csv-table.ts";

/** Makes a file of a table, a part at a time; what it holds meanwhile does not grow with the table. */
export interface TableFile {
  /** @returns what of the file is ready */
  add(part: CsvPart): Promise<Uint8Array>;
  end(): Promise<Uint8Array>;
}
