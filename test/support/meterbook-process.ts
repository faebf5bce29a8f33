import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const standalone = fileURLToPath(new URL("../../services/standalone/src/main.ts", import.meta.url));

/** Meterbook as a process of its own, on a data directory that outlives kills. */
export interface MeterbookProcess {
  /** `mqtt://127.0.0.1:port`; another one after each start. */
  readonly mqttUrl: string;
  readonly httpUrl: string;
  readonly pid: number;
  readonly dataDir: string;
  /** All that the process wrote to standard error so far. */
  errors(): string;
  /** GET, parsed; throws where the answer is not 2xx. */
  get<Answer>(path: string): Promise<Answer>;
  request(path: string, init?: RequestInit): Promise<Response>;
  /** SIGKILL and wait. */
  kill(): Promise<void>;
  /** SIGTERM and wait; answers the exit code. */
  stop(): Promise<number | null>;
  /** Starts again on the same data. */
  start(environment?: Record<string, string>): Promise<void>;
  /** Resolves when the process has ended by itself or by a crash point. */
  ended(): Promise<void>;
  /** Waits until everything received is stored and every snapshot recomputed. */
  settled(timeoutMs?: number): Promise<Status>;
  dispose(): Promise<void>;
}

export interface Status {
  readonly received: number;
  readonly stored: number;
  readonly duplicates: number;
  readonly conflicts: number;
  readonly rejected: number;
  readonly inFlight: number;
  readonly lagSeconds: number;
  readonly snapshotsPending: number;
  readonly settled: boolean;
}

const readyMsMax = 30_000;

export async function startMeterbook(settings: Record<string, string> = {}): Promise<MeterbookProcess> {
  const dataDir = await mkdtemp(join(tmpdir(), "meterbook-process-"));
  let child: ChildProcess | undefined;
  let errors = "";
  let addresses = { mqttUrl: "", httpUrl: "" };

  async function start(environment: Record<string, string> = {}): Promise<void> {
    const env = {
      PATH: process.env["PATH"],
      METERBOOK_DATA_DIR: dataDir,
      METERBOOK_MQTT_LISTEN: "127.0.0.1:0",
      METERBOOK_HTTP_LISTEN: "127.0.0.1:0",
      METERBOOK_LOG_FORMAT: "text",
      ...settings,
      ...environment,
    };
    const started = spawn(process.execPath, [standalone], { env, cwd: dataDir, stdio: ["ignore", "pipe", "pipe"] });
    child = started;
    started.stderr?.on("data", (chunk: Buffer) => {
      errors += chunk.toString();
    });
    addresses = await readyLine(started, () => errors);
  }

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    const ending = child;
    if (ending === undefined) return null;
    const code = exitOf(ending);
    ending.kill(signal);
    return code;
  }

  const request = (path: string, init?: RequestInit) => fetch(addresses.httpUrl + path, init);

  async function get<Answer>(path: string): Promise<Answer> {
    const response = await request(path);
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Answer;
  }

  await start();
  return {
    get mqttUrl() {
      return addresses.mqttUrl;
    },
    get httpUrl() {
      return addresses.httpUrl;
    },
    get pid() {
      return child?.pid ?? -1;
    },
    dataDir,
    errors: () => errors,
    get,
    request,
    kill: async () => void (await end("SIGKILL")),
    stop: () => end("SIGTERM"),
    start,
    ended: async () => {
      if (child !== undefined) await exitOf(child);
    },
    async settled(timeoutMs = 60_000) {
      const deadline = Date.now() + timeoutMs;
      for (;;) {
        const status = await get<Status>("/v1/status");
        if (status.settled) return status;
        if (Date.now() > deadline) throw new Error(`not settled: ${JSON.stringify(status)}\n${errors.slice(-4000)}`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    async dispose() {
      await end("SIGKILL");
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  return new Promise((resolve) => child.once("exit", (code) => resolve(code)));
}

async function readyLine(child: ChildProcess, errors: () => string): Promise<{ mqttUrl: string; httpUrl: string }> {
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not ready in ${readyMsMax} ms\n${errors()}`)), readyMsMax);
    child.once("exit", (code, signal) =>
      reject(new Error(`ended before it was ready (${code ?? signal})\n${errors()}`)),
    );
    lines.on("line", (line) => {
      if (!line.startsWith("meterbook ready")) return;
      clearTimeout(timer);
      const url = (scheme: string) => new RegExp(`${scheme}://\\S+`).exec(line)?.[0] ?? "";
      resolve({ mqttUrl: url("mqtt"), httpUrl: url("http") });
    });
  });
}
