// Goal: a keys file that is no JSON is one line that says so (N12). Method: a start with such a file.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

test("N12: a keys file with a line that is not JSON is one line, without stacks", { timeout: 30_000 }, () => {
  const cwd = mkdtempSync(join(tmpdir(), "meterbook-"));
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
  const file = join(cwd, "keys");
  writeFileSync(file, "billing\n");
  const env = {
    PATH: process.env["PATH"],
    METERBOOK_DATA_DIR: join(cwd, "data"),
    METERBOOK_API_KEYS_FILE: file,
    METERBOOK_MQTT_LISTEN: "127.0.0.1:0",
    METERBOOK_HTTP_LISTEN: "127.0.0.1:0",
  };
  const main = fileURLToPath(new URL("../../services/standalone/src/main.ts", import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [main], { cwd, env, encoding: "utf8" });
  expect(status).toBe(1);
  expect(stderr.match(/Cannot start/g)).toHaveLength(1);
  expect(stderr).toContain("line 1 is not JSON");
  expect(stderr).not.toMatch(/(\n|\\n)\s+at /);
});
