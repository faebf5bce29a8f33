import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A server that goes on when the command that started it has ended; its pid stands in `directory`. */
export interface BackgroundProcess {
  readonly directory: string;
  readonly command: string;
  readonly arguments: readonly string[];
  /** Whether it answers by now; a rejection counts as no. */
  answers(): Promise<boolean>;
}

const readyMsMax = 60_000;
const stopMsMax = 30_000;

/** The process that runs from this directory; undefined when none does. */
export function runningPid(directory: string): number | undefined {
  const file = join(directory, "pid");
  if (!existsSync(file)) return undefined;
  const [pid = "", bornAt = ""] = readFileSync(file, "utf8").trim().split(" ");
  return birth(Number(pid)) === bornAt ? Number(pid) : undefined;
}

/** Starts it and waits until it answers. Rejects with the end of its log. */
export async function startInBackground(server: BackgroundProcess): Promise<number> {
  const { directory, command } = server;
  mkdirSync(directory, { recursive: true });
  const logFile = join(directory, "log");
  const log = openSync(logFile, "a");
  const child = spawn(command, server.arguments, { cwd: directory, detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  child.unref();
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  failed.catch(() => undefined);
  const { pid } = child;
  if (pid === undefined) return failed;
  writeFileSync(join(directory, "pid"), `${pid} ${birth(pid)}\n`);
  const deadline = Date.now() + readyMsMax;
  while (!(await server.answers().catch(() => false))) {
    const late = Date.now() > deadline;
    if (child.exitCode === null && child.signalCode === null && !late) await sleep(100);
    else {
      await stopInBackground(directory);
      const what = late ? `does not answer after ${readyMsMax / 1000} s` : "ended";
      throw new Error(`${command} ${what}; the end of ${logFile}:\n${readFileSync(logFile, "utf8").slice(-2000)}`);
    }
  }
  return pid;
}

/** SIGTERM, and SIGKILL when that does not help. Answers the process that was ended. */
export async function stopInBackground(directory: string): Promise<number | undefined> {
  const pid = runningPid(directory);
  if (pid !== undefined) {
    process.kill(pid, "SIGTERM");
    const deadline = Date.now() + stopMsMax;
    while (runningPid(directory) === pid && Date.now() < deadline) await sleep(50);
    if (runningPid(directory) === pid) process.kill(pid, "SIGKILL");
  }
  rmSync(join(directory, "pid"), { force: true });
  return pid;
}

/** When a process was born, so that a pid that was given to another meanwhile is not taken for ours; "" = not there. */
function birth(pid: number): string {
  if (existsSync("/proc/self/stat")) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return fields[0] === "Z" ? "" : (fields[19] ?? "");
    } catch {
      return "";
    }
  }
  try {
    process.kill(pid, 0);
    return "there";
  } catch {
    return "";
  }
}
