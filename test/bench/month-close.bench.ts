import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { type MeterbookProcess, startMeterbook } from "../support/processes/meterbook-process.ts";
import { cpuSecondsOf, peakBytesOf, residentBytesOf } from "../support/processes/process-usage.ts";
import { benchSettings } from "./bench-settings.ts";
import type { Figure } from "./bench-table.ts";
import { runLoad } from "./load/load-process.ts";
import { monthBoundary } from "./month-boundary.ts";
import { applied, portOf } from "./throughput.bench.ts";

interface Period {
  readonly meters: number;
  readonly registers: number;
  readonly byMethod: Readonly<Record<string, number>>;
}

/**
 * Closes a month of `meters` meters with three registers each and exports it. The meters report before, at and after
 * the boundary; the close is asked for over the API, so what is measured is evaluation, hashing and the durable ledger.
 */
export async function measureMonthClose(meters: number): Promise<Figure[]> {
  const meterbook = await startMeterbook({
    ...benchSettings(),
    // Shards are not all of one size.
    METERBOOK_METERS_MAX: String(2 * meters),
    METERBOOK_SETTLE_SECONDS: "86400",
    METERBOOK_TIME_ZONE: "UTC",
  });
  try {
    const boundary = monthBoundary();
    const period = new Date((boundary - 86_400) * 1000).toISOString().slice(0, 7);
    await runLoad({
      port: portOf(meterbook),
      messages: meters * 3,
      meters,
      connections: 16,
      window: 200,
      readingsPerMessage: "1",
      rate: 0,
      startAt: boundary - 900,
    });
    await applied(meterbook);
    const cpuBefore = cpuSecondsOf(meterbook.pid);
    const closing = performance.now();
    const asked = { method: "POST", headers: { prefer: "wait=600" } };
    const answer = await meterbook.request(`/v1/periods/${period}/close`, asked);
    const closeSeconds = (performance.now() - closing) / 1000;
    const cpuSeconds = cpuSecondsOf(meterbook.pid) - cpuBefore;
    if (!answer.ok) throw new Error(`close: ${answer.status} ${await answer.text()}`);
    const { result } = (await answer.json()) as { result: { issued: number } | null };
    const issued = result?.issued;
    const state = await meterbook.get<Period>(`/v1/periods/${period}`);
    if (issued !== meters || state.registers !== meters * 3 || state.byMethod["EXACT"] !== meters * 3) {
      throw new Error(`closed ${issued} of ${meters} meters: ${JSON.stringify(state)}`);
    }
    const registers = meters * 3;
    return [
      { name: "month close", value: closeSeconds, unit: "s", note: `${registers} registers`, ...barFor(registers) },
      { name: "month close: CPU of the process", value: (cpuSeconds / meters) * 1e6, unit: "us/meter" },
      {
        name: "month close: most memory so far",
        value: peakBytesOf(meterbook.pid) / 2 ** 30,
        unit: "GiB",
        ...memoryBar,
      },
      await measureExport(`${meterbook.httpUrl}/v1/snapshots?period=${period}`, registers),
      ...(registers > sheetRowsMax ? [] : await measureTables(meterbook, `/v1/snapshots?period=${period}`, registers)),
    ];
  } finally {
    await meterbook.dispose();
  }
}

function barFor(registers: number): Pick<Figure, "bar"> | Record<string, never> {
  if (registers >= 16_000_000) return { bar: { atMost: 120 } };
  return registers >= 1_000_000 ? { bar: { atMost: 5 } } : {};
}

/** What a sheet of a spreadsheet holds. */
const sheetRowsMax = 1_048_575;
const memoryBar = { bar: { atMost: 12 } };

/**
 * Rows per second of the CSV stream as a client of another process would see it; the rows are counted. A client that is
 * slower than the server would be what is measured: `fetch` and a look at each byte took 3 us a row.
 */
export async function measureExport(url: string, registers: number): Promise<Figure> {
  const started = performance.now();
  const request = get(url, { headers: { accept: "text/csv" } });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  let rows = -1;
  let bytes = 0;
  response.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) rows += 1;
  });
  await once(response, "end");
  if (rows !== registers) throw new Error(`the export has ${rows} rows, ${registers} were due`);
  const seconds = (performance.now() - started) / 1000;
  const bar = registers >= 1_000_000 ? { bar: { atLeast: 500_000 } } : {};
  return { name: "CSV export", value: rows / seconds, unit: "rows/s", note: `${Math.round(bytes / 1e6)} MB`, ...bar };
}

/** Rows per second of the files for spreadsheets and analysts, and how much the process grows meanwhile. */
async function measureTables(meterbook: MeterbookProcess, path: string, registers: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [format, name] of [
    ["xlsx", "XLSX export"],
    ["parquet", "Parquet export"],
  ] as const) {
    const before = residentBytesOf(meterbook.pid);
    let most = before;
    const started = performance.now();
    const response = await meterbook.request(`${path}&format=${format}`);
    let bytes = 0;
    for await (const chunk of response.body ?? []) {
      bytes += chunk.length;
      most = Math.max(most, residentBytesOf(meterbook.pid));
    }
    if (!response.ok || bytes === 0) throw new Error(`${format}: ${response.status}, ${bytes} bytes`);
    const seconds = (performance.now() - started) / 1000;
    const note = `${Math.round(bytes / 1e6)} MB; the process grew by ${Math.round((most - before) / 1e6)} MB`;
    figures.push({ name, value: registers / seconds, unit: "rows/s", note });
  }
  return figures;
}
