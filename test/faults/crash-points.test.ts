// Goal: whatever moment the process dies at, nothing acknowledged is lost, nothing appears that was not sent, and the
// months are the same. Method: SIGKILL at named points and at random times, under traffic of all sorts; the meters send
// again what was not acknowledged; then everything is compared with what was sent and with an undisturbed run.
import { beforeAll, describe, expect, test } from "vitest";
import { expectOutcome, hashesOf, mixedTraffic } from "../support/fleets/mixed-traffic.ts";
import { publishAll } from "../support/network/publisher.ts";
import type { MeterbookProcess, Status } from "../support/processes/meterbook-process.ts";
import { startMeterbook } from "../support/processes/meterbook-process.ts";
import { seededRandom } from "../support/seeded-random.ts";

const seed = Number(process.env["SEED"] ?? 20_261_124);
const settings = { METERBOOK_SETTLE_SECONDS: "0", METERBOOK_LOG_LEVEL: "error" };
const traffic = mixedTraffic({ seed, meters: 6, days: 25, waves: 4 });
const randomRounds = 5;
const randomSecondsMax = 45;

describe("a process that dies", () => {
  let undisturbed: Map<string, string>;
  beforeAll(async () => {
    console.log(`seed ${seed}`);
    const meterbook = await startMeterbook(settings);
    try {
      await sendInWaves(meterbook);
      await expectOutcome(meterbook, traffic, await meterbook.settled());
      undisturbed = await hashesOf(meterbook);
    } finally {
      await meterbook.dispose();
    }
  }, 120_000);

  test("the undisturbed run has a snapshot of both months that are over, for each meter", () => {
    const wanted = traffic.meterIds.flatMap((meterId) =>
      ["2024-09", "2024-10"].map((period) => `${meterId}/${period}`),
    );
    expect([...undisturbed.keys()]).toEqual(expect.arrayContaining(wanted));
  });

  test.for([
    { point: "message-received", shards: 1 },
    { point: "message-received:90", shards: 1 },
    { point: "log-write-begun", shards: 1 },
    { point: "log-write-begun:4", shards: 1 },
    { point: "log-written", shards: 1 },
    { point: "log-written:4", shards: 1 },
    { point: "readings-kept-before-rejections", shards: 1 },
    { point: "readings-kept-before-rejections:4", shards: 1 },
    { point: "log-written-before-puback", shards: 1 },
    { point: "log-written-before-puback:90", shards: 1 },
    { point: "batch-decided", shards: 1 },
    { point: "batch-decided:4", shards: 1 },
    { point: "batch-committed", shards: 1 },
    { point: "batch-committed:4", shards: 1 },
    { point: "snapshot-issued", shards: 1 },
    { point: "snapshot-issued:4", shards: 1 },
    { point: "log-written:4", shards: 4 },
    { point: "batch-decided", shards: 4 },
    { point: "batch-committed:2", shards: 4 },
    { point: "snapshot-issued", shards: 4 },
    { point: "snapshot-issued:4", shards: 4 },
  ])("at $point with $shards shards", async ({ point, shards }) => {
    const meterbook = await startMeterbook({
      ...{ ...settings, METERBOOK_CRASH_AT: point },
      METERBOOK_SHARDS: String(shards),
    });
    try {
      const died = meterbook.ended().then(() => meterbook.start({ METERBOOK_CRASH_AT: "" }));
      await sendInWaves(meterbook);
      await within(20_000, died, `${point} was never passed`);
      await expectOutcome(meterbook, traffic, await calm(meterbook));
      expect(await hashesOf(meterbook)).toEqual(undisturbed);
    } finally {
      await meterbook.dispose();
    }
  });

  test(`at random times, up to ${randomRounds} rounds`, async () => {
    const random = seededRandom(seed);
    const until = Date.now() + randomSecondsMax * 1000;
    for (let round = 0; round < randomRounds && Date.now() < until; round += 1) {
      const killAfterMs = Array.from({ length: 4 }, () => Math.floor(random() * 700));
      const shards = round % 2 === 0 ? "1" : "4";
      const meterbook = await startMeterbook({ ...settings, METERBOOK_SHARDS: shards });
      try {
        const killing = killRepeatedly(meterbook, killAfterMs);
        await sendInWaves(meterbook);
        await killing;
        await expectOutcome(meterbook, traffic, await calm(meterbook));
        expect(await hashesOf(meterbook)).toEqual(undisturbed);
      } catch (cause) {
        throw new Error(`seed ${seed}, round ${round}, kills after ${killAfterMs} ms each`, { cause });
      } finally {
        await meterbook.dispose();
      }
    }
  });
});

/** Each wave when the one before is settled, so that every wave makes batches and snapshots of its own. */
async function sendInWaves(meterbook: MeterbookProcess): Promise<void> {
  for (const wave of traffic.waves) {
    await publishAll(() => meterbook.mqttUrl, wave);
    await calm(meterbook);
  }
}

/** Settled, also when the process dies and comes back while we wait. */
async function calm(meterbook: MeterbookProcess): Promise<Status> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      return await meterbook.settled();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function killRepeatedly(meterbook: MeterbookProcess, afterMs: readonly number[]): Promise<void> {
  for (const ms of afterMs) {
    await new Promise((resolve) => setTimeout(resolve, ms));
    await meterbook.kill();
    await meterbook.start();
  }
}

async function within<Value>(ms: number, promise: Promise<Value>, otherwise: string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(otherwise)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
