// Goal: starting and stopping say what they do and lose nothing. Method: real processes, signalled while meters send.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { expectOutcome, hashesOf, mixedTraffic } from "../support/fleets/mixed-traffic.ts";
import { publishAll } from "../support/network/publisher.ts";
import type { MeterbookProcess } from "../support/processes/meterbook-process.ts";
import { startMeterbook } from "../support/processes/meterbook-process.ts";

const standalone = fileURLToPath(new URL("../../services/standalone/src/main.ts", import.meta.url));
const settings = { METERBOOK_SETTLE_SECONDS: "0" };
const traffic = mixedTraffic({ seed: 20_261_126, meters: 12, days: 40, waves: 1 });
const messages = traffic.waves.flat();
const stops = [0.1, 0.4, 0.8];

test("SIGTERM while messages flow: drains, exits 0, loses nothing, and the next start goes on", async () => {
  const meterbook = await startMeterbook(settings);
  try {
    const codes: (number | null)[] = [];
    await publishThroughStops(meterbook, codes);
    expect(codes).toEqual(stops.map(() => 0));
    await expectOutcome(meterbook, traffic, await meterbook.settled());
    const hashes = await hashesOf(meterbook);
    expect(await meterbook.stop()).toBe(0);
    await meterbook.start();
    await expectOutcome(meterbook, traffic, await meterbook.settled());
    expect(await hashesOf(meterbook)).toEqual(hashes);
    expect(meterbook.errors()).not.toMatch(/did not stop cleanly|error/i);
  } finally {
    await meterbook.dispose();
  }
});

test("what was acknowledged before SIGTERM is there after the next start, although nobody sends it again", async () => {
  const meterbook = await startMeterbook(settings);
  try {
    await publishAll(() => meterbook.mqttUrl, messages);
    expect(await meterbook.stop()).toBe(0);
    await meterbook.start();
    await expectOutcome(meterbook, traffic, await meterbook.settled());
  } finally {
    await meterbook.dispose();
  }
});

test("a second process on the same data is refused in one line, and the first does not notice", async () => {
  const meterbook = await startMeterbook(settings);
  try {
    const second = await run({ ...listening, METERBOOK_DATA_DIR: meterbook.dataDir, METERBOOK_LOG_FORMAT: "text" });
    expect(second.code).toBe(1);
    expect(second.errors.trim().split("\n")).toEqual([expect.stringContaining(meterbook.dataDir)]);
    expect(second.errors).toContain("METERBOOK_DATA_DIR");
    expect(second.output).toBe("");
    expect((await meterbook.request("/readyz")).status).toBe(200);
    await publishAll(() => meterbook.mqttUrl, messages.slice(0, 20));
  } finally {
    await meterbook.dispose();
  }
});

test("a port that is taken is named with its setting", async () => {
  const meterbook = await startMeterbook(settings);
  try {
    const { host } = new URL(meterbook.httpUrl);
    const dataDir = `${meterbook.dataDir}/another`;
    const second = await run({
      ...listening,
      METERBOOK_HTTP_LISTEN: host,
      METERBOOK_DATA_DIR: dataDir,
      METERBOOK_LOG_FORMAT: "text",
    });
    expect(second.code).toBe(1);
    expect(second.errors).toMatch(new RegExp(`${host}.*METERBOOK_HTTP_LISTEN|METERBOOK_HTTP_LISTEN.*${host}`));
  } finally {
    await meterbook.dispose();
  }
});

const misspelt = ["METERBOOK", "DATADIR"].join("_");

test("wrong settings are all named at once, nothing is opened, exit 2", async () => {
  const wrong = await run({
    METERBOOK_TIME_ZONE: "Europe/Kiew",
    METERBOOK_SETTLE_SECONDS: "soon",
    METERBOOK_MQTT_LISTEN: "1883",
    METERBOOK_HTTP_LISTEN: "0.0.0.0:0",
    [misspelt]: "x",
  });
  expect(wrong).toMatchObject({ code: 2, output: "" });
  const names = [
    "METERBOOK_TIME_ZONE",
    "METERBOOK_SETTLE_SECONDS",
    "METERBOOK_MQTT_LISTEN",
    "METERBOOK_HTTP_LISTEN",
    misspelt,
  ];
  for (const name of names) expect(wrong.errors).toMatch(new RegExp(`^ +${name}\\b.*expected `, "m"));
});

const listening = { METERBOOK_MQTT_LISTEN: "127.0.0.1:0", METERBOOK_HTTP_LISTEN: "127.0.0.1:0" };

/** Stops and starts the process each time that a share of the messages is acknowledged. */
async function publishThroughStops(meterbook: MeterbookProcess, codes: (number | null)[]): Promise<void> {
  const stopAt = stops.map((share) => Math.floor(share * messages.length));
  let restarting: Promise<void> = Promise.resolve();
  await publishAll(
    () => meterbook.mqttUrl,
    messages,
    (done) => {
      if (stopAt[0] === undefined || done < stopAt[0]) return;
      stopAt.shift();
      restarting = restarting.then(async () => {
        codes.push(await meterbook.stop());
        await meterbook.start();
      });
    },
  );
  await restarting;
}

/** A process that is expected to end by itself. */
async function run(
  environment: Record<string, string>,
): Promise<{ code: number | null; output: string; errors: string }> {
  const env = { PATH: process.env["PATH"], ...environment };
  const child = spawn(process.execPath, [standalone], { env, stdio: ["ignore", "pipe", "pipe"], timeout: 30_000 });
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { code: code as number | null, output, errors };
}
