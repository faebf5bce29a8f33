import { zstdCompressSync } from "node:zlib";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { type ColumnKind, columnKind } from "./column-kinds.ts";
import type { CsvPart } from "./csv-table.ts";
import type { TableFile } from "./table-file.ts";

/** Enough for a reader that works on several at a time; few enough to be held. */
const groupRowsDefault = 32_768;

/** A Parquet file in row groups, packed with Zstandard: whole numbers are INT64, instants UTC milliseconds. */
export function parquetFile(groupRowsMax = groupRowsDefault): TableFile {
  const bytes = new ByteWriter();
  let writer: ParquetWriter | undefined;
  let names: readonly string[] = [];
  let waiting: (readonly string[])[] = [];

  function take(): Uint8Array {
    const taken = Buffer.copyBytesFrom(bytes.getBytes());
    bytes.index = 0;
    return taken;
  }

  async function writeGroup(rows: CsvPart["rows"]): Promise<void> {
    const columnData = names.map((name, i) => {
      const read = readers[columnKind(name)];
      return { name, data: rows.map((row) => (row[i] === "" ? null : read(row[i] as string))), offsetIndex: false };
    });
    await opened(writer).write({ columnData, rowGroupSize: groupRowsMax });
  }

  return {
    async add({ columns, rows }) {
      if (writer === undefined) {
        names = columns;
        const schema = [{ name: "table", num_children: columns.length }, ...columns.map(columnSchema)];
        writer = new ParquetWriter({ writer: bytes, schema, codec: "ZSTD", compressors: { ZSTD: pack } });
      }
      for (const row of rows) {
        waiting.push(row);
        if (waiting.length < groupRowsMax) continue;
        await writeGroup(waiting);
        waiting = [];
      }
      return take();
    },
    async end() {
      if (waiting.length > 0) await writeGroup(waiting);
      waiting = [];
      await opened(writer).finish();
      return take();
    },
  };
}

const pack = (plain: Uint8Array): Uint8Array => zstdCompressSync(plain);

const readers: Readonly<Record<ColumnKind, (cell: string) => string | bigint>> = {
  text: (cell) => cell,
  whole: (cell) => BigInt(cell),
  instant: (cell) => BigInt(Date.parse(cell)),
};

function columnSchema(name: string) {
  const kind = columnKind(name);
  const shared = { name, repetition_type: "OPTIONAL" } as const;
  if (kind === "text") return { ...shared, type: "BYTE_ARRAY", converted_type: "UTF8" } as const;
  if (kind === "whole") return { ...shared, type: "INT64" } as const;
  const logical = { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MILLIS" } as const;
  return { ...shared, type: "INT64", converted_type: "TIMESTAMP_MILLIS", logical_type: logical } as const;
}

function opened(writer: ParquetWriter | undefined): ParquetWriter {
  if (writer === undefined) throw new Error("a table without the names of its columns");
  return writer;
}
