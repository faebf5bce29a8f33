import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

export interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/**
 * Runs a command of services/standalone, or its `main`, as a process that ends by itself; killed after `msMax`, or once
 * it has said `until` on standard output.
 */
export async function runCommand(
  module: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  msMax = 60_000,
  until?: string,
): Promise<Ended> {
  const file = module === "main" ? "main.ts" : `commands/${module}.ts`;
  const path = fileURLToPath(new URL(`../../../services/standalone/src/${file}`, import.meta.url));
  const env = {
    PATH: process.env["PATH"],
    METERBOOK_MQTT_LISTEN: "127.0.0.1:0",
    METERBOOK_HTTP_LISTEN: "127.0.0.1:0",
    METERBOOK_LOG_FORMAT: "text",
    ...environment,
  };
  const child = spawn(process.execPath, [path, ...args], {
    env,
    cwd: tmpdir(),
    stdio: ["ignore", "pipe", "pipe"],
    timeout: msMax,
    killSignal: "SIGKILL",
  });
  if (until !== undefined) {
    child.stdout.on("data", (chunk: Buffer) => {
      if (chunk.toString().includes(until)) child.kill("SIGKILL");
    });
  }
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { code: code as number | null, output, errors };
}
