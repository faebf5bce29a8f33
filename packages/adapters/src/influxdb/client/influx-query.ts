import { AdapterError } from "@meterbook/core/ports/adapter-error";
import { backOff } from "../../waiting/back-off.ts";
import type { InfluxConnection } from "./influx-connection.ts";
import { retryAfterMs, settingAtFault } from "./influx-connection.ts";

export type Cell = number | string | boolean | null;

/** Rows of one series, or of one measurement; a long one comes in several pieces. */
export interface RowSeries {
  readonly name: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly values: readonly (readonly Cell[])[];
}

/** As it should be; what came may be anything. */
interface ResultChunk {
  readonly results?: readonly ({ readonly series?: readonly RowSeries[]; readonly error?: string } | null)[];
  readonly error?: string;
}

/** Bound parameters: what is asked for never becomes part of the query's text. */
export type QueryParameters = Record<string, string | number>;

export interface Query {
  /** Statements of InfluxQL, `;` between them. */
  readonly text: string;
  readonly parameters: QueryParameters;
  readonly epoch?: "s" | "ns";
  /** How often it is asked where the server is away or busy; 5 times where absent. */
  readonly attemptsMax?: number;
}

const attemptsMax = 5;
const answerBytesMax = 512 * 1024 * 1024;

/**
 * Asks and answers all rows. Asked again a few times where the server is away or busy.
 *
 * @throws AdapterError `store_read_failed`, not retryable where a setting or the size of the answer is at fault.
 */
export async function query(
  connection: InfluxConnection,
  asked: Query,
  signal: AbortSignal,
): Promise<readonly RowSeries[]> {
  const pause = backOff({ firstMs: 100, maxMs: 2000 });
  for (let attempt = 1; ; attempt += 1) {
    try {
      const rows = await queryOnce(connection, asked, signal);
      connection.events.queried?.({ url: connection.url });
      return rows;
    } catch (cause) {
      const error = cause instanceof AdapterError ? cause : readFailed(true, (cause as Error).message, cause);
      if (!error.retryable || signal.aborted || attempt >= (asked.attemptsMax ?? attemptsMax)) throw error;
      connection.events.requestFailed?.({ url: connection.url, what: "query", error, attempt });
      await pause.wait(signal, error instanceof BusyError ? error.afterMs : 0).catch(() => {
        throw error;
      });
    }
  }
}

class BusyError extends AdapterError {
  readonly afterMs: number;
  constructor(detail: string, afterMs: number) {
    super("store_read_failed", { retryable: true, detail });
    this.afterMs = afterMs;
  }
}

async function queryOnce(connection: InfluxConnection, asked: Query, signal: AbortSignal): Promise<RowSeries[]> {
  const { text, parameters, epoch = "s" } = asked;
  const form = new URLSearchParams({ db: connection.bucket, epoch, chunked: "true", chunk_size: "10000", q: text });
  form.set("params", JSON.stringify(parameters));
  const chunks = chunkReader(connection);
  const answer = await connection.send({
    method: "POST",
    path: "/query",
    headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
    body: form.toString(),
    signal,
    take: chunks.take,
  });
  if (answer.status === 200) return chunks.end();
  const atFault = settingAtFault(answer, connection);
  if (atFault !== undefined) throw readFailed(false, atFault);
  const said = `${connection.url} answered ${answer.status}: ${answer.body}`;
  const isOurs = answer.status === 400 || answer.status === 413;
  throw isOurs ? readFailed(false, said) : new BusyError(said, retryAfterMs(answer));
}

/** An answer is one JSON text a line; each is read as soon as it is whole. */
function chunkReader(connection: InfluxConnection) {
  const found: RowSeries[] = [];
  let unread: Uint8Array[] = [];
  let bytesSoFar = 0;
  let failure: Error | undefined;

  function read(line: string): void {
    if (line.trim() === "") return;
    const chunk = JSON.parse(line) as ResultChunk | null;
    if (chunk?.error !== undefined) throw statementFailed(String(chunk.error), connection);
    for (const result of listIn(chunk?.results)) {
      if (result?.error !== undefined) throw statementFailed(String(result.error), connection);
      for (const one of listIn(result?.series)) found.push(checkedRows(one));
    }
  }

  function take(bytes: Uint8Array): void {
    if (failure !== undefined) return;
    bytesSoFar += bytes.length;
    const lineEnd = bytes.lastIndexOf(10);
    if (lineEnd === -1) {
      unread.push(bytes);
    } else {
      const whole = Buffer.concat([...unread, bytes.subarray(0, lineEnd)]).toString("utf8");
      unread = [bytes.subarray(lineEnd + 1)];
      for (const line of whole.split("\n")) read(line);
    }
    if (bytesSoFar > answerBytesMax) throw readFailed(false, `an answer of more than ${answerBytesMax} bytes`);
  }

  return {
    take(bytes: Uint8Array): void {
      try {
        take(bytes);
      } catch (error) {
        failure = error as Error;
      }
    },
    end(): RowSeries[] {
      if (failure !== undefined) throw failure;
      read(Buffer.concat(unread).toString("utf8"));
      return found;
    },
  };
}

function listIn<Item>(list: readonly Item[] | undefined): readonly Item[] {
  if (list === undefined) return [];
  if (!Array.isArray(list)) throw new TypeError("an answer is not what InfluxDB answers");
  return list;
}

/** Whoever takes the rows apart relies on their form. */
function checkedRows(one: RowSeries): RowSeries {
  const { columns, values, tags = {} } = one;
  const isSound =
    Array.isArray(columns) &&
    columns.every((name) => typeof name === "string") &&
    Array.isArray(values) &&
    values.every((row) => Array.isArray(row) && row.length === columns.length && row.every(isCell)) &&
    Object.values(tags).every((tag) => typeof tag === "string");
  if (!isSound) throw new TypeError("rows are not what InfluxDB answers");
  return one;
}

function isCell(cell: unknown): boolean {
  return cell === null || typeof cell !== "object";
}

function statementFailed(said: string, { url, bucket }: InfluxConnection): AdapterError {
  if (!said.includes("database not found")) return readFailed(true, `${url}: ${said}`);
  return readFailed(false, `METERBOOK_INFLUX_BUCKET=${bucket} is not there (${url}: ${said})`);
}

function readFailed(retryable: boolean, detail: string, cause?: unknown): AdapterError {
  return new AdapterError("store_read_failed", { retryable, detail, cause });
}

/** Instants that InfluxDB can hold, in whole seconds. */
const instantMax = 9_223_372_036;

/** `time` within both ends, in whole seconds; wider than InfluxDB's own range is its range. */
export function timeWithin(from: number, to: number): string {
  const clamped = (at: number) => Math.trunc(Math.max(-instantMax, Math.min(instantMax, at)));
  return `time >= ${clamped(from)}s AND time <= ${clamped(to)}s`;
}

/** `(tag = $x0 OR tag = $x1 …)`, with the values bound into `parameters`. */
export function anyOf(tag: string, values: readonly string[], parameters: QueryParameters): string {
  const names = values.map((value) => {
    const name = `p${Object.keys(parameters).length}`;
    parameters[name] = value;
    return `${tag} = $${name}`;
  });
  return `(${names.join(" OR ")})`;
}
