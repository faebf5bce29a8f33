// Goal: a backup taken under load is whole: what was acknowledged before it began is in it, what was issued is
// issued in it with the same hash, and it goes on. Method: real processes; the copy is started, and is sent the rest
// again.
import { existsSync } from "node:fs";
import { cp, readdir, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { expectOutcome, hashesOf, mixedTraffic } from "../support/fleets/mixed-traffic.ts";
import { publishAll } from "../support/network/publisher.ts";
import { runCommand } from "../support/processes/command-process.ts";
import { startMeterbook } from "../support/processes/meterbook-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const settings = { METERBOOK_SETTLE_SECONDS: "0", METERBOOK_LOG_LEVEL: "error" };

test("N03: a backup under load, restored into another directory, holds all that was acknowledged before", async () => {
  const traffic = mixedTraffic({ seed: 20_261_129, meters: 12, days: 40, waves: 3 });
  const [before = [], during = []] = traffic.waves;
  const meterbook = await startMeterbook(settings);
  const place = await temporaryDirectory();
  const [copy, restored] = [join(place, "copy"), join(place, "restored")];
  try {
    await publishAll(() => meterbook.mqttUrl, before);
    await meterbook.settled();
    const issuedBefore = await revisionsOf(meterbook);
    const storedBefore = (await meterbook.settled()).stored;
    expect(issuedBefore.size).toBeGreaterThan(0);
    const sending = publishAll(() => meterbook.mqttUrl, during);
    const made = await runCommand("backup", ["--to", copy], { METERBOOK_DATA_DIR: meterbook.dataDir });
    expect(made.errors).toBe("");
    expect(made.code).toBe(0);
    await sending;
    await meterbook.kill();
    const back = await runCommand("restore", ["--from", copy], { METERBOOK_DATA_DIR: restored });
    expect(back.errors).toBe("");
    expect(back.code).toBe(0);
    await meterbook.start({ METERBOOK_DATA_DIR: restored });
    expect((await meterbook.settled()).stored).toBeGreaterThanOrEqual(storedBefore);
    const issued = await revisionsOf(meterbook);
    for (const [id, hash] of issuedBefore) expect(issued.get(id), id).toBe(hash);
    for (const wave of traffic.waves) await publishAll(() => meterbook.mqttUrl, wave);
    const status = await meterbook.settled();
    await expectOutcome(meterbook, traffic, status);
    expect(await hashesOf(meterbook)).toEqual(await undisturbed(traffic.waves));
  } finally {
    await meterbook.dispose();
  }
});

test("N03: a restore does not write over what is there, and checks the copy first", async () => {
  const meterbook = await startMeterbook(settings);
  const place = await temporaryDirectory();
  const copy = join(place, "copy");
  try {
    const environment = { METERBOOK_DATA_DIR: meterbook.dataDir };
    expect((await runCommand("backup", ["--to", copy], environment)).code).toBe(0);
    const again = await runCommand("backup", ["--to", copy], environment);
    expect([again.code, again.errors]).toEqual([1, expect.stringContaining("not empty")]);
    const running = await runCommand("restore", ["--from", copy, "--replace"], environment);
    expect([running.code, running.errors]).toEqual([1, expect.stringContaining("another process works on")]);
    expect(await meterbook.stop()).toBe(0);
    const occupied = await runCommand("restore", ["--from", copy], environment);
    expect([occupied.code, occupied.errors]).toEqual([1, expect.stringMatching(/not empty.*--replace/s)]);
    const gone = await runCommand("restore", ["--from", join(place, "nowhere")], environment);
    expect([gone.code, gone.errors]).toEqual([1, expect.stringMatching(/nowhere does not exist/)]);
    const notOne = await runCommand("restore", ["--from", join(copy, "ledger.db")], environment);
    expect([notOne.code, notOne.errors]).toEqual([1, expect.stringMatching(/ledger\.db is a file/)]);
    await truncate(join(copy, "ledger.db"), 4096);
    const damaged = await runCommand("restore", ["--from", copy, "--replace"], environment);
    expect([damaged.code, damaged.errors]).toEqual([1, expect.stringContaining("ledger.db is not as it was")]);
    await writeFile(join(place, "backup.json"), "{}");
    const nothing = await runCommand("restore", ["--from", place], { METERBOOK_DATA_DIR: join(place, "new") });
    expect([nothing.code, nothing.errors]).toEqual([1, expect.stringContaining("does not list its files")]);
    expect(await readdir(place)).not.toContain("new");
    await meterbook.start();
  } finally {
    await meterbook.dispose();
  }
});

test("a backup does not go into the data directory, nor is one restored from there, by whatever path", async () => {
  const meterbook = await startMeterbook(settings);
  const place = await temporaryDirectory();
  const { dataDir } = meterbook;
  const environment = { METERBOOK_DATA_DIR: dataDir };
  try {
    await symlink(dataDir, join(place, "link"));
    for (const to of [join(dataDir, "copies", "one"), join(place, "link", "one"), dataDir]) {
      const inside = await runCommand("backup", ["--to", to], environment);
      expect([inside.code, inside.errors]).toEqual([1, expect.stringContaining("is inside the data directory")]);
    }
    expect(existsSync(join(dataDir, "copies"))).toBe(false);
    expect((await runCommand("backup", ["--to", join(place, "copy")], environment)).code).toBe(0);
    expect(await meterbook.stop()).toBe(0);
    await cp(join(place, "copy"), join(dataDir, "copy"), { recursive: true });
    const from = ["--from", join(dataDir, "copy"), "--replace"];
    const restored = await runCommand("restore", from, environment);
    expect([restored.code, restored.errors]).toEqual([1, expect.stringContaining("is inside the data directory")]);
    await meterbook.start();
  } finally {
    await meterbook.dispose();
  }
});

test("N09: backup and restore say how they are used", async () => {
  for (const command of ["backup", "restore"]) {
    const help = await runCommand(command, ["--help"]);
    expect([help.code, help.errors, help.output]).toEqual([0, "", expect.stringContaining(`npm run ${command}`)]);
    const wrong = await runCommand(command, ["--nonsense"]);
    expect([wrong.code, wrong.errors]).toEqual([2, expect.stringContaining(`npm run ${command}`)]);
  }
});

async function revisionsOf(meterbook: { request(path: string, init?: object): Promise<Response> }) {
  const response = await meterbook.request("/v1/snapshots/changes", { headers: { accept: "application/x-ndjson" } });
  const lines = (await response.text()).split("\n").filter((line) => line !== "");
  return new Map(
    lines.map((line) => JSON.parse(line) as { id: string; hash: string }).map(({ id, hash }) => [id, hash]),
  );
}

async function undisturbed(waves: ReturnType<typeof mixedTraffic>["waves"]): Promise<Map<string, string>> {
  const other = await startMeterbook(settings);
  try {
    for (const wave of waves) await publishAll(() => other.mqttUrl, wave);
    await other.settled();
    return await hashesOf(other);
  } finally {
    await other.dispose();
  }
}
