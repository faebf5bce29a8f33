import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { HttpError, InfluxDB, type Transport } from "@influxdata/influxdb-client";
import type { DamageEars } from "@meterbook/core/ports/damage-log";
import type { SlotRange } from "@meterbook/sharding/slot-ranges";
import { type OddRows, oddRows } from "./odd-rows.ts";
import { type SharedWrites, sharedWrites } from "./shared-writes.ts";

/** One InfluxDB 2.x server and the slots of meters whose points it holds. */
export interface InfluxServerOptions extends SlotRange {
  readonly url: string;
  readonly token: string;
  /** Of what is written; `gzip` where absent. */
  readonly compression?: "gzip" | "none";
}

export interface InfluxOptions {
  /** Together they hold each of the 256 slots of meters once. */
  readonly servers: readonly InfluxServerOptions[];
  readonly org: string;
  /** InfluxDB's own kind of bucket, the same name on each server. */
  readonly bucket: string;
  readonly events?: InfluxEvents;
  /** Told of rows that are set aside. */
  readonly ears?: DamageEars;
  /** A request without its whole answer after so long counts as failed; 30 000 where absent. */
  readonly requestMsMax?: number;
}

/** What the mains turn into log lines and metrics. */
export interface InfluxEvents {
  /** Lines that the server said are stored. */
  written?(event: { url: string; lines: number; bytes: number; seconds: number }): void;
  queried?(event: { url: string }): void;
  /** The request will be repeated in `waitMs` or later. */
  requestFailed?(event: { url: string; what: "write" | "query"; error: Error; attempt: number }): void;
  linesRefused?(event: { url: string; lines: number; detail: string }): void;
}

export interface InfluxConnection {
  readonly url: string;
  readonly org: string;
  readonly bucket: string;
  readonly compression: "gzip" | "none";
  readonly events: InfluxEvents;
  readonly odd: OddRows;
  readonly requestMsMax: number;
  /** By the precision of the lines' times. */
  readonly shared: Readonly<Record<"s" | "ns", SharedWrites>>;
  send(request: InfluxRequest): Promise<InfluxAnswer>;
  close(): void;
}

export interface InfluxRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly signal?: AbortSignal | undefined;
  /** Takes the answer's bytes as they come; without it they are in the answer's `body`. */
  readonly take?: (bytes: Uint8Array) => void;
}

export interface InfluxAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** Of a request that partitions share. */
const sharedLinesMax = 5000;

/** Keep-alive connections to one server. Nothing is asked yet. */
export function influxConnection(server: InfluxServerOptions, options: InfluxOptions): InfluxConnection {
  const { requestMsMax = 30_000, events = {}, org, bucket } = options;
  const agentOptions = { keepAlive: true, maxSockets: 32, scheduling: "lifo" } as const;
  const agent = server.url.startsWith("https:") ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions);
  // The socket's own limit is a second line behind the one of each request.
  const transportOptions = { agent };
  const client = new InfluxDB({ url: server.url, token: server.token, timeout: 2 * requestMsMax, transportOptions });
  return {
    url: server.url,
    org,
    bucket,
    compression: server.compression ?? "gzip",
    events,
    odd: oddRows(options.ears),
    requestMsMax,
    shared: { s: sharedWrites({ linesMax: sharedLinesMax }), ns: sharedWrites({ linesMax: sharedLinesMax }) },
    send: (request) => send(client.transport, request, requestMsMax),
    close: () => agent.destroy(),
  };
}

/**
 * One request, one answer of whatever status.
 *
 * @throws when there is no whole answer: no connection, a reset, the time limit, an abort.
 */
async function send(transport: Transport, request: InfluxRequest, msMax: number): Promise<InfluxAnswer> {
  const { method, path, headers = {}, body = "", signal, take } = request;
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), msMax);
  const forward = () => limit.abort();
  signal?.throwIfAborted();
  signal?.addEventListener("abort", forward, { once: true });
  const chunks: Uint8Array[] = [];
  let status = 0;
  let answered: InfluxAnswer["headers"] = {};
  try {
    await new Promise<void>((resolve, reject) => {
      // The client's type says string; it hands bytes on as they are (a test holds it to that).
      transport.send(
        path,
        body as string,
        { method, headers, signal: limit.signal },
        {
          responseStarted(responseHeaders, code) {
            status = code ?? 0;
            answered = responseHeaders;
          },
          next: (bytes: Uint8Array) => void (take === undefined ? chunks.push(bytes) : take(bytes)),
          complete: resolve,
          error: reject,
        },
      );
    });
  } catch (error) {
    if (error instanceof HttpError) return answerOf(error);
    if (limit.signal.aborted && !(signal?.aborted ?? false)) throw new Error(`no answer in ${msMax} ms`);
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", forward);
  }
  return { status, headers: answered, body: Buffer.concat(chunks).toString("utf8") };
}

function answerOf(error: HttpError): InfluxAnswer {
  return { status: error.statusCode, headers: error.headers ?? {}, body: error.message };
}

/** The seconds of `Retry-After` in milliseconds (the client takes them for milliseconds), at most ten minutes. */
export function retryAfterMs({ headers }: InfluxAnswer): number {
  const seconds = Number(headers["retry-after"]);
  return seconds > 0 ? Math.min(seconds, 600) * 1000 : 0;
}

/** What is wrong with our settings when the server answers so; undefined for other answers. */
export function settingAtFault({ status, body }: InfluxAnswer, { url, org, bucket }: InfluxConnection) {
  const said = `${url} answered ${status}: ${body}`;
  if (status === 401) return `METERBOOK_INFLUX_TOKEN is not valid there (${said})`;
  if (status === 403)
    return `METERBOOK_INFLUX_TOKEN may not read and write METERBOOK_INFLUX_BUCKET=${bucket} (${said})`;
  if (status !== 404) return undefined;
  if (/organization/.test(body)) return `METERBOOK_INFLUX_ORG=${org} is not there (${said})`;
  if (/bucket/.test(body)) return `METERBOOK_INFLUX_BUCKET=${bucket} is not there (${said})`;
  return `METERBOOK_INFLUX_URL is no InfluxDB 2.x (${said})`;
}
