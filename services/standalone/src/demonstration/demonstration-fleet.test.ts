// N15: after another start the fleet goes on where it was; nothing of the history is sent a second time.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import type { Publication } from "../../../../simulators/src/fixtures/puback-server.ts";
import { startPubackServer } from "../../../../simulators/src/fixtures/puback-server.ts";
import { startDemonstrationFleet } from "./demonstration-fleet.ts";

vi.setConfig({ testTimeout: 30_000 });

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const noonMs = Date.parse("2026-05-20T09:07:00Z");
const meters = 5;

async function dataDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "demonstration-"));
  ends.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** One start, ended once the history is in or once `enough` messages are. Answers what was published. */
async function started(dataDir: string, atMs: number, enough = Number.POSITIVE_INFINITY): Promise<string[]> {
  const arrived: string[] = [];
  const over = Promise.withResolvers<void>();
  const server = await startPubackServer(({ topic, payload }: Publication) => {
    if (arrived.push(`${topic} ${payload.toString("hex")}`) === enough) over.resolve();
    return true;
  });
  ends.push(() => server.kill());
  const fleet = await startDemonstrationFleet({
    mqttUrl: server.url,
    httpUrl: "http://127.0.0.1:9",
    // With keys no month is closed by the fleet.
    settings: { dataDir, timeZone: "Europe/Kyiv", apiKeysFile: "keys.json" },
    log: { info: () => undefined, error: (_, text) => over.reject(new Error(text)) },
    say: (line) => (line.includes("The history is in") ? over.resolve() : undefined),
    meters,
    nowMs: () => atMs,
  });
  await over.promise;
  await fleet.close();
  return arrived;
}

test("N15: a second start sends what is new since the first, and a third at the same time nothing", async () => {
  const dataDir = await dataDirectory();
  // The first midnight, March, April, 19 days of May and a part of one; a report a day.
  expect(await started(dataDir, noonMs)).toHaveLength(meters * (1 + 31 + 30 + 20));
  const later = await started(dataDir, noonMs + 3_600_000);
  expect(later).toHaveLength(meters);
  expect(later).toEqual(await onlyTheHour());
  expect(await started(dataDir, noonMs + 3_600_000)).toEqual([]);
});

/** What a fleet that never stopped would say of the hour: the registers go on counting. */
async function onlyTheHour(): Promise<string[]> {
  const dataDir = await dataDirectory();
  const sentTo = Array.from({ length: meters }, () => Date.parse("2026-05-20T09:00:00Z") / 1000);
  await writeFile(join(dataDir, "demonstration-fleet.json"), JSON.stringify({ from: "2026-03", sentTo }));
  return await started(dataDir, noonMs + 3_600_000);
}

test("N15: ended in the middle of the history it goes on from there: what comes in all is the history once", async () => {
  const dataDir = await dataDirectory();
  const first = await started(dataDir, noonMs, 123);
  const second = await started(dataDir, noonMs);
  const whole = await started(await dataDirectory(), noonMs);
  expect(first.length).toBeLessThan(whole.length);
  expect([...first, ...second].sort()).toEqual([...whole].sort());
});

test("N15: what it remembers and cannot be read is taken as nothing, and written anew", async () => {
  const dataDir = await dataDirectory();
  const file = join(dataDir, "demonstration-fleet.json");
  await writeFile(file, '{"from":"2026-03","sentTo":[1,');
  expect(await started(dataDir, noonMs)).toHaveLength(meters * 82);
  const at = Date.parse("2026-05-20T09:00:00Z") / 1000;
  expect(JSON.parse(await readFile(file, "utf8"))).toEqual({ from: "2026-03", sentTo: Array(meters).fill(at) });
});
