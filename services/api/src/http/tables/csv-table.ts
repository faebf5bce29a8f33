import { csvCells } from "../requests/csv-cells.ts";

/** A part of a table: its rows as cells of text, empty where there is nothing. */
export interface CsvPart {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Reads a CSV of our own in pieces that end with a row; the first begins with the names of the columns. */
export function csvTable(): (bytes: Uint8Array) => CsvPart {
  let columns: readonly string[] | undefined;
  return (bytes) => {
    const lines = linesOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
    columns ??= (lines.shift() ?? "").split(",");
    const width = columns.length;
    const rows = lines.map((line) => (line.includes('"') ? csvCells(line) : line.split(",")));
    if (rows.some((row) => row?.length !== width))
      throw new Error("a row of the table has not as many cells as columns");
    return { columns, rows: rows as string[][] };
  };
}

/** A line feed within quotes belongs to its cell. */
function linesOf(text: string): string[] {
  if (!text.endsWith("\n")) throw new Error("a piece of a table ends within a row");
  const lines = text.slice(0, -1).split("\n");
  if (!text.includes('"')) return lines;
  const whole: string[] = [];
  let open = "";
  for (const line of lines) {
    open = open === "" ? line : `${open}\n${line}`;
    if (quotesIn(open) % 2 === 1) continue;
    whole.push(open);
    open = "";
  }
  if (open !== "") throw new Error("a piece of a table ends within a cell");
  return whole;
}

function quotesIn(text: string): number {
  let count = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) count += 1;
  return count;
}
