import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { csvTable } from "./csv-table.ts";
import { parquetFile } from "./parquet-file.ts";
import type { TableAnswer, TableOrder, TableRequest } from "./table-messages.ts";
import { xlsxFile } from "./xlsx-file.ts";

/** Makes a file of a table: a row group takes too long to be made between two calls of the API. */
const port = parentPort as MessagePort;
const { format, title } = workerData as TableOrder;
const file = format === "xlsx" ? xlsxFile(title) : parquetFile();
const read = csvTable();

port.on("message", (request: TableRequest) => {
  const made =
    request.csv === undefined ? file.end() : Promise.resolve(read(request.csv)).then((part) => file.add(part));
  // What fails ends the thread, and so tells whoever waits.
  void made.then((bytes) => {
    const own = Uint8Array.from(bytes);
    port.postMessage({ bytes: own } satisfies TableAnswer, [own.buffer]);
  });
});
