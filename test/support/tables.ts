import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";

/** Asks DuckDB about a Parquet file, which is called `file` in the question. */
export async function askParquet(bytes: Uint8Array, question: string): Promise<Record<string, unknown>[]> {
  const directory = mkdtempSync(join(tmpdir(), "meterbook-parquet-"));
  try {
    const path = join(directory, "table.parquet");
    writeFileSync(path, bytes);
    const instance = await DuckDBInstance.create();
    const connection = await instance.connect();
    await connection.run("set timezone = 'UTC'");
    await connection.run(`create view file as select * from read_parquet('${path}')`);
    const answer = await connection.runAndReadAll(question);
    const rows = answer.getRowObjectsJson();
    connection.closeSync();
    instance.closeSync();
    return rows;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
