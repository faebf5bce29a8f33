// Goal: a supervisor that signals npm ends the service (D10). Method: npm as a process of its own, SIGTERM to it alone.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("D10: SIGTERM to npm reaches the service behind it, which drains and lets its ports go", async () => {
  const npm = spawn("npm", ["run", "standalone"], {
    cwd: root,
    env: {
      ...process.env,
      METERBOOK_DATA_DIR: await temporaryDirectory(),
      METERBOOK_MQTT_LISTEN: "127.0.0.1:0",
      METERBOOK_HTTP_LISTEN: "127.0.0.1:0",
    },
    stdio: ["ignore", "pipe", "inherit"],
    // A group of its own, so that whatever a failure leaves behind can be ended.
    detached: true,
  });
  onTestFinished(() => endGroup(npm));
  const httpUrl = await readyUrl(npm);
  expect((await fetch(`${httpUrl}/healthz`)).status).toBe(200);
  npm.kill("SIGTERM");
  await once(npm, "exit");
  await expect(fetch(`${httpUrl}/healthz`)).rejects.toThrow();
});

function endGroup({ pid }: ChildProcess): void {
  try {
    process.kill(-(pid as number), "SIGKILL");
  } catch {
    // All of it has ended.
  }
}

async function readyUrl({ stdout }: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: stdout as NodeJS.ReadableStream })) {
    const url = /^meterbook ready .*(http:\/\/\S+)/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error("npm run standalone ended before it was ready");
}
