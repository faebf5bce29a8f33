import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { AttackName } from "./hostile-attacks.ts";
import type { Done } from "./hostile-flood.ts";

export interface AttackReport extends Done {
  readonly seconds: number;
  /** Of one core, over its life. */
  readonly coreShare: number;
}

export interface Attacker {
  /** Kills it; answers what it had done. */
  stop(): Promise<AttackReport>;
}

const main = fileURLToPath(new URL("./attacker-main.ts", import.meta.url));

/** A process of its own, which takes half a core at most; resolves when it has begun. */
export async function startAttacker(
  names: readonly AttackName[],
  { mqttUrl, httpUrl }: { readonly mqttUrl: string; readonly httpUrl: string },
  coreShare = 0.5,
): Promise<Attacker> {
  const ports = [mqttUrl, httpUrl].map((url) => new URL(url).port);
  const child = spawn(process.execPath, [main, ...ports, String(coreShare), ...names], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout });
  let report: AttackReport | undefined;
  lines.on("line", (line) => {
    report = JSON.parse(line) as AttackReport;
  });
  const exited = once(child, "exit");
  await Promise.race([once(lines, "line"), exited]);
  return {
    async stop() {
      child.kill("SIGKILL");
      await exited;
      if (report === undefined) throw new Error(`the attacker of ${names.join(", ")} did nothing`);
      return report;
    },
  };
}
