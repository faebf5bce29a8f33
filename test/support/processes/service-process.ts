import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A service of ours as a process of its own, which can be killed and started again. */
export interface ServiceProcess {
  /** What its ready line says; another port after each start. Empty where the service has none of it. */
  readonly mqttUrl: string;
  readonly httpUrl: string;
  readonly pid: number;
  /** From its ready line until it ends, however it does. */
  readonly isRunning: boolean;
  /** All that it wrote to standard error so far. */
  errors(): string;
  /** SIGKILL and wait. */
  kill(): Promise<void>;
  /** SIGTERM and wait; answers the exit code. */
  stop(): Promise<number | null>;
  /** SIGSTOP: it stands still and does not know it. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  start(environment?: Record<string, string>): Promise<void>;
  /** Resolves when the process has ended by itself or by a crash point. */
  ended(): Promise<void>;
}

export type ServiceName = "standalone" | "ingest" | "aggregator" | "api";

export interface ServiceProcessOptions {
  readonly environment: Readonly<Record<string, string>>;
  /** Working directory, so that no `.env` of the repository is read. */
  readonly cwd: string;
  readonly readyMsMax?: number;
  /** Behind its `main.ts`. */
  readonly options?: readonly string[];
}

/** Not started yet. Ports are free ones, logs are text. */
export function serviceProcess(name: ServiceName, options: ServiceProcessOptions): ServiceProcess {
  const main = fileURLToPath(new URL(`../../../services/${name}/src/main.ts`, import.meta.url));
  const { readyMsMax = 60_000 } = options;
  let child: ChildProcess | undefined;
  let errors = "";
  let addresses = { mqttUrl: "", httpUrl: "" };
  let isRunning = false;

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    const ending = child;
    if (ending === undefined) return null;
    const code = exitOf(ending);
    ending.kill("SIGCONT");
    ending.kill(signal);
    return code;
  }

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
    get isRunning() {
      return isRunning;
    },
    errors: () => errors,
    kill: async () => void (await end("SIGKILL")),
    stop: () => end("SIGTERM"),
    pause: () => void child?.kill("SIGSTOP"),
    resume: () => void child?.kill("SIGCONT"),
    async start(environment = {}) {
      const env = {
        PATH: process.env["PATH"],
        METERBOOK_MQTT_LISTEN: "127.0.0.1:0",
        METERBOOK_HTTP_LISTEN: "127.0.0.1:0",
        METERBOOK_LOG_FORMAT: "text",
        ...options.environment,
        ...environment,
      };
      const started = spawn(process.execPath, [main, ...(options.options ?? [])], {
        env,
        cwd: options.cwd,
        stdio: ["ignore", "pipe", "pipe"],
      });
      child = started;
      started.once("exit", () => {
        if (child === started) isRunning = false;
      });
      started.stderr?.on("data", (chunk: Buffer) => {
        errors = (errors + chunk.toString()).slice(-1_000_000);
      });
      addresses = await readyLine(started, { name, readyMsMax, errors: () => errors.slice(-6000) });
      isRunning = true;
    },
    ended: async () => {
      if (child !== undefined) await exitOf(child);
    },
  };
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  return new Promise((resolve) => child.once("exit", (code) => resolve(code)));
}

async function readyLine(
  child: ChildProcess,
  { name, readyMsMax, errors }: { name: string; readyMsMax: number; errors(): string },
): Promise<{ mqttUrl: string; httpUrl: string }> {
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`${name} is not ready after ${readyMsMax} ms\n${errors()}`)),
      readyMsMax,
    );
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`${name} ended before it was ready (${code ?? signal})\n${errors()}`));
    });
    lines.on("line", (line) => {
      if (!line.startsWith("meterbook")) return;
      clearTimeout(timer);
      const url = (scheme: string) => new RegExp(`${scheme}://\\S+`).exec(line)?.[0] ?? "";
      resolve({ mqttUrl: url("mqtts?"), httpUrl: url("http") });
    });
  });
}
