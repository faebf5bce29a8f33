// Goal: a download for a spreadsheet or an analyst has the very cells of the CSV, as numbers, dates and text.
// Method: whole files from the API, opened by readers that share no code with what writes them.
import readSheets, { readSheet } from "read-excel-file/node";
import { expect, test } from "vitest";
import { askParquet } from "../../../../../test/support/tables.ts";
import { apiWorld, aSnapshot, injectableApi, servedApi } from "../../../../../test/support/worlds/api-world.ts";
import { memorySnapshots } from "../../../../../test/support/worlds/memory-ports.ts";
import { formats } from "../requests/answer-format.ts";
import { columnKind } from "./column-kinds.ts";
import { csvTable } from "./csv-table.ts";
import { parquetFile } from "./parquet-file.ts";
import type { TableFile } from "./table-file.ts";
import { xlsxFile } from "./xlsx-file.ts";

const snapshots = ["m-1", "m-2", "1.8.0", "z-99"].map((meterId) => aSnapshot({ meterId, reason: 'said "so", & <b>' }));
const url = "/v1/snapshots?period=2026-10";

async function downloaded(path: string): Promise<Buffer> {
  const { address } = await servedApi(apiWorld({ snapshots: memorySnapshots(...snapshots) }));
  const response = await fetch(`http://${address}${path}`);
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

/** The cells of a table by the kinds of its columns, as JavaScript has them. */
function cellsOf(csv: Buffer): unknown[][] {
  const { columns, rows } = csvTable()(csv);
  const kinds = columns.map(columnKind);
  const cell = (text: string, i: number) =>
    text === "" ? null : kinds[i] === "whole" ? Number(text) : kinds[i] === "instant" ? new Date(text) : text;
  return [[...columns], ...rows.map((row) => row.map(cell))];
}

test("N17: an XLSX has the cells of the CSV: registers are text, amounts numbers, instants dates", async () => {
  const csv = await downloaded(`${url}&format=csv`);
  const sheet = await readSheet(await downloaded(`${url}&format=xlsx`), 1, { trim: false });
  const width = sheet[0]?.length ?? 0;
  const expected = cellsOf(csv).map((row) => row.slice(0, width));
  expect(sheet.map((row) => row.map(rounded))).toEqual(expected);
  expect(sheet.length).toBe(1 + snapshots.flatMap(({ registers }) => registers).length);
  expect(sheet[1]?.[sheet[0]?.indexOf("register") ?? -1]).toBe("1.8.0");
});

/** A date of a spreadsheet is a fraction of days: this reader cuts what the fraction lacks of a millisecond. */
function rounded(cell: unknown): unknown {
  return cell instanceof Date ? new Date(Math.round(cell.getTime() / 10) * 10) : cell;
}

test("a Parquet file has the cells of the CSV, and DuckDB counts with them", async () => {
  const csv = await downloaded(`${url}&format=csv`);
  const [names = [], ...rows] = cellsOf(csv);
  const parquet = await downloaded(`${url}&format=parquet`);
  const read = await askParquet(parquet, "select * from file");
  const text = (value: unknown, i: number) =>
    value === null
      ? null
      : columnKind(String(names[i])) === "text"
        ? value
        : value instanceof Date
          ? value
          : String(value);
  const shown = read.map((row) =>
    Object.values(row).map((value, i) =>
      value !== null && columnKind(String(names[i])) === "instant"
        ? new Date(String(value).replace(" ", "T").replace(/\+00$/, "Z"))
        : text(value, i),
    ),
  );
  expect(Object.keys(read[0] ?? {})).toEqual(names);
  expect(shown).toEqual(rows.map((row) => row.map(text)));
  const total = rows.reduce((sum, row) => sum + Number(row[names.indexOf("consumption")] ?? 0), 0);
  const [sum] = await askParquet(parquet, "select sum(consumption)::bigint as total from file where revision = 1");
  expect(Number(sum?.["total"])).toBe(total);
});

test.for(["xlsx", "parquet"] as const)("%s is offered by Accept and by ?format=, under a name", async (format) => {
  const app = await injectableApi(apiWorld({ snapshots: memorySnapshots(...snapshots) }));
  const [named, accepted] = await Promise.all([
    app.inject(`${url}&format=${format}`),
    app.inject({ url, headers: { accept: formats[format] } }),
  ]);
  for (const { statusCode, headers } of [named, accepted])
    expect([statusCode, headers["content-type"], headers["content-disposition"]]).toEqual([
      200,
      formats[format],
      `attachment; filename="snapshots-2026-10.${format}"`,
    ]);
  expect(named.rawPayload.equals(accepted.rawPayload)).toBe(true);
});

test("an empty table is a file with the names of its columns", async () => {
  const app = await injectableApi(apiWorld());
  const { rawPayload } = await app.inject("/v1/meters?format=xlsx");
  expect((await readSheet(rawPayload))[0]?.[0]).toBe("meter_id");
  const parquet = await app.inject("/v1/meters?format=parquet");
  expect(await askParquet(parquet.rawPayload, "select count(meter_id)::int as n from file")).toEqual([{ n: 0 }]);
});

async function fileOf(file: TableFile, ...pieces: string[]): Promise<Buffer> {
  const read = csvTable();
  const parts: Uint8Array[] = [];
  for (const piece of pieces) parts.push(await file.add(read(Buffer.from(piece))));
  parts.push(await file.end());
  return Buffer.concat(parts);
}

const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `m-${from + i},${from + i},2026-10-31T22:00:00Z\n`).join("");

test("a table that is longer than a sheet goes on in the next one", async () => {
  const file = xlsxFile("values", { rowsMax: 4, bytesMax: 1e9 });
  const bytes = await fileOf(file, `meter_id,value,at\n${rows(0, 3)}`, rows(3, 9));
  const sheets = await readSheets(bytes);
  expect(sheets.map(({ sheet }) => sheet)).toEqual(["values", "values 2", "values 3"]);
  expect(sheets.map(({ data }) => data.slice(1).map(([id]) => id))).toEqual([
    ["m-0", "m-1", "m-2", "m-3"],
    ["m-4", "m-5", "m-6", "m-7"],
    ["m-8"],
  ]);
  for (const { data } of sheets) expect(data[0]).toEqual(["meter_id", "value", "at"]);
});

test("a long table has row groups, and none of its rows is lost between them", async () => {
  const bytes = await fileOf(parquetFile(4), `meter_id,value,at\n${rows(0, 3)}`, rows(3, 9));
  expect(await askParquet(bytes, "select meter_id, value::int as value from file")).toEqual(
    Array.from({ length: 9 }, (_, i) => ({ meter_id: `m-${i}`, value: i })),
  );
});

test.for([
  ["a comma, a quote and a line feed", 'a,"b"\nc'],
  ["marks of XML", "<a href='x'>&amp;</a>"],
  ["what looks like an escape", "_x0041_"],
  ["a sign that XML has none of", "a\u0001b\u001fc"],
  ["letters of other alphabets", "Лічильник 42 ї 😀"],
  ["what a spreadsheet would run", "=1+1"],
  ["spaces at both ends", "  x  "],
] as const)("%s comes back as it was", async ([, text]) => {
  const csv = `reason,value\n"${text.replaceAll('"', '""')}",1\n`;
  const [, row] = await readSheet(await fileOf(xlsxFile("x"), csv), 1, { trim: false });
  expect(row?.[0]).toBe(text);
  expect(await askParquet(await fileOf(parquetFile(), csv), "select reason from file")).toEqual([{ reason: text }]);
});

test("amounts that a spreadsheet would round are text there, and whole in Parquet", async () => {
  const csv = "register,value\n1.8.0,9007199254740991\n1.8.0,-5\n";
  const sheet = await readSheet(await fileOf(xlsxFile("x"), csv));
  expect(sheet.map(([, value]) => value)).toEqual(["value", "9007199254740991", -5]);
  expect(await askParquet(await fileOf(parquetFile(), csv), "select value from file")).toEqual([
    { value: "9007199254740991" },
    { value: "-5" },
  ]);
});
