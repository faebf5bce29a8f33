// Goal: everything that is drawn arrives, whatever happens to the server. Method: a server that acknowledges and dies.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { readTruth } from "../checker/read-truth.ts";
import type { PubackServer, Publication } from "../fixtures/puback-server.ts";
import { startPubackServer } from "../fixtures/puback-server.ts";
import type { FleetOptions } from "./fleet.ts";
import { startFleet } from "./fleet.ts";

// The machine may be busy with the other tests.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function serve(receive: (message: Publication) => boolean): Promise<PubackServer> {
  const server = await startPubackServer(receive);
  ends.push(() => server.kill().catch(() => undefined));
  return server;
}

function run(options: FleetOptions) {
  const fleet = startFleet({ meters: 20, from: "2026-03", to: "2026-04", reportEvery: 86_400, ...options });
  ends.push(() => fleet.stop());
  return fleet;
}

async function truthPath(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "fleet-truth-"));
  ends.push(() => rm(directory, { recursive: true, force: true }));
  return join(directory, "truth.ndjson");
}

const keyOf = ({ topic, payload }: Publication) => `${topic} ${payload.toString("hex")}`;

test("a server that is killed in the middle, again and again, misses nothing and each meter's order is kept", async () => {
  const arrived: Publication[] = [];
  const acknowledged = new Set<string>();
  let kills = 0;
  const server = await serve((message) => {
    arrived.push({ ...message, payload: Buffer.from(message.payload) });
    if (arrived.length % 100 === 0 && kills < 5) {
      kills += 1;
      void server.kill().then(() => server.start());
      return false;
    }
    acknowledged.add(keyOf(message));
    return true;
  });
  const truth = await truthPath();
  const fleet = run({ url: server.url, connections: 3, window: 20, truth });
  const summary = await fleet.done;

  expect(kills).toBe(5);
  expect(summary).toMatchObject({ messages: 20 * 32, acknowledged: 20 * 32 });
  expect(summary.reconnects).toBeGreaterThanOrEqual(5);
  expect(new Set(arrived.map(keyOf)).size).toBe(20 * 32);
  expect(acknowledged.size).toBe(20 * 32);
  const again = arrived.filter(({ dup }) => dup).length;
  expect(summary.resent).toBeGreaterThanOrEqual(again);
  expect((await readTruth(truth)).acknowledged.size).toBe(20 * 32);
  expect(orderOf(arrived)).toEqual(orderOf(await undisturbed()));
});

/** The first arrival of each message, by meter. */
function orderOf(arrived: readonly Publication[]): Record<string, string[]> {
  const byTopic = Map.groupBy(arrived, ({ topic }) => topic);
  return Object.fromEntries([...byTopic].map(([topic, of]) => [topic, [...new Set(of.map(keyOf))]]));
}

/** The same fleet with a server that does not die. */
async function undisturbed(): Promise<Publication[]> {
  const arrived: Publication[] = [];
  const server = await serve((message) => arrived.push({ ...message, payload: Buffer.from(message.payload) }) > 0);
  await run({ url: server.url }).done;
  return arrived;
}

test("nothing listens: it says so at once, tries again, and gives up with a clear error", async () => {
  const server = await serve(() => true);
  await server.kill();
  const said: string[] = [];
  const fleet = run({ url: server.url, retrySeconds: 1, log: (text) => said.push(text) });
  await expect(fleet.done).rejects.toThrow(
    /127\.0\.0\.1:\d+ does not answer: connection refused.*tried \d+ times in 1 s/,
  );
  await expect(fleet.history).rejects.toThrow("does not answer");
  expect(said).toEqual([expect.stringMatching(/no connection to .*nothing listens there; trying again for up to 1 s/)]);
});

test("a server that comes late is found", async () => {
  const server = await serve(() => true);
  await server.kill();
  const failed = Promise.withResolvers<void>();
  const fleet = run({ url: server.url, log: () => failed.resolve() });
  await failed.promise;
  await server.start();
  expect((await fleet.done).acknowledged).toBe(20 * 32);
});

test("stopping ends it cleanly, and the truth file holds what was sent and what was acknowledged", async () => {
  let count = 0;
  const stopped = Promise.withResolvers<void>();
  // The server acknowledges half of what it gets, so that the other half stays on the way.
  const server = await serve(() => {
    count += 1;
    if (count === 100) stopped.resolve();
    return count <= 50;
  });
  const truth = await truthPath();
  const fleet = run({ url: server.url, connections: 2, window: 50, truth });
  await stopped.promise;
  const ending = fleet.stop();
  await server.kill();
  await ending;
  const summary = fleet.now();
  const told = await readTruth(truth);
  expect(told.ended).toBe(true);
  expect(told.readingsOf.size).toBe(summary.messages);
  expect(told.acknowledged.size).toBe(50);
  expect(summary.messages).toBeLessThan(20 * 32);
});

test("after the history it goes on live at the pace of the clock, numbering on", async () => {
  const arrived: string[] = [];
  const server = await serve(({ payload }) => arrived.push(payload.toString()) > 0);
  let nowMs = Date.parse("2026-03-02T10:07:00Z");
  const fleet = run({
    url: server.url,
    meters: 1,
    from: "2026-03",
    to: "2026-03-02T10:00:00Z",
    live: true,
    liveReportEvery: 900,
    format: "json",
    nowMs: () => nowMs,
  });
  await fleet.history;
  const history = arrived.length;
  expect(history).toBe(3);
  nowMs = Date.parse("2026-03-02T10:46:00Z");
  await vi.waitFor(() => expect(arrived.length).toBe(history + 3), { timeout: 15_000 });
  const reports = arrived.map((text) => JSON.parse(text) as { sequence: number; readings: { at: string }[] });
  expect(reports.slice(2).map(({ sequence }) => sequence - (reports[0]?.sequence ?? 0))).toEqual([2, 3, 4, 5]);
  expect(reports.at(-1)?.readings.map(({ at }) => at)).toContain("2026-03-02T10:45:00Z");
});

test("with a speed, the history takes its time", async () => {
  const server = await serve(() => true);
  const began = performance.now();
  const hours = run({
    url: server.url,
    meters: 1,
    from: "2026-03-01T00:00:00Z",
    to: "2026-03-01T05:00:00Z",
    reportEvery: 3600,
    speed: 18_000,
  });
  await hours.done;
  expect(performance.now() - began).toBeGreaterThan(900);
});

test("the truth file: header, meters, the registers at each month's end, every message", async () => {
  const server = await serve(() => true);
  const truth = await truthPath();
  await run({ url: server.url, meters: 3, to: "2026-05", truth, lost: 0.1, malformed: 0.1, skew: 0.5, seed: 3 }).done;
  const lines = (await readFile(truth, "utf8"))
    .trim()
    .split("\n")
    .map((text) => JSON.parse(text) as Record<string, unknown>);
  const of = (type: string) => lines.filter((line) => line["type"] === type);
  expect(of("fleet")).toHaveLength(1);
  expect(of("meter")).toHaveLength(3);
  expect(
    of("boundary")
      .map(({ meter, period }) => `${String(meter)} ${String(period)}`)
      .sort(),
  ).toEqual(
    ["sim-000001", "sim-000002", "sim-000003"].flatMap((meter) =>
      ["2026-02", "2026-03", "2026-04"].map((period) => `${meter} ${period}`),
    ),
  );
  const end = of("end")[0] as { messages: number; faults: { malformed: number } };
  expect(of("message")).toHaveLength(end.messages);
  expect(
    of("message").filter(({ fault, series }) => fault === "malformed" && (series as unknown[]).length === 0),
  ).toHaveLength(end.faults.malformed);
});

test("wrong options are refused with every problem", () => {
  expect(() => startFleet({ meters: 0, zone: "Mars", lost: 0.6, repeated: 0.6 })).toThrow(
    /--meters must.*\n--zone must.*\n--lost, .* must not exceed 1 together/,
  );
});
