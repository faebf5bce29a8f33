import { promisify } from "node:util";
import { gzip as gzipCallback } from "node:zlib";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import { backOff } from "../../waiting/back-off.ts";
import type { InfluxAnswer, InfluxConnection } from "../client/influx-connection.ts";
import { retryAfterMs, settingAtFault } from "../client/influx-connection.ts";
import type { Shared } from "../client/shared-writes.ts";
import { isOfTrail } from "../trail/trail.ts";

const gzip = promisify(gzipCallback);
const gzipFromLength = 1000;
/** Level 1: a third more bytes than level 6 for a third of its time (docs/figures.md). */
const gzipOptions = { level: 1 };

/** A line that the server will not store, and what it said. */
export interface RefusedLine {
  readonly line: string;
  readonly detail: string;
}

/** Resolves once the lines are safe elsewhere: the batch they belong to goes on without them. */
export type RefusedLines = (lines: readonly RefusedLine[]) => Promise<void>;

export interface WriteOptions {
  readonly precision: "s" | "ns";
  /** Aborting ends the repeating; what the server has of the lines is then unknown. */
  readonly signal: AbortSignal;
  readonly refused: RefusedLines;
}

/** What an answer means for the lines of the request. */
type Outcome =
  | { readonly kind: "stored" }
  | { readonly kind: "refused"; readonly which: "all" | "some"; readonly detail: string }
  | { readonly kind: "too-large" }
  | { readonly kind: "repeat"; readonly afterMs: number; readonly error: Error }
  | { readonly kind: "settings"; readonly detail: string };

/**
 * Whether the server has all of the lines, or some are with `refused`. Then it is not known which of the others it has.
 */
export type Written = "stored" | "some refused";

/**
 * Stores lines: resolves once the server has said that each is stored, or the refused ones are with `refused`. A server
 * that is away, busy or broken is asked again for ever, with at most 10 s between.
 *
 * @throws AdapterError not retryable where a setting is at fault; retryable where it was aborted.
 */
export async function writeLines(
  connection: InfluxConnection,
  text: string,
  lines: number,
  options: WriteOptions,
): Promise<Written> {
  const { precision } = options;
  const joined = connection.shared[precision].join(text, lines, async (all, count) => {
    // Several callers' lines: none of them may abort it.
    const { kind } = await attemptWrite(connection, all, count, { precision, signal: undefined });
    return kind === "stored";
  });
  const shared = await unlessAborted(joined, options.signal);
  if (shared.how === "stored") return "stored";
  try {
    return await writeAlone(connection, text, lines, options);
  } finally {
    shared.done();
  }
}

/** Whoever is aborted while it waits for its turn gives it up. */
async function unlessAborted(joined: Promise<Shared>, signal: AbortSignal): Promise<Shared> {
  const aborted = Promise.withResolvers<"aborted">();
  const onAbort = () => aborted.resolve("aborted");
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  const first = await Promise.race([joined, aborted.promise]);
  signal.removeEventListener("abort", onAbort);
  if (first !== "aborted") return first;
  void joined.then((shared) => (shared.how === "alone" ? shared.done() : undefined));
  throw failed(true, "aborted");
}

async function writeAlone(
  connection: InfluxConnection,
  text: string,
  lines: number,
  options: WriteOptions,
): Promise<Written> {
  const { signal } = options;
  const pause = backOff({ firstMs: 100, maxMs: 10_000 });
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await attemptWrite(connection, text, lines, options);
    if (outcome.kind === "stored") return "stored";
    if (outcome.kind === "settings") throw failed(false, outcome.detail);
    if (outcome.kind === "repeat") {
      if (signal.aborted) throw failed(true, "aborted", outcome.error);
      connection.events.requestFailed?.({ url: connection.url, what: "write", error: outcome.error, attempt });
      await pause.wait(signal, outcome.afterMs).catch(() => {
        throw failed(true, "aborted", outcome.error);
      });
      continue;
    }
    const detail = outcome.kind === "refused" ? outcome.detail : "one line is larger than a request may be";
    if (lines === 1 || (outcome.kind === "refused" && outcome.which === "all")) {
      connection.events.linesRefused?.({ url: connection.url, lines, detail });
      const all = linesOf(text).filter((line) => !isOfTrail(line));
      await options.refused(all.map((line) => ({ line, detail })));
      return "some refused";
    }
    await writeHalves(connection, text, options);
    return "some refused";
  }
}

/** Finds the bad lines by writing each half for itself: repeating the good ones changes nothing. */
async function writeHalves(connection: InfluxConnection, text: string, options: WriteOptions): Promise<void> {
  const all = linesOf(text);
  const middle = all.length >> 1;
  for (const half of [all.slice(0, middle), all.slice(middle)]) {
    await writeAlone(connection, `${half.join("\n")}\n`, half.length, options);
  }
}

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

async function attemptWrite(
  connection: InfluxConnection,
  text: string,
  lines: number,
  { precision, signal }: Pick<WriteOptions, "precision"> & { readonly signal: AbortSignal | undefined },
): Promise<Outcome> {
  const { org, bucket, compression } = connection;
  const started = performance.now();
  const body = compression === "gzip" && text.length >= gzipFromLength ? await gzip(text, gzipOptions) : text;
  const headers = { "content-type": "text/plain; charset=utf-8" };
  const target = new URLSearchParams({ org, bucket, precision });
  try {
    const answer = await connection.send({
      method: "POST",
      path: `/api/v2/write?${target}`,
      headers: typeof body === "string" ? headers : { ...headers, "content-encoding": "gzip" },
      body,
      signal,
    });
    const outcome = outcomeOf(answer, lines, connection);
    if (outcome.kind === "stored") {
      const seconds = (performance.now() - started) / 1000;
      connection.events.written?.({ url: connection.url, lines, bytes: body.length, seconds });
    }
    return outcome;
  } catch (error) {
    return { kind: "repeat", afterMs: 0, error: error as Error };
  }
}

function outcomeOf(answer: InfluxAnswer, lines: number, connection: InfluxConnection): Outcome {
  const { status, body } = answer;
  if (status === 204 || status === 201) return { kind: "stored" };
  if (status === 413) return { kind: "too-large" };
  if (status === 422) {
    const dropped = Number(/dropped=(\d+)/.exec(body)?.[1]);
    return { kind: "refused", which: dropped === lines ? "all" : "some", detail: body };
  }
  // Any other 400 is about the request, and no reason to put readings aside.
  if (status === 400 && body.includes("unable to parse")) return { kind: "refused", which: "some", detail: body };
  const atFault = settingAtFault(answer, connection);
  if (atFault !== undefined) return { kind: "settings", detail: atFault };
  const said = `${connection.url} answered ${status}: ${body}`;
  if (status >= 300 && status < 500 && status !== 408 && status !== 429) {
    return { kind: "settings", detail: `METERBOOK_INFLUX_URL: ${said}` };
  }
  return { kind: "repeat", afterMs: retryAfterMs(answer), error: new Error(said) };
}

function failed(retryable: boolean, detail: string, cause?: Error): AdapterError {
  return new AdapterError("store_write_failed", { retryable, detail, cause });
}
