// Goal: a log on a terminal has one format, whichever thread writes (N14).
// Method: a start on a terminal that `script` makes.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

test.skipIf(process.platform !== "linux")(
  "N14: text on a terminal, from every thread",
  { timeout: 60_000 },
  async () => {
    const cwd = mkdtempSync(join(tmpdir(), "meterbook-"));
    const main = fileURLToPath(new URL("../../services/standalone/src/main.ts", import.meta.url));
    const env = {
      PATH: process.env["PATH"],
      METERBOOK_DATA_DIR: join(cwd, "data"),
      METERBOOK_MQTT_LISTEN: "127.0.0.1:0",
      METERBOOK_HTTP_LISTEN: "127.0.0.1:0",
    };
    const terminal = spawn("script", ["-qec", `exec ${process.execPath} ${main}`, "/dev/null"], { cwd, env });
    onTestFinished(() => {
      terminal.kill("SIGTERM");
      rmSync(cwd, { recursive: true, force: true, maxRetries: 3 });
    });
    let output = "";
    // The API's thread warns that it has no keys before the process is ready.
    await new Promise<void>((resolve) => {
      terminal.stdout.on("data", (bytes: Buffer) => {
        output += bytes.toString();
        if (output.includes("meterbook ready")) resolve();
      });
    });
    expect(output).toContain("api: The API is open to everybody");
    expect(output).not.toMatch(/^\{"time"/m);
  },
);
