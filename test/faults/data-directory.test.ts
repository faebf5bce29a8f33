// Goal: a start on a data directory that lost something says so and ends; kills at any moment never make a sound one
// look like that.
// Method: real processes, killed at random; files taken away between two starts (test/invariants/lost-files.test.ts has
// all of them).
import { chmod, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { expectOutcome, hashesOf, mixedTraffic } from "../support/fleets/mixed-traffic.ts";
import { publishAll } from "../support/network/publisher.ts";
import { runCommand } from "../support/processes/command-process.ts";
import { type MeterbookProcess, startMeterbook } from "../support/processes/meterbook-process.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { mountSmallDisk } from "../support/small-disk.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const seed = Number(process.env["SEED"] ?? 20_261_129);
const settings = { METERBOOK_SETTLE_SECONDS: "0", METERBOOK_LOG_LEVEL: "error" };
const kills = 12;

test(`H05: ${kills} kills at random never make a sound directory refuse (seed ${seed})`, async () => {
  const random = seededRandom(seed);
  const traffic = mixedTraffic({ seed, meters: 6, days: 25, waves: 1 });
  const meterbook = await startMeterbook(settings);
  try {
    let isOver = false;
    const sending = publishAll(() => meterbook.mqttUrl, traffic.waves.flat()).finally(() => {
      isOver = true;
    });
    for (let kill = 0; kill < kills; kill += 1) {
      await new Promise((resolve) => setTimeout(resolve, random() * 1500));
      await meterbook.kill();
      await meterbook.start();
    }
    await sending;
    expect(isOver).toBe(true);
    await meterbook.settled();
  } finally {
    await meterbook.dispose();
  }
});

test("H05: killed while it makes its directory, it makes it at the next start", async () => {
  const random = seededRandom(seed);
  const dataDir = await temporaryDirectory();
  for (let round = 0; round < 6; round += 1) {
    const killed = runCommand(
      "main",
      [],
      { METERBOOK_DATA_DIR: join(dataDir, `${round}`) },
      Math.floor(150 + random() * 250),
    );
    await killed;
    const again = await runCommand(
      "main",
      [],
      { METERBOOK_DATA_DIR: join(dataDir, `${round}`) },
      30_000,
      "meterbook ready",
    );
    expect(again.errors).not.toContain("Cannot start");
    expect(again.output).toContain("meterbook ready");
  }
});

test.for(["ledger.db", "series.db", "log.db", "directory.db"])(
  "H05 N02 N11: after a kill without %s: exit 1, the file and what to do, no stack",
  async (file) => {
    const meterbook = await startMeterbook(settings);
    try {
      await publishAll(() => meterbook.mqttUrl, mixedTraffic({ seed, meters: 3, days: 25, waves: 1 }).waves.flat());
      await meterbook.settled();
      await meterbook.kill();
      for (const suffix of ["", "-wal", "-shm"]) await rm(join(meterbook.dataDir, file + suffix), { force: true });
      const ended = await runCommand("main", [], { METERBOOK_DATA_DIR: meterbook.dataDir });
      expect(ended.code).toBe(1);
      expect(ended.errors).toMatch(
        new RegExp(`Cannot start: .*\\n  ${file} is missing.*\\n    lost: .*\\n    .*npm run`),
      );
      expect(ended.errors).not.toMatch(/^\s+at /m);
    } finally {
      await meterbook.dispose();
    }
  },
);

test.for([
  { file: "ledger", repair: ["--accept-loss", "ledger", "--reason", "no backup"] },
  { file: "series", repair: ["--rebuild-series"] },
])("H05: after $file is lost, repair and a start give the same months again", async ({ file: lost, repair }) => {
  const traffic = mixedTraffic({ seed, meters: 3, days: 25, waves: 1 });
  const meterbook = await startMeterbook(settings);
  try {
    await publishAll(() => meterbook.mqttUrl, traffic.waves.flat());
    await meterbook.settled();
    const hashes = await hashesOf(meterbook);
    expect(await meterbook.stop()).toBe(0);
    await rm(join(meterbook.dataDir, `${lost}.db`));
    const repaired = await runCommand("repair", repair, { METERBOOK_DATA_DIR: meterbook.dataDir });
    expect([repaired.code, repaired.errors]).toEqual([0, ""]);
    await meterbook.start();
    await expectOutcome(meterbook, traffic, await meterbook.settled());
    expect(await hashesOf(meterbook)).toEqual(hashes);
    const damage = (await (await meterbook.request("/v1/damage")).json()) as { items: readonly { code: string }[] };
    expect(damage.items.map(({ code }) => code)).toEqual(lost === "ledger" ? ["records_lost"] : []);
  } finally {
    await meterbook.dispose();
  }
});

test("where log.db is removed under it, no PUBACK is given and /readyz says why, until it is back", async () => {
  const meterbook = await startMeterbook(settings);
  try {
    const [first, second] = mixedTraffic({ seed, meters: 2, days: 3, waves: 2 }).waves;
    await publishAll(() => meterbook.mqttUrl, first ?? []);
    const [path, kept] = [join(meterbook.dataDir, "log.db"), join(meterbook.dataDir, "kept")];
    await rename(path, kept);
    let acknowledged = 0;
    const sending = publishAll(
      () => meterbook.mqttUrl,
      second ?? [],
      (count) => {
        acknowledged = count;
      },
    );
    // The aggregator can notice first: what is waited for is the door's own word.
    const notKept = /^ingest: messages cannot be kept: .*log\.db .METERBOOK_DATA_DIR. was removed or replaced/;
    await expect.poll(() => problemsOf(meterbook), { timeout: 10_000 }).toContainEqual(expect.stringMatching(notKept));
    expect((await meterbook.request("/readyz")).status).toBe(503);
    expect(acknowledged).toBe(0);
    await rename(kept, path);
    await sending;
    await expect.poll(() => problemsOf(meterbook), { timeout: 30_000 }).toEqual([]);
  } finally {
    await meterbook.dispose();
  }
});

async function problemsOf(meterbook: Pick<MeterbookProcess, "request">): Promise<readonly string[]> {
  const answer = (await (await meterbook.request("/readyz")).json()) as { problems: readonly string[] };
  return answer.problems;
}

const file = "a-file";
test.for(["/proc/meterbook", "/dev/null/data", file])(
  "N13: METERBOOK_DATA_DIR=%s: named, exit 1 at once",
  async (path) => {
    const dataDir = path === file ? join(await temporaryDirectory(), file) : path;
    if (path === file) await writeFile(dataDir, "");
    const begun = performance.now();
    const ended = await runCommand("main", [], { METERBOOK_DATA_DIR: dataDir });
    expect(ended.code).toBe(1);
    expect(ended.errors).toContain("METERBOOK_DATA_DIR");
    expect(ended.errors).not.toMatch(/^\s+at /m);
    expect(performance.now() - begun).toBeLessThan(10_000);
  },
);

const disk = mountSmallDisk(1);
test.skipIf(typeof disk === "string")("H18: a start on a full disk names file and setting", async () => {
  if (typeof disk === "string") return;
  onTestFinished(() => disk.close());
  await disk.fill();
  const ended = await runCommand("main", [], { METERBOOK_DATA_DIR: disk.path });
  expect(ended.code).toBe(1);
  expect(ended.errors).toMatch(/room|full/);
  expect(ended.errors).toContain(disk.path);
  expect(ended.errors).toContain("METERBOOK_DATA_DIR");
  expect(ended.errors).not.toMatch(/^\s+at /m);
});

test("H17: a setting that names a file, or a directory that others use, closes neither to them", async () => {
  const others = await temporaryDirectory();
  await writeFile(join(others, "theirs.db"), "", { mode: 0o644 });
  await chmod(others, 0o755);
  const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
  const meterbook = await startMeterbook({ ...settings, METERBOOK_DATA_DIR: others });
  try {
    await meterbook.stop();
    await meterbook.start();
    expect([await modeOf(others), await modeOf(join(others, "theirs.db"))]).toEqual(["755", "644"]);
    expect(await modeOf(join(others, "ledger.db"))).toBe("600");
  } finally {
    await meterbook.dispose();
  }
  const file = join(others, "theirs.db");
  const ended = await runCommand("main", [], { ...settings, METERBOOK_DATA_DIR: file });
  expect(ended).toMatchObject({ code: 1, errors: expect.stringContaining("(METERBOOK_DATA_DIR)") });
  expect(await modeOf(file)).toBe("644");
});

test("H17: under umask 000 the directory is 0700 and every file in it 0600", async () => {
  const before = process.umask(0);
  const meterbook = await startMeterbook(settings).finally(() => process.umask(before));
  try {
    await chmod(meterbook.dataDir, 0o755);
    await meterbook.stop();
    await meterbook.start();
    await publishAll(() => meterbook.mqttUrl, mixedTraffic({ seed, meters: 2, days: 3, waves: 1 }).waves.flat());
    expect((await stat(meterbook.dataDir)).mode & 0o777).toBe(0o700);
    for (const name of await readdir(meterbook.dataDir)) {
      expect([name, (await stat(join(meterbook.dataDir, name))).mode & 0o777]).toEqual([name, 0o600]);
    }
  } finally {
    await meterbook.dispose();
  }
});
