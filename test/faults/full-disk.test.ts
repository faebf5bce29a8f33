// Goal: a full disk stops the acknowledgements, not the process, and no reading is lost by it. Method: the data
// directory lies on a file system of a few megabytes that the test fills up and empties while meters go on sending.
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { expectOutcome, mixedTraffic } from "../support/fleets/mixed-traffic.ts";
import { publishAll } from "../support/network/publisher.ts";
import type { MeterbookProcess, Status } from "../support/processes/meterbook-process.ts";
import { startMeterbook } from "../support/processes/meterbook-process.ts";
import type { SmallDisk } from "../support/small-disk.ts";
import { mountSmallDisk } from "../support/small-disk.ts";

const megabytes = 32;
const disk = mountSmallDisk(megabytes);
if (typeof disk === "string") console.log(`skipped: ${disk}`);

interface Readiness {
  readonly problems: readonly string[];
}

describe.skipIf(typeof disk === "string")("a disk without room", () => {
  const small = disk as SmallDisk;
  const traffic = mixedTraffic({ seed: 20_261_125, meters: 40, days: 60, waves: 2 });
  const [before = [], later = []] = traffic.waves;
  let meterbook: MeterbookProcess;
  let acknowledged = 0;
  let sending: Promise<void>;
  beforeAll(async () => {
    const settings = { METERBOOK_DATA_DIR: small.path, METERBOOK_SETTLE_SECONDS: "0" };
    meterbook = await startMeterbook(settings);
    await publishAll(() => meterbook.mqttUrl, before);
    await meterbook.settled();
  });
  afterAll(async () => {
    await meterbook?.dispose();
    small.close();
  });

  test("is said by /readyz, and nothing more is acknowledged", async () => {
    await small.fill();
    sending = publishAll(
      () => meterbook.mqttUrl,
      later,
      (count) => {
        acknowledged = count;
      },
    );
    await toldNotReady(meterbook, /^ingest: .*(full|no room|space)/m);
    const atFirst = acknowledged;
    expect(atFirst).toBeLessThan(later.length);
    // Three more attempts of the meters, none of which may succeed.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(acknowledged).toBe(atFirst);
    expect((await meterbook.request("/healthz")).status).toBe(200);
  });

  test("goes on by itself once there is room, and nothing acknowledged is lost", async () => {
    const { pid } = meterbook;
    await small.makeRoom();
    await sending;
    expect(acknowledged).toBe(later.length);
    await readyAgain(meterbook);
    await expectOutcome(meterbook, traffic, await meterbook.settled());
    expect(meterbook.pid).toBe(pid);
    expect(await meterbook.stop()).toBe(0);
  });
});

// H18: no answer within 20 s.
describe.skipIf(typeof disk === "string")("a close on a disk without room", () => {
  test("is answered, the disk is named, and with room again everything is issued", async () => {
    const own = mountSmallDisk(megabytes) as SmallDisk;
    onTestFinished(() => own.close());
    const settings = { METERBOOK_DATA_DIR: own.path, METERBOOK_SETTLE_SECONDS: "86400" };
    const meterbook = await startMeterbook(settings);
    onTestFinished(() => meterbook.dispose());
    const traffic = mixedTraffic({ seed: 20_261_129, meters: 40, days: 60, waves: 1 });
    await publishAll(() => meterbook.mqttUrl, traffic.waves[0] ?? []);
    const inFlight = async () => (await meterbook.get<Status>("/v1/status")).inFlight;
    await expect.poll(inFlight, { timeout: 20_000 }).toBe(0);
    await own.fill();
    const startedAtMs = performance.now();
    const refused = await meterbook.request("/v1/periods/2024-10/close", { method: "POST" });
    expect(performance.now() - startedAtMs).toBeLessThan(5500);
    expect(refused.status).toBe(503);
    expect(refused.headers.get("content-type")).toContain("application/problem+json");
    const problem = (await refused.json()) as { code: string; detail: string };
    expect(problem.code).toBe("storage_unavailable");
    expect(problem.detail).toMatch(/no room on the disk of \S+\.db \(METERBOOK_DATA_DIR\)/);
    await toldNotReady(meterbook, /^aggregator: .*no room on the disk of .* \(METERBOOK_DATA_DIR\)/m);
    await own.makeRoom();
    await readyAgain(meterbook);
    const wait = { prefer: "wait=60" };
    const closed = await meterbook.request("/v1/periods/2024-10/close", { method: "POST", headers: wait });
    expect(await closed.json()).toMatchObject({ state: "done" });
    await expectOutcome(meterbook, traffic, await meterbook.settled());
  });
});

async function readiness({ request }: MeterbookProcess): Promise<string> {
  const response = await request("/readyz");
  const { problems } = (await response.json()) as Readiness;
  return [response.status, ...problems].join("\n");
}

/** Others may be told before it: what a full disk keeps from its work is not one part of the process alone. */
async function toldNotReady(meterbook: MeterbookProcess, words: RegExp): Promise<void> {
  const told = expect.stringMatching(new RegExp(`^503\\n[\\s\\S]*${words.source}`, "m"));
  await expect.poll(() => readiness(meterbook)).toEqual(told);
}

async function readyAgain(meterbook: MeterbookProcess): Promise<void> {
  await expect.poll(() => readiness(meterbook)).toBe("200");
}
