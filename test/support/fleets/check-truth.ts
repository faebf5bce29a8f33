import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const checker = fileURLToPath(new URL("../../../simulators/src/check.ts", import.meta.url));

/**
 * Compares a fleet's truth file with what the API under `httpUrl` says; code 0 = they agree. `more` options of the
 * checker.
 */
export async function checkTruth(
  truth: string,
  httpUrl: string,
  more: readonly string[] = [],
): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [checker, "--truth", truth, "--api", httpUrl, ...more], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("exit", resolve));
  return { code, output };
}
