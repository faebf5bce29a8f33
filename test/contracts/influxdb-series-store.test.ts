import { checkInflux } from "@meterbook/adapters/influxdb/client/influx-check";
import type { InfluxServerOptions } from "@meterbook/adapters/influxdb/client/influx-connection";
import { openInfluxSeriesReader } from "@meterbook/adapters/influxdb/series/influxdb-series-reader";
import { openInfluxSeriesStores } from "@meterbook/adapters/influxdb/series/influxdb-series-store";
import type { Channel, Reading } from "@meterbook/core/domain/reading/reading";
import { channelKey, readingCode } from "@meterbook/core/domain/reading/reading";
import { readingRank } from "@meterbook/core/domain/reading/reading-rank";
import { systemClock } from "@meterbook/core/ports/clock";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type { Conflict, MeterWrite, SeriesStore, StoredMeter } from "@meterbook/core/ports/series-store";
import { slotOf } from "@meterbook/sharding/slot";
import { slotDigits } from "@meterbook/sharding/slot-ranges";
import fc from "fast-check";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { httpProxy } from "../support/network/http-proxy.ts";
import type { InfluxServer } from "../support/servers/influx-server.ts";
import { influxServer } from "../support/servers/servers.ts";
import { fleetReaderContract } from "./fleet-reader.contract.ts";
import { seriesStoreContract } from "./series-store.contract.ts";
import { type DamagedRecord, seriesStoreDamageContract } from "./series-store-damage.contract.ts";
import { applyTo, metAs } from "./series-store-writes.ts";

const servers = (await Promise.all([influxServer(), influxServer()])).filter((server) => server !== undefined);
afterAll(() => Promise.all(servers.map((server) => server.dispose())));
const [one, two] = servers as [InfluxServer, InfluxServer];
const { token, org } = one ?? {};
const half = (server: InfluxServer, url = server.url) => [{ url, token, first: 0, last: 255 }];

/** A bucket of its own, on each server under the same name. */
async function place(on: readonly InfluxServerOptions[], options: { linesMax?: number; partitions?: number } = {}) {
  const [bucket] = await Promise.all(servers.map((server) => server.newBucket()));
  const influx = { servers: on, org, bucket: bucket as string };
  let ownerNo = 0;
  return {
    influx,
    async open(through: readonly InfluxServerOptions[] = on, partition = 0, tell: TellDamage = () => undefined) {
      ownerNo += 1;
      const ears = { tell, nowMs: Date.now };
      const stores = openInfluxSeriesStores({ ...influx, partitions: 1, refused, ears, ...options, servers: through });
      const reader = openInfluxSeriesReader({ ...influx, ears });
      onTestFinished(() => stores.close());
      onTestFinished(() => reader.close());
      return { store: await stores.open(partition, ownerNo), stores, reader };
    },
    /** As `SeriesStoreUnderTest` has it. */
    under() {
      return {
        open: (tell?: TellDamage) => this.open(on, 0, tell),
        tidyLater: this.tidyLater,
        damage: (what: DamagedRecord, meterId: string) => damageIn(on, influx.bucket, what, meterId),
      };
    },
    tidyLater: async (store: SeriesStore) => expect(store.upkeep).toBeUndefined(),
  };
}

/** Writes past the store, over what it holds of the meter or beside it. */
async function damageIn(on: readonly InfluxServerOptions[], bucket: string, what: DamagedRecord, meterId: string) {
  const tags = `k=${slotDigits(slotOf(meterId))},m=${meterId}`;
  const at = Date.parse("2026-10-31T00:15:50Z") * 1e6;
  const lines = async ({ url }: InfluxServerOptions): Promise<string[]> => {
    const server = servers.find((other) => other.url === url) as InfluxServer;
    if (what === "reading") return [`reading,${tags} 1.8.0_Wh=77i ${at}`];
    if (what === "channels") return [`channel,${tags} nonsense_q0=7i,nonsense_q0_p=0i,nonsense_n=0i,part=0i ${at}`];
    if (what === "conflict") {
      const found = await rows(server, bucket, `SELECT kv FROM conflict WHERE m = '${meterId}' AND kv = 900`, "ns");
      return found.map(([id]) => `conflict,${tags} rv=77i ${id}`);
    }
    const found = await rows(server, bucket, "SELECT position FROM progress", "ns");
    return found.map(([epoch]) => `progress,part=0 notes="{" ${epoch}`);
  };
  for (const server of on) {
    const query = new URLSearchParams({ org, bucket, precision: "ns" });
    const body = (await lines(server)).join("\n");
    if (body === "") continue;
    const headers = { authorization: `Token ${token}` };
    const answer = await fetch(`${server.url}/api/v2/write?${query}`, { method: "POST", headers, body });
    expect(answer.status).toBe(204);
  }
}

async function refused(lines: readonly { line: string; detail: string }[]): Promise<void> {
  throw new Error(`refused: ${JSON.stringify(lines)}`);
}

/** A look at everything, whatever our own reads make of it. */
async function rows(server: InfluxServer, bucket: string, q: string, epoch = "s") {
  const form = new URLSearchParams({ db: bucket, epoch, q });
  const response = await fetch(`${server.url}/query?${form}`, { headers: { authorization: `Token ${token}` } });
  const { results } = (await response.json()) as { results: { series?: { values: unknown[][] }[] }[] };
  return results.flatMap(({ series = [] }) => series.flatMap(({ values }) => values));
}

describe.skipIf(servers.length < 2)("on one server", () => {
  seriesStoreContract(async () => (await place(half(one))).under(), { numRuns: 5 });
  seriesStoreDamageContract(async () => (await place(half(one))).under());
});

describe.skipIf(servers.length < 2)("on two servers", () => {
  const halves = () => [
    { url: one.url, token, first: 0, last: 127 },
    { url: two.url, token, first: 128, last: 255 },
  ];

  seriesStoreContract(async () => (await place(halves())).under(), { numRuns: 3 });
  seriesStoreDamageContract(async () => (await place(halves())).under());
  fleetReaderContract(async () => (await place(halves())).under());

  test("the same comes back as from one, each meter from the server of its slot", async () => {
    const [single, split] = [await place(half(one)), await place(halves())];
    const meterIds = Array.from({ length: 40 }, (_, index) => `meter-${index}`);
    const log = meterIds.flatMap((meterId, index) => [frame(index, meterId, 900, 5), frame(index, meterId, 1800, 6)]);
    const answers = [];
    for (const { open } of [single, split]) {
      const { store, reader } = await open();
      await apply(store, log);
      await apply(store, [frame(40, "meter-3", 900, 4), frame(40, "meter-4", 300, 1)]);
      answers.push({
        all: await reader.readMany(meterIds, { from: 0, to: 9999 }),
        meters: await Promise.all(meterIds.map((meterId) => reader.meter(meterId))),
        totals: await reader.totals(),
        conflicts: await reader.conflictsOf("meter-3", { afterId: 0, limit: 10 }),
      });
    }
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[0]?.conflicts.length).toBe(1);
    for (const [index, server] of [one, two].entries()) {
      const stored = await rows(server, split.influx.bucket, "SELECT * FROM reading");
      expect(stored.length).toBe(2 * meterIds.filter((meterId) => slotOf(meterId) >> 7 === index).length);
    }
  });
});

const channel: Channel = { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 };

interface Frame extends Reading {
  readonly offset: number;
  readonly meterId: string;
}

function frame(offset: number, meterId: string, at: number, value: number, code = 0): Frame {
  return { offset, meterId, at, value, code };
}

/** What an owner does with frames: small, and by the rules of services/aggregator/src/apply/decide-changes.ts. */
async function apply(store: SeriesStore, frames: readonly Frame[], newest = new Map<string, number>()) {
  const numbers = new Map<string, number>();
  const met: StoredMeter[] = [];
  for (const { meterId, at, value, code } of frames) {
    const known = await knows(store, meterId);
    if (!newest.has(meterId)) newest.set(meterId, known ? store.progress.newestAt : -1);
    if (numbers.has(meterId)) continue;
    const found = await metAs(store, meterId, [{ ...channel, first: { at, value, code } }]);
    const isNew = found.channels[0]?.index === 0;
    numbers.set(meterId, isNew ? found.no + met.length : found.no);
    if (isNew) met.push({ ...found, no: found.no + met.length });
  }
  const put: MeterWrite[] = [];
  const candidates: Frame[] = [];
  for (const one of frames) {
    if (one.at <= (newest.get(one.meterId) ?? -1)) {
      candidates.push(one);
      continue;
    }
    newest.set(one.meterId, one.at);
    put.push(writeOf(one));
  }
  const asked = candidates.map(({ meterId, at }) => ({ meterNo: no(meterId), channelIndex: 0, at }));
  const stored = await store.find(asked);
  const found = candidates.map(
    (one, index) => put.map(readingOf).find(({ key, at }) => key === no(one.meterId) && at === one.at) ?? stored[index],
  );
  const inEffect = new Map<string, Reading>();
  const [late, replaced] = [new Map<string, Frame>(), new Map<string, Frame>()];
  const conflicts: Conflict[] = [];
  let duplicates = 0;
  for (const [index, one] of candidates.entries()) {
    const key = `${one.meterId}/${one.at}`;
    const there = inEffect.get(key) ?? found[index];
    const wins = there === undefined || readingRank(one.code) < readingRank(there.code);
    if (there?.value === one.value) duplicates += 1;
    else if (there !== undefined) conflicts.push(conflictOf(one, wins ? one : there, wins ? there : one));
    if (!wins) continue;
    inEffect.set(key, one);
    (there === undefined || late.has(key) ? late : replaced).set(key, one);
  }
  const { counts, newestAt } = store.progress;
  const changes = { met, newer: put, late: [...late.values(), ...replaced.values()].map(writeOf), conflicts };
  await applyTo(store, changes, {
    position: (frames.at(-1)?.offset ?? 0) + 1,
    newestAt: Math.max(newestAt, ...frames.map(({ at }) => at)),
    counts: {
      stored: counts.stored + put.length + late.size,
      duplicates: counts.duplicates + duplicates,
      conflicts: counts.conflicts + conflicts.length,
      refused: counts.refused,
    },
  });

  function no(meterId: string): number {
    return numbers.get(meterId) ?? -1;
  }
  function writeOf({ meterId, offset, at, value, code }: Frame): MeterWrite {
    const series = [{ channelIndex: 0, at: [at], value: [value], code: [code] }];
    return { meterNo: no(meterId), position: offset, series };
  }
  function readingOf({ meterNo, series: [one] }: MeterWrite): Reading & { key: number } {
    return { key: meterNo, at: one?.at[0] ?? 0, value: one?.value[0] ?? 0, code: one?.code[0] ?? 0 };
  }
}

async function knows(store: SeriesStore, meterId: string): Promise<boolean> {
  return (await store.read(meterId, { from: 0, to: Number.MAX_SAFE_INTEGER })).length > 0;
}

function conflictOf({ meterId, at, offset }: Frame, kept: Reading, refusedReading: Reading): Conflict {
  const [a, b] = [kept, refusedReading].map((reading) => ({ at, value: reading.value, code: reading.code }));
  return {
    meterId,
    channel,
    at,
    kept: a as Reading,
    refused: b as Reading,
    receivedAtMs: 7,
    position: offset,
    index: 0,
  };
}

/** All that a reader can ask about a log's meters. */
async function everything(reader: ReturnType<typeof openInfluxSeriesReader>, meterIds: readonly string[]) {
  const conflicts = await Promise.all(meterIds.map((id) => reader.conflictsOf(id, { afterId: 0, limit: 1000 })));
  const meters = await Promise.all(meterIds.map((meterId) => reader.meter(meterId)));
  const readings = await reader.readMany(meterIds, { from: 0, to: Number.MAX_SAFE_INTEGER });
  return { readings, conflicts, meters, totals: await reader.totals() };
}

/** An actual one, and what ranks below and above it. */
const codes = [
  0,
  readingCode("derived", "remote"),
  readingCode("estimated", "remote"),
  readingCode("actual", "operator"),
  readingCode("actual", "remote", { revision: 2 ** 32 - 1 }),
];

describe.skipIf(servers.length < 2)("owners that come and go", () => {
  const meterIds = ["a", "b", "c"];
  const someFrames = fc.array(
    fc.record({
      meterId: fc.constantFrom(...meterIds),
      at: fc.integer({ min: 1, max: 6 }).map((slot) => slot * 900),
      value: fc.integer({ min: 1, max: 3 }),
      code: fc.constantFrom(...codes),
    }),
    { minLength: 4, maxLength: 24 },
  );
  /**
   * How many frames the next owner takes, how many of its requests arrive where it dies, and whether it writes late.
   */
  const someOwners = fc.array(
    fc.record({
      frames: fc.integer({ min: 1, max: 6 }),
      writes: fc.nat(12),
      end: fc.constantFrom("commits", "dies", "stale"),
    }),
    { minLength: 3, maxLength: 10 },
  );

  test("whoever dies half way or wakes up late, the counts and readings are those of one who did all", {
    timeout: 300_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(someFrames, someOwners, async (drawn, owners) => {
        const log = drawn.map((reading, offset) => ({ ...reading, offset }));
        const [alone, many] = [await place(half(one)), await place(half(one), { linesMax: 1 })];
        const single = await alone.open();
        await apply(single.store, log);
        let passing = Number.POSITIVE_INFINITY;
        const proxy = await httpProxy(({ path }) => {
          if (!path.startsWith("/api/v2/write")) return "pass";
          passing -= 1;
          return passing < 0 ? { status: 404 } : "pass";
        }, one.url);
        const sleepers: (() => Promise<unknown>)[] = [];
        for (const { frames, writes, end } of [...owners, { frames: log.length, writes: 0, end: "commits" }]) {
          // It opens its trail before it dies.
          passing = Number.POSITIVE_INFINITY;
          const { store } = await many.open(end === "dies" ? half(one, proxy.url) : half(one));
          const from = store.progress.position;
          const taken = log.slice(from, from + frames);
          if (taken.length === 0) break;
          passing = writes;
          if (end === "stale") sleepers.push(() => apply(store, taken));
          else await apply(store, taken).catch((error: unknown) => expect(String(error)).toContain("404"));
          if (end !== "stale") await store.close();
        }
        for (const wakeUp of sleepers) await wakeUp();
        await proxy.close();
        const { reader } = await many.open();
        expect(await everything(reader, meterIds)).toEqual(await everything(single.reader, meterIds));
      }),
      { numRuns: Number(process.env["RUNS"] ?? 15) },
    );
  });
});

describe.skipIf(servers.length < 2)("names", () => {
  test("whatever can be written comes back as it was", { timeout: 60_000 }, async () => {
    const { open } = await place(half(one));
    const { store, reader } = await open();
    const text = fc.stringMatching(/^[ -[\]-~ä€]{1,12}$/);
    let position = 0;
    await fc.assert(
      fc.asyncProperty(
        text,
        text,
        fc.constantFrom("Wh", "varh", "L" as const),
        fc.nat(9),
        async (meterId, register, unit, step) => {
          const kind = step === 0 ? "register" : "interval";
          const odd = { register, unit, kind, stepSeconds: step } as Channel;
          const met = await metAs(store, meterId, [{ ...odd, first: { at: 900, value: 7, code: 3 } }]);
          const known = (await reader.meter(meterId))?.channels.find((one) => channelKey(one) === channelKey(odd));
          const channelIndex = known?.index ?? met.channels[0]?.index ?? -1;
          const series = [{ channelIndex, at: [900, 1800], value: [7, 8], code: [3, 0] }];
          const newer = [{ meterNo: met.no, position, series }];
          position += 1;
          await applyTo(store, { met: known === undefined ? [met] : [], newer }, { position, newestAt: 1800 });
          const columns = { at: [900, 1800], value: [7, 8], code: [3, 0] };
          expect(await reader.read(meterId, { from: 0, to: 9999, channels: [channelIndex] })).toEqual([
            { channel: odd, ...columns },
          ]);
        },
      ),
      { numRuns: 40 },
    );
  });
});

describe.skipIf(servers.length < 2)("at the start", () => {
  test("a good place has no problems", async () => {
    const { influx } = await place(half(one));
    expect(await checkInflux(influx, systemClock)).toEqual({ problems: [], warnings: [] });
    const slow = { nowMs: () => Date.now() - 120_000 };
    expect((await checkInflux(influx, slow)).warnings).toEqual([expect.stringContaining("differs by 1")]);
  });

  test("all that is wrong is named with its setting", async () => {
    const finite = (await Promise.all(servers.map((server) => server.newBucket({ retentionSeconds: 30 * 86_400 }))))[0];
    const { influx } = await place(half(one));
    const problemsOf = async (other: object) => (await checkInflux({ ...influx, ...other }, systemClock)).problems;
    expect(await problemsOf({ bucket: finite })).toEqual([expect.stringContaining("METERBOOK_INFLUX_BUCKET=bucket-")]);
    expect(await problemsOf({ org: "nobody" })).toEqual([
      expect.stringContaining("METERBOOK_INFLUX_ORG=nobody is not there"),
    ]);
    expect(await problemsOf({ bucket: "none" })).toEqual([
      expect.stringContaining("METERBOOK_INFLUX_BUCKET=none is not there"),
    ]);
    const wrong = [
      { url: one.url, token: "wrong", first: 0, last: 127 },
      { url: "http://127.0.0.1:1", token, first: 128, last: 255 },
    ];
    expect(await problemsOf({ servers: wrong })).toEqual([
      expect.stringContaining("METERBOOK_INFLUX_TOKEN is not valid there"),
      expect.stringContaining("METERBOOK_INFLUX_URL: http://127.0.0.1:1 does not answer"),
    ]);
  });

  test.each(["read", "write"])("a token that may only %s is found out", async (action) => {
    const { influx } = await place(half(one));
    const limited = await limitedToken(influx.bucket, action);
    const { problems } = await checkInflux(
      { ...influx, servers: [{ ...influx.servers[0], token: limited } as InfluxServerOptions] },
      systemClock,
    );
    expect(problems).toEqual([expect.stringMatching(/^METERBOOK_INFLUX_TOKEN may not read/)]);
  });

  async function limitedToken(bucket: string, action: string): Promise<string> {
    const headers = { authorization: `Token ${token}` };
    const found = await fetch(`${one.url}/api/v2/buckets?name=${bucket}`, { headers });
    const [{ id, orgID }] = ((await found.json()) as { buckets: [{ id: string; orgID: string }] }).buckets;
    const permissions = [{ action, resource: { type: "buckets", id, orgID } }];
    const body = JSON.stringify({ orgID, permissions });
    const made = await fetch(`${one.url}/api/v2/authorizations`, { method: "POST", headers, body });
    return ((await made.json()) as { token: string }).token;
  }
});

describe.skipIf(servers.length < 2)("a server that goes away", () => {
  test("finds the batch still waiting when it is back", { timeout: 60_000 }, async () => {
    const { open } = await place(half(two));
    const { store, reader } = await open();
    await apply(store, [frame(0, "m1", 900, 5)]);
    const series = [{ channelIndex: 0, at: [1800], value: [6], code: [0] }];
    await two.kill();
    const applied = applyTo(store, { newer: [{ meterNo: 0, position: 1, series }] }, { position: 2, newestAt: 1800 });
    await two.start();
    await applied;
    expect(store.progress.position).toBe(2);
    expect((await reader.totals()).positions).toEqual(new Map([[0, 2]]));
    expect(await reader.read("m1", { from: 0, to: 9999 })).toMatchObject([{ at: [900, 1800] }]);
  });
});

describe.skipIf(servers.length < 2)("a store that has lost what it had", () => {
  const call = async (path: string, method: string, body?: object) => {
    const headers = { authorization: `Token ${token}` };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await fetch(one.url + path, { method, headers, ...sent });
    const text = await answer.text();
    return (text === "" ? {} : JSON.parse(text)) as { buckets: [{ id: string; orgID: string }] };
  };

  async function emptied(name: string): Promise<void> {
    const [{ id, orgID }] = (await call(`/api/v2/buckets?name=${name}`, "GET")).buckets;
    await call(`/api/v2/buckets/${id}`, "DELETE");
    await call("/api/v2/buckets", "POST", { name, orgID, retentionRules: [] });
  }

  const log = Array.from({ length: 6 }, (_, offset) => frame(offset, "m1", 900 * (offset + 1), offset));

  test("D02: a bucket that was made anew is noticed within 10 s, and opened from what it has", async () => {
    const { open, influx } = await place(half(one));
    const { store, stores, reader } = await open();
    await apply(store, log);
    expect(await store.check()).toBe("sound");
    await emptied(influx.bucket);
    const since = performance.now();
    expect(await store.check()).toBe("behind");
    expect(performance.now() - since).toBeLessThan(10_000);
    await store.close();
    const again = await stores.open(0, 2);
    expect(again.progress.position).toBe(0);
    expect(again.behind).toEqual({ position: 0, knownPosition: 6 });
    await apply(again, log);
    expect(await reader.read("m1", { from: 0, to: 9999 })).toMatchObject([{ at: log.map(({ at }) => at) }]);
    expect(await again.check()).toBe("sound");
  });

  test("D01: a hole that newer progress was written over is found at the next start", async () => {
    const { open, influx } = await place(half(one));
    const { store, stores } = await open();
    for (const some of log.slice(0, 5)) await apply(store, [some]);
    await emptied(influx.bucket);
    // The owner has not looked yet.
    await apply(store, log.slice(5));
    await store.close();
    await stores.close();
    const { store: next } = await open();
    expect(next.progress.position).toBe(0);
    expect(next.behind).toEqual({ position: 0, knownPosition: 6 });
    await apply(next, log);
    const { store: last, reader } = await open();
    expect(last.behind).toBeUndefined();
    expect(last.progress).toMatchObject({ position: 6, counts: { stored: 6, duplicates: 0, conflicts: 0 } });
    expect(await reader.read("m1", { from: 0, to: 9999 })).toMatchObject([{ at: log.map(({ at }) => at) }]);
  });

  test("a request that failed leaves no hole: its number goes with the next", async () => {
    let refusing = false;
    const proxy = await httpProxy(
      ({ path }) => (refusing && path.startsWith("/api/v2/write") ? { status: 404 } : "pass"),
      one.url,
    );
    onTestFinished(() => proxy.close());
    const { open } = await place(half(one, proxy.url));
    const { store } = await open();
    await apply(store, log.slice(0, 2));
    refusing = true;
    await expect(apply(store, log.slice(2))).rejects.toThrow("404");
    refusing = false;
    const { store: next } = await open();
    expect(next.behind).toBeUndefined();
    await apply(next, log.slice(2));
    expect(await next.check()).toBe("sound");
    expect(next.progress.counts.stored).toBe(6);
  });
});
