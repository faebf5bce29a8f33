import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { type AddressInfo, createServer } from "node:net";
import { onPath } from "../../../infra/servers/installed-servers.ts";

/** A real server in a process of its own, on the same ports and data over kills. */
export interface ServerProcess {
  readonly pid: number;
  /** Starts, or starts again, and waits until it answers. */
  start(): Promise<void>;
  /** SIGKILL and wait. */
  kill(): Promise<void>;
  /** SIGTERM and wait. */
  stop(): Promise<void>;
  /** SIGSTOP and SIGCONT. */
  pause(): void;
  resume(): void;
  /** What it wrote, the newest 100 kB. */
  output(): string;
  /** The lines of it that speak of an error. */
  errors(): string[];
}

export interface ServerProcessOptions {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Whether it answers by now; a rejection counts as no. */
  readonly answers: () => Promise<boolean>;
  readonly readyMsMax?: number;
}

const living = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of living) child.kill("SIGKILL");
});

export function serverProcess(options: ServerProcessOptions): ServerProcess {
  const { command, answers, readyMsMax = 60_000 } = options;
  let child: ChildProcess | undefined;
  let output = "";

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = child;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const ended = new Promise((resolve) => ending.once("exit", resolve));
    ending.kill("SIGCONT");
    ending.kill(signal);
    await ended;
  }

  async function ready(started: ChildProcess): Promise<void> {
    const deadline = Date.now() + readyMsMax;
    for (;;) {
      if (started.exitCode !== null || started.signalCode !== null) throw new Error(`${command} ended\n${output}`);
      if (await answers().catch(() => false)) return;
      if (Date.now() > deadline) throw new Error(`${command} does not answer after ${readyMsMax} ms\n${output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  return {
    get pid() {
      return child?.pid ?? -1;
    },
    async start() {
      const environment = { PATH: process.env["PATH"], HOME: process.env["HOME"], ...options.environment };
      const [program = command, ...args] = [...boundToUs(), command, ...options.arguments];
      const started = spawn(program, args, { env: environment, stdio: ["ignore", "pipe", "pipe"] });
      living.add(started);
      started.once("exit", () => living.delete(started));
      for (const stream of [started.stdout, started.stderr]) {
        stream.on("data", (chunk: Buffer) => {
          output = (output + chunk.toString()).slice(-100_000);
        });
      }
      child = started;
      await ready(started);
    },
    kill: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
    pause: () => void child?.kill("SIGSTOP"),
    resume: () => void child?.kill("SIGCONT"),
    output: () => output,
    errors: () => output.split("\n").filter((line) => /\b(ERROR|FATAL|panic|error)\b/.test(line)),
  };
}

/** On Linux the kernel ends the server when we are killed and cannot; the pid stays that of the server. */
function boundToUs(): string[] {
  const setpriv = process.platform === "linux" ? onPath("setpriv") : undefined;
  return setpriv === undefined ? [] : [setpriv, "--pdeathsig", "KILL"];
}

/** `own` and the process's members, with `pid` as it is at each asking. */
export function withProcess<Own extends object>(own: Own, process: ServerProcess): Own & ServerProcess {
  return Object.defineProperties(own, Object.getOwnPropertyDescriptors(process)) as Own & ServerProcess;
}

/** Free ports of loopback. They stay ours by being used at once; over a kill the server takes the same again. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
