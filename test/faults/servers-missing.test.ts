// Goal: a start without its servers says once what is missing, names the setting, and ends; nothing of a client library
// is in the log (D12).
// Method: each service as a process, on addresses where nobody listens.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const nobody = {
  METERBOOK_KAFKA_BROKERS: "127.0.0.1:1,127.0.0.1:2",
  METERBOOK_INFLUX_URL: "http://127.0.0.1:3",
  METERBOOK_INFLUX_TOKEN: "t",
  METERBOOK_INFLUX_ORG: "o",
  METERBOOK_INFLUX_BUCKET: "b",
  METERBOOK_HTTP_LISTEN: "127.0.0.1:0",
  METERBOOK_MQTT_LISTEN: "127.0.0.1:0",
  METERBOOK_LOG_FORMAT: "json",
};

interface Ended {
  readonly code: number | null;
  readonly lines: readonly string[];
}

async function run(service: string): Promise<Ended> {
  const main = fileURLToPath(new URL(`../../services/${service}/src/main.ts`, import.meta.url));
  const cwd = await temporaryDirectory();
  const env = { PATH: process.env["PATH"], METERBOOK_DATA_DIR: cwd, ...nobody };
  const child = spawn(process.execPath, [main], { env, cwd, stdio: ["ignore", "pipe", "pipe"] });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, lines: errors.split("\n").filter((line) => line !== "") };
}

test.concurrent.for([
  ["ingest", ["METERBOOK_KAFKA_BROKERS"]],
  ["aggregator", ["METERBOOK_KAFKA_BROKERS", "METERBOOK_INFLUX_URL"]],
  ["api", ["METERBOOK_KAFKA_BROKERS", "METERBOOK_INFLUX_URL"]],
  ["topics", ["METERBOOK_KAFKA_BROKERS"]],
] as const)("%s", async ([service, settings]) => {
  const { code, lines } = await run(service);
  expect(code).toBe(1);
  expect(lines, lines.join("\n")).toHaveLength(1);
  for (const setting of settings) expect(lines[0]?.split(setting)).toHaveLength(2);
  expect(lines[0]).not.toMatch(/kafkajs| {4}at /i);
});
