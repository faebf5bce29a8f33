import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setImmediate as nextTurn } from "node:timers/promises";
import { prepareDataDirectory } from "@meterbook/adapters/embedded/directory/data-directory";
import { openEmbeddedSeriesReader } from "@meterbook/adapters/embedded/series/embedded-series-reader";
import { openEmbeddedSeriesStores } from "@meterbook/adapters/embedded/series/embedded-series-store";
import type { Damage } from "@meterbook/core/domain/damage/damage";
import { type FleetReader, noProgress, type SeriesReader } from "@meterbook/core/ports/series-store";
import { partitionOf } from "@meterbook/sharding/slot";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { fleetReaderContract } from "./fleet-reader.contract.ts";
import { seriesStoreContract } from "./series-store.contract.ts";
import { type DamagedStoreUnderTest, seriesStoreDamageContract } from "./series-store-damage.contract.ts";
import { active, applyTo, base, conflictAt, metAs, write } from "./series-store-writes.ts";

async function embedded(): Promise<DamagedStoreUnderTest<SeriesReader & FleetReader> & { dataDir: string }> {
  const dataDir = await mkdtemp(join(tmpdir(), "meterbook-series-"));
  onTestFinished(() => rm(dataDir, { recursive: true, force: true }));
  let nowMs = Date.parse("2026-11-20T12:00:00Z");
  return {
    dataDir,
    async open(damaged = () => undefined) {
      const clock = { nowMs: () => nowMs };
      const store = await openEmbeddedSeriesStores({ dataDir, clock, damaged }).open(0, 1);
      const reader = openEmbeddedSeriesReader({ dataDir, ears: { tell: damaged, ...clock } });
      return { store, reader };
    },
    async damage(what, meterId) {
      const no = "(SELECT no FROM meter WHERE meter_id = ?)";
      const sql = {
        reading: `UPDATE hot SET data = CAST(data || 'x' AS BLOB) WHERE (id / 1024) % 4194304 = ${no}`,
        channels: "UPDATE meter SET channels = replace(channels, 'Wh', 'Ws') WHERE meter_id = ?",
        conflict: `UPDATE conflict SET refused_value = 1 << 62 WHERE meter_no = ${no} AND kept_value = 900`,
        progress: "UPDATE progress SET body = replace(body, 'position', 'positiom') WHERE ? <> ''",
      };
      changeBeside(dataDir, sql[what], meterId);
    },
    async tidyLater(store, seconds) {
      nowMs += seconds * 1000;
      while (await store.upkeep?.(1000));
    },
  };
}

seriesStoreContract(embedded);
seriesStoreDamageContract(embedded);
fleetReaderContract(embedded);

test("a reader on a connection of its own sees whole batches, sealed or not", async () => {
  const under = await embedded();
  const { store, reader } = await under.open();
  onTestFinished(async () => {
    await reader.close();
    await store.close();
  });
  const at = Date.parse("2026-11-19T10:00:00Z") / 1000;
  const met = await metAs(store, "m1", [{ ...active, first: { at, value: 5, code: 0 } }]);
  const newer = [{ meterNo: 0, position: 0, series: [{ channelIndex: 0, at: [at], value: [5], code: [0] }] }];
  expect(await reader.meter("m1")).toBeUndefined();
  await applyTo(store, { met: [met], newer }, { position: 1, newestAt: at });
  const seen = () => reader.read("m1", { from: at, to: at });
  expect(await seen()).toEqual([{ channel: active, at: [at], value: [5], code: [0] }]);
  await under.tidyLater(store, 86_400);
  expect(await seen()).toEqual([{ channel: active, at: [at], value: [5], code: [0] }]);
});

const at = Date.parse("2026-11-19T10:00:00Z") / 1000;

/** A batch with one reading of each of these meters. */
async function put(under: Awaited<ReturnType<typeof embedded>>, meterIds: readonly string[], told: Damage[] = []) {
  const { store, reader } = await under.open((damage) => void told.push(damage));
  const first = { at, value: 5, code: 0 };
  for (const meterId of meterIds) {
    const met = await metAs(store, meterId, [{ ...active, first }]);
    const isNew = met.channels[0]?.index === 0;
    const series = [{ channelIndex: 0, at: [at], value: [met.no], code: [0] }];
    const position = store.progress.position + 1;
    const newer = isNew ? [{ meterNo: met.no, position: 0, series }] : [];
    await applyTo(store, { met: isNew ? [met] : [], newer }, { position });
  }
  const values = await Promise.all(
    meterIds.map(async (id) => (await reader.read(id, { from: at, to: at })).map(({ value }) => value[0])),
  );
  await reader.close();
  await store.close();
  return values.flat();
}

test("H07: a meter whose row and copy are damaged is met anew under a number that nobody had, and no other reads its blocks", async () => {
  const under = await embedded();
  expect(await put(under, ["m1", "m2"])).toEqual([0, 1]);
  for (const table of ["meter", "meter_copy"])
    changeBeside(under.dataDir, `UPDATE ${table} SET channels = 'nonsense' WHERE meter_id = ?`, "m2");
  const told: Damage[] = [];
  expect(await put(under, ["m1", "m2", "m3"], told)).toEqual([0, 2, 3]);
  expect(told[0]).toMatchObject({ place: "series", where: "meter number 1", lost: null });
  expect(await put(under, ["m1", "m2", "m3"])).toEqual([0, 2, 3]);
});

test("H07: a meter whose number was changed is had from its copy", async () => {
  const under = await embedded();
  expect(await put(under, ["m1", "m2", "m3"])).toEqual([0, 1, 2]);
  changeBeside(under.dataDir, "UPDATE meter SET no = 999999 WHERE meter_id = ?", "m2");
  const told: Damage[] = [];
  expect(await put(under, ["m1", "m2", "m3", "m4"], told)).toEqual([0, 1, 2, 3]);
  expect(told[0]).toMatchObject({ where: "meter number 1", meterId: "m2", lost: 0 });
});

test("H07: a meter with a damaged row is listed by its copy, and of a damaged newest block it is said that nothing is known", async () => {
  const under = await embedded();
  await put(under, ["m1", "m2", "m3"]);
  await under.damage("channels", "m2");
  await under.damage("reading", "m3");
  changeBeside(under.dataDir, "UPDATE meter SET meter_id = 'x' WHERE meter_id = ?", "m1");
  const { store, reader } = await under.open();
  expect(await reader.meterIds({ limit: 9 })).toEqual(["m1", "m2", "m3"]);
  expect(await reader.newestOf(["m1", "m2", "m3"])).toEqual([at, at, null]);
  await reader.close();
  await store.close();
});

test("H07: without any sound row of progress the log is taken in again from its beginning", async () => {
  const under = await embedded();
  await put(under, ["m1"]);
  for (const table of ["progress", "progress_copy"])
    changeBeside(under.dataDir, `UPDATE ${table} SET body = '{}' WHERE ? <> ''`, "m1");
  const told: Damage[] = [];
  const { store, reader } = await under.open((damage) => void told.push(damage));
  expect(store.progress).toEqual(noProgress);
  expect(told.map(({ lost }) => lost)).toEqual([null, null]);
  await reader.close();
  await store.close();
});

test("a reader of four shards asks the meter's own, adds up what is counted, and names the shard of what is damaged", async () => {
  const { dataDir } = await embedded();
  prepareDataDirectory(dataDir, 4);
  const clock = { nowMs: () => at * 1000 };
  const ids = Array.from({ length: 12 }, (_, n) => `m${n}`);
  const shardOf = (id: string) => partitionOf(id, 4);
  for (const shard of [0, 1, 2, 3]) {
    const own = ids.filter((id) => shardOf(id) === shard);
    expect(own.length).toBeGreaterThan(0);
    const store = await openEmbeddedSeriesStores({ dataDir, clock }).open(shard, 1);
    const channels = [{ ...active, index: 0, first: { at, value: 5, code: 0 } }];
    const met = own.map((meterId, no) => ({ no, meterId, channels }));
    const writeOf = (value: number) => ({ channelIndex: 0, at: [at], value: [value], code: [0] });
    const newer = met.map(({ no, meterId }) => {
      return { meterNo: no, position: 0, series: [writeOf(Number(meterId.slice(1)))] };
    });
    const counts = { stored: own.length, duplicates: 1, conflicts: 0, refused: 2 };
    await applyTo(store, { met, newer }, { position: shard + 10, counts, newestAt: at + shard, pending: shard });
    await store.close();
  }
  const told: Damage[] = [];
  const reader = openEmbeddedSeriesReader({
    dataDir,
    shards: 4,
    ears: { tell: (one) => void told.push(one), ...clock },
  });
  onTestFinished(() => reader.close());
  const range = { from: at, to: at };
  for (const id of ids) {
    expect((await reader.meter(id))?.meterId).toBe(id);
    expect((await reader.read(id, range)).map(({ value }) => value)).toEqual([[Number(id.slice(1))]]);
  }
  const many = await reader.readMany(["nobody", ...ids], range);
  expect(many.map((series) => series[0]?.value[0])).toEqual([undefined, ...ids.map((id) => Number(id.slice(1)))]);
  expect(await reader.totals()).toMatchObject({
    ...{ stored: 12, duplicates: 4, conflicts: 0, refused: 8, pending: 6, newestAt: at + 3 },
    positions: new Map([0, 1, 2, 3].map((shard) => [shard, shard + 10])),
  });
  expect(await reader.meterIds({ limit: 5 })).toEqual([...ids].sort().slice(0, 5));
  expect(await reader.meterIds({ limit: 99, afterMeterId: "m10" })).toEqual([...ids].sort().slice(3));
  expect(await reader.newestOf(["nobody", ...ids])).toEqual([undefined, ...ids.map(() => at)]);
  expect([0, 3].map((shard) => reader.issuedPosition(shard))).toEqual([0, 0]);
  const damagedId = ids.find((id) => shardOf(id) === 3) ?? "";
  changeBeside(join(dataDir, "shard-3"), "UPDATE meter SET channels = 'nonsense' WHERE meter_id = ?", damagedId);
  await reader.meter(damagedId);
  expect(told.map(({ where }) => where)).toEqual(["shard 3 meter number 0"]);
});

test.each([undefined, "m1"])(
  "others get their turn while conflicts of another time are passed over (%s)",
  async (only) => {
    const { dataDir, open } = await embedded();
    const { store, reader } = await open();
    onTestFinished(async () => {
      await reader.close();
      await store.close();
    });
    await write(store, "m1", [active], [[0, [900]]]);
    const conflicts = [900, 1800].map((second, index) => ({ ...conflictAt(second, 1 + index, 0), meterId: "m1" }));
    await applyTo(store, { conflicts }, { position: 3 });
    const many = `WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20000)
    INSERT INTO conflict SELECT NULL, meter.no, '{}', ${base} + 9000 + n, 1, 0, 2, 0, 0, 0 FROM n, meter WHERE meter_id = ?`;
    changeBeside(dataDir, many, "m1");
    const range = { from: base, to: base + 3600, ...(only === undefined ? {} : { meterId: only }) };
    const asked = { isAnswered: false };
    const answer = reader.conflicts({ ...range, limit: 10 }).finally(() => {
      asked.isAnswered = true;
    });
    let turns = 0;
    for (; !asked.isAnswered; turns += 1) await nextTurn();
    expect((await answer).map(({ conflict: { at } }) => at - base)).toEqual([1800, 900]);
    expect(turns).toBeGreaterThanOrEqual(9);
    expect((await reader.conflicts({ ...range, limit: 1 })).map(({ conflict: { at } }) => at - base)).toEqual([1800]);
  },
);

function changeBeside(dataDir: string, sql: string, meterId: string): void {
  const file = new DatabaseSync(join(dataDir, "series.db"));
  expect(file.prepare(sql).run(meterId).changes).toBeGreaterThan(0);
  file.close();
}

/** Numbers from 0 on, and on which days each has readings. */
const fleets = fc.array(fc.uniqueArray(fc.nat(3), { maxLength: 3 }), { minLength: 1, maxLength: 40 });

test("many meters at once have what each has, sealed and hot, near each other and far, unknown ones too", async () => {
  await fc.assert(
    fc.asyncProperty(fleets, fc.array(fc.nat(45), { maxLength: 30 }), fc.boolean(), async (fleet, asked, sealing) => {
      const under = await embedded();
      const { store, reader } = await under.open();
      const day = (n: number) => at + n * 86_400;
      for (const [no, days] of fleet.entries()) {
        const first = { at: day(0), value: no, code: 0 };
        const met = await metAs(store, `m${no}`, [{ ...active, first }]);
        const ats = [...days].sort().map(day);
        const series = [{ channelIndex: 0, at: ats, value: ats.map(() => no), code: ats.map(() => 0) }];
        const newer = ats.length === 0 ? [] : [{ meterNo: no, position: 0, series }];
        await applyTo(store, { met: [met], newer }, { position: store.progress.position + 1 });
      }
      // The last of the days is not over then.
      if (sealing) await under.tidyLater(store, 3.2 * 86_400);
      const ids = asked.map((no) => `m${no}`);
      for (const from of [day(0), day(1)])
        for (const source of [store, reader]) {
          const range = { from, to: day(2) };
          const one = await Promise.all(ids.map((meterId) => source.read(meterId, range)));
          expect(await source.readMany(ids, range)).toEqual(one);
        }
      await reader.close();
      await store.close();
    }),
    { numRuns: 15 },
  );
});
