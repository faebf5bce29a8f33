import { type ColumnKind, columnKind } from "./column-kinds.ts";
import type { CsvPart } from "./csv-table.ts";
import type { TableFile } from "./table-file.ts";
import { cellText, contentTypes, packageParts, relations, sheetPath } from "./xlsx-parts.ts";
import { zipFile } from "./zip-file.ts";

export interface SheetBounds {
  /** Besides the row of names. A sheet can have 1 048 576. */
  readonly rowsMax: number;
  /** Of its XML: an entry of a ZIP ends at 4 GiB. */
  readonly bytesMax: number;
}

const defaultBounds: SheetBounds = { rowsMax: 1_000_000, bytesMax: 3 * 2 ** 30 };
/** What is packed in one go. */
const pieceLength = 128 * 1024;
/** A spreadsheet shows no more digits of a number than these. */
const digitsMax = 15;
const msPerDay = 86_400_000;
/** Days from 1899-12-30, where spreadsheets begin to count, to 1970. */
const epochDays = 25_569;

/**
 * An XLSX, written row by row: numbers are numbers, instants are dates (UTC), all else is text, so that nothing is
 * guessed. A table that is longer than a sheet goes on in the next one.
 */
export function xlsxFile(title: string, bounds = defaultBounds): TableFile {
  const zip = zipFile();
  let columns: readonly Column[] | undefined;
  let sheets = 0;
  let row = 0;

  async function begin(names: readonly string[]): Promise<void> {
    await entry("[Content_Types].xml", contentTypes);
    await entry("_rels/.rels", relations);
    columns = names.map((name, index) => ({ name, letters: lettersOf(index), kind: columnKind(name) }));
    await beginSheet(columns);
  }

  async function entry(name: string, text: string): Promise<void> {
    zip.begin(name);
    await zip.write(text);
    await zip.endEntry();
  }

  async function beginSheet(all: readonly Column[]): Promise<void> {
    sheets += 1;
    row = 1;
    zip.begin(sheetPath(sheets));
    await zip.write(sheetHead(all));
  }

  async function endSheet(): Promise<void> {
    await zip.write("</sheetData></worksheet>");
    await zip.endEntry();
  }

  async function writeRows(all: readonly Column[], rows: CsvPart["rows"]): Promise<void> {
    let text = "";
    for (const cells of rows) {
      if (row > bounds.rowsMax || zip.entryBytes + text.length > bounds.bytesMax) {
        await zip.write(text);
        text = "";
        await endSheet();
        await beginSheet(all);
      }
      row += 1;
      text += rowText(all, cells, row);
      if (text.length < pieceLength) continue;
      await zip.write(text);
      text = "";
    }
    if (text !== "") await zip.write(text);
  }

  return {
    async add({ columns: names, rows }) {
      if (columns === undefined) await begin(names);
      await writeRows(columns as readonly Column[], rows);
      return zip.take();
    },
    async end() {
      await endSheet();
      for (const [name, text] of packageParts(title, sheets)) await entry(name, text);
      zip.finish();
      return zip.take();
    },
  };
}

interface Column {
  readonly name: string;
  readonly letters: string;
  readonly kind: ColumnKind;
}

/** `A` to `Z`, then `AA`. */
function lettersOf(index: number): string {
  const last = String.fromCharCode(65 + (index % 26));
  return index < 26 ? last : lettersOf(Math.floor(index / 26) - 1) + last;
}

const widths: Readonly<Record<ColumnKind, number>> = { text: 16, whole: 14, instant: 20 };

function sheetHead(columns: readonly Column[]): string {
  const cols = columns.map(
    ({ kind }, i) => `<col min="${i + 1}" max="${i + 1}" width="${widths[kind]}" customWidth="1"/>`,
  );
  const names = columns.map(
    ({ letters, name }) => `<c r="${letters}1" s="1" t="inlineStr"><is><t>${name}</t></is></c>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>${cols.join("")}</cols><sheetData><row r="1">${names.join("")}</row>`;
}

function rowText(columns: readonly Column[], cells: readonly string[], row: number): string {
  let text = `<row r="${row}">`;
  for (let i = 0; i < columns.length; i += 1) {
    const cell = cells[i] as string;
    if (cell !== "") text += cellOf(columns[i] as Column, cell, row);
  }
  return `${text}</row>`;
}

function cellOf({ letters, kind }: Column, cell: string, row: number): string {
  if (kind === "whole" && cell.length <= digitsMax) return `<c r="${letters}${row}"><v>${wholeText(cell)}</v></c>`;
  if (kind === "instant") return `<c r="${letters}${row}" s="2"><v>${Date.parse(cell) / msPerDay + epochDays}</v></c>`;
  return `<c r="${letters}${row}" s="3" t="inlineStr"><is><t xml:space="preserve">${cellText(cell)}</t></is></c>`;
}

function wholeText(cell: string): string {
  if (!/^-?\d+$/.test(cell)) throw new Error(`a cell of a column of whole numbers is ${cell.slice(0, 40)}`);
  return cell;
}
