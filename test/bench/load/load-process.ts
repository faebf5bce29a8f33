import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const generator = fileURLToPath(new URL("./raw-load-generator.ts", import.meta.url));

export interface LoadOptions {
  readonly port: number;
  readonly messages: number;
  readonly meters: number;
  readonly connections: number;
  readonly window: number;
  /** `1`, `32` (a profile of one register) or `32-single` (32 entries of one register). */
  readonly readingsPerMessage: string;
  /** Messages a second over all; 0 = as fast as they are acknowledged. */
  readonly rate: number;
  /** The instant of the first round, seconds UTC; each round over all meters is 900 s later (times 32 for profiles). */
  readonly startAt: number;
  /** Goes on where another load of the same meters has ended. */
  readonly firstRound?: number;
}

export interface LoadResult {
  readonly acked: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly reconnects: number;
  readonly resent: number;
}

/** Runs the generator in a process of its own; `started` is when its first message leaves. */
export async function runLoad(options: LoadOptions, started: () => void = () => undefined): Promise<LoadResult> {
  const dashed = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const args = Object.entries(options).map(([name, value]) => `--${dashed(name)}=${value}`);
  const child = spawn(process.execPath, [generator, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  let result: LoadResult | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line) as { start?: number } & Partial<LoadResult>;
    if (said.start !== undefined) started();
    if (said.acked !== undefined && said.seconds !== undefined) result = said as LoadResult;
  }
  if (result === undefined) throw new Error("the load generator ended without a result");
  return result;
}
