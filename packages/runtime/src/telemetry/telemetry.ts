import { writeSync } from "node:fs";
import { getHeapStatistics } from "node:v8";
import { isMainThread } from "node:worker_threads";
import { collectDefaultMetrics, Gauge, type Registry } from "prom-client";

export const logLevels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof logLevels)[number];

export type LogFields = Readonly<Record<string, unknown>>;

/** One line per event. An `error` field is written with its name, message, code and stack. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

export interface LoggerOptions {
  /** The service or thread that speaks. */
  readonly name: string;
  readonly level: LogLevel;
  /** `auto`: text on a terminal, JSON elsewhere. */
  readonly format: "auto" | "text" | "json";
  readonly nowMs?: () => number;
  readonly write?: (line: string) => void;
}

/** A thread does not know the terminal (N14): who starts threads decides, and hands it down. */
export function decidedFormat(format: LoggerOptions["format"], isTerminal: boolean): "text" | "json" {
  if (format !== "auto") return format;
  return isTerminal ? "text" : "json";
}

/** Writes to standard error: standard output is for what a command answers (`meterbook ready`). */
export function openLogger(options: LoggerOptions): Logger {
  const { name, nowMs = Date.now, write = writeLine } = options;
  const asText = decidedFormat(options.format, process.stderr.isTTY === true) === "text";
  const line = asText ? textLine : jsonLine;
  const lowest = logLevels.indexOf(options.level);

  function at(level: LogLevel) {
    if (logLevels.indexOf(level) < lowest) return () => {};
    return (fields: LogFields, message: string) => {
      write(line({ time: new Date(nowMs()).toISOString(), level, name, message, fields }));
    };
  }
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/**
 * CPU, memory, handles and garbage collection of the process from its main thread; from every thread how busy its
 * event loop is and how large its heap, under the thread's name.
 */
export function collectRuntimeMetrics(registry: Registry, thread: string): void {
  if (isMainThread) collectDefaultMetrics({ register: registry });
  let before = performance.eventLoopUtilization();
  new Gauge({
    name: "meterbook_thread_busy_ratio",
    help: "Share of the time since the last scrape that the thread's event loop was busy, 0 to 1.",
    labelNames: ["thread"],
    registers: [registry],
    collect() {
      const now = performance.eventLoopUtilization();
      this.set({ thread }, performance.eventLoopUtilization(now, before).utilization);
      before = now;
    },
  });
  new Gauge({
    name: "meterbook_thread_heap_bytes",
    help: "Used JavaScript heap of the thread.",
    labelNames: ["thread"],
    registers: [registry],
    collect() {
      this.set({ thread }, getHeapStatistics().used_heap_size);
    },
  });
}

interface LogEvent {
  readonly time: string;
  readonly level: LogLevel;
  readonly name: string;
  readonly message: string;
  readonly fields: LogFields;
}

function jsonLine({ time, level, name, message, fields }: LogEvent): string {
  return JSON.stringify({ time, level, name, message, ...fields }, (_, value: unknown) => plain(value));
}

function textLine({ time, level, name, message, fields }: LogEvent): string {
  const pairs = Object.entries(fields).map(([field, value]) => ` ${field}=${inText(value)}`);
  return `${time} ${level.padEnd(5)} ${name}: ${message}${pairs.join("")}`;
}

function inText(value: unknown): string {
  if (value instanceof Error) return value.stack ?? value.message;
  if (typeof value === "string") return /^[^\s"=\p{C}]+$/u.test(value) ? value : harmless(JSON.stringify(value));
  return JSON.stringify(value, (_, inner: unknown) => plain(inner)) ?? String(value);
}

/**
 * What outsiders name themselves must not steer a terminal: other than in JSON, control and direction characters stay
 * escaped.
 */
function harmless(text: string): string {
  return text.replace(/\p{C}/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/** What JSON has no form for. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (!(value instanceof Error)) return value;
  const { name, message, stack, cause } = value;
  const code = "code" in value ? value.code : undefined;
  return { name, message, code, stack, cause };
}

/** Straight to the descriptor: a line of a thread must be out before the process may die. */
function writeLine(line: string): void {
  try {
    writeSync(2, `${line}\n`);
  } catch {
    // The reader of a pipe is slow (EAGAIN) or gone (EPIPE): the stream waits for the one and ignores the other.
    process.stderr.write(`${line}\n`);
  }
}
