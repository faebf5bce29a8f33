import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { startFleet } from "../../simulators/src/fleet/fleet.ts";
import { checkTruth } from "../support/fleets/check-truth.ts";
import { startMeterbook } from "../support/processes/meterbook-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { changeLog, rebuildFromLog } from "../support/worlds/change-log.ts";

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

test("D09: a reading that is gone and one that is changed behind the product's back are named, with their months", {
  timeout: 300_000,
}, async () => {
  const truth = join(await temporaryDirectory(), "truth.ndjson");
  const meterbook = await startMeterbook({ METERBOOK_SETTLE_SECONDS: "1" });
  onTestFinished(() => meterbook.dispose());
  const fleet = {
    meters: 3,
    from: "2026-08",
    to: "2026-10",
    reportEvery: 3600 as const,
    step: 3600 as const,
    businessShare: 0,
    seed,
  };
  await startFleet({ ...fleet, url: meterbook.mqttUrl, truth }).done;
  await meterbook.settled(120_000);
  expect((await checkTruth(truth, meterbook.httpUrl)).code).toBe(0);
  const { received } = await meterbook.get<{ received: number }>("/v1/status");
  await meterbook.stop();
  // Of the log and not of the store: made again from it, the store and the months agree with each other.
  const changed = changeLog(meterbook.dataDir, Date.parse("2026-08-31T21:00:00Z") / 1000);
  expect(changed).toEqual({ dropped: "sim-000001", raised: "sim-000002" });
  await rebuildFromLog(meterbook.dataDir);
  await meterbook.start();
  await meterbook.settled(120_000);
  const { code, output } = await checkTruth(truth, meterbook.httpUrl, ["--differences", "1000"]);
  expect(code, output).toBe(1);
  expect(output).toMatch(/stored: sim-000001 1\.8\.0 2026-08-31T21:00:00Z/);
  expect(output).toMatch(/boundary: sim-000001 1\.8\.0 2026-08\n/);
  expect(output).toMatch(/phantom: sim-000002 1\.8\.0 2026-08-31T21:00:00Z/);
  expect(output).toMatch(/boundary: sim-000002 1\.8\.0 2026-08\n/);
  expect(output).not.toMatch(/^(stored|phantom|boundary): sim-000000/m);
  // D07: what is lost behind the door stays received, and is missing in the sum.
  expect(await meterbook.get("/v1/status")).toMatchObject({ received });
  expect(output).toMatch(/conservation: \/v1\/status/);
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
