import { join } from "node:path";
import { startFleet } from "@meterbook/simulators/fleet";
import { expect, onTestFinished, test } from "vitest";
import { checkTruth } from "../support/check-truth.ts";
import { startMeterbook } from "../support/meterbook-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const seed = Number(process.env["SEED"] ?? 7);

test("what the API says of a faulty fleet agrees with the truth, through a kill", { timeout: 300_000 }, async () => {
  console.log(`seed ${seed}`);
  const truth = join(await temporaryDirectory(), "truth.ndjson");
  const meterbook = await startMeterbook({ METERBOOK_SETTLE_SECONDS: "2", METERBOOK_MQTT_LISTEN: "127.0.0.1:0" });
  onTestFinished(() => meterbook.dispose());
  const port = new URL(meterbook.mqttUrl).port;
  const fleet = startFleet({
    url: meterbook.mqttUrl,
    seed,
    meters: 20,
    months: 2,
    reportEvery: 86_400,
    solarShare: 0.3,
    businessShare: 0.3,
    lost: 0.05,
    repeated: 0.05,
    reordered: 0.05,
    lateDays: 0.05,
    malformed: 0.02,
    wrong: 0.01,
    conflicting: 0.02,
    estimated: 0.02,
    truth,
  });
  while (fleet.now().acknowledged < 200) await new Promise((resolve) => setTimeout(resolve, 10));
  await meterbook.kill();
  await meterbook.start({ METERBOOK_MQTT_LISTEN: `127.0.0.1:${port}` });
  const summary = await fleet.done;
  expect(summary.acknowledged).toBe(summary.messages);
  await meterbook.settled(120_000);
  const { code, output } = await checkTruth(truth, meterbook.httpUrl);
  expect(code, output).toBe(0);
});

test("the checker is not content with another fleet's truth", { timeout: 300_000 }, async () => {
  const truth = join(await temporaryDirectory(), "truth.ndjson");
  const meterbook = await startMeterbook({ METERBOOK_SETTLE_SECONDS: "1" });
  onTestFinished(() => meterbook.dispose());
  const fleet = { url: meterbook.mqttUrl, meters: 2, months: 1, reportEvery: 86_400 as const };
  await startFleet({ ...fleet, seed: seed + 1, truth }).done;
  await startFleet({ ...fleet, seed }).done;
  await meterbook.settled(120_000);
  const { code } = await checkTruth(truth, meterbook.httpUrl);
  expect(code).toBe(1);
});
