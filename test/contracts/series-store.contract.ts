import type { Damage } from "@meterbook/core/domain/damage/damage";
import type { Channel, Reading, ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { marksOf, readingCode, revisionMax, withSecondValue } from "@meterbook/core/domain/reading/reading";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type {
  Conflict,
  MeterWrite,
  Progress,
  SeriesReader,
  SeriesStore,
  StoredMeter,
} from "@meterbook/core/ports/series-store";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";

/**
 * How a suite gets at a store and opens the same data again. Time stands still at the noon of 2026-11-20 unless moved.
 */
export interface SeriesStoreUnderTest {
  /**
   * The same data each time, as the next owner of the one partition. `damaged` is told by the store and by the reader.
   */
  open(damaged?: TellDamage): Promise<OpenStore>;
  /** Changes what the closed store holds, past it: of a meter or, where it is progress, of the partition. */
  damage(what: DamagedRecord, meterId: string): Promise<void>;
  /** Moves the clock by so much and lets the store do all its housekeeping. */
  tidyLater(store: SeriesStore, seconds: number): Promise<void>;
}

/** A kind of what a store keeps. */
export type DamagedRecord = (typeof damagedRecords)[number];
const damagedRecords = ["reading", "channels", "conflict", "progress"] as const;

export interface OpenStore {
  readonly store: SeriesStore;
  readonly reader: SeriesReader & { close(): Promise<void> };
}

const base = Date.parse("2026-10-31T00:00:00Z") / 1000;
const active: Channel = { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 };
const profile: Channel = { register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds: 900 };
const first: Reading = { at: base, value: 1, code: 0 };

/** What the port promises (packages/core/src/ports/series-store.ts). Every adapter runs it. */
export function seriesStoreContract(make: () => Promise<SeriesStoreUnderTest>, { numRuns = 25 } = {}): void {
  async function fresh(): Promise<OpenStore & { under: SeriesStoreUnderTest }> {
    const under = await make();
    return { ...(await opened(under)), under };
  }

  async function opened(under: SeriesStoreUnderTest, damaged?: TellDamage): Promise<OpenStore> {
    const { store, reader } = await under.open(damaged);
    onTestFinished(async () => {
      await reader.close().catch(() => undefined);
      await store.close();
    });
    return { store, reader };
  }

  test("readings come back ascending, within the asked range, per channel", async () => {
    const { store, reader } = await fresh();
    await write(
      store,
      "m1",
      [active, profile],
      [
        [0, [900, 1800, 90_000]],
        [1, [900, 1800]],
      ],
    );
    const all = await store.read("m1", { from: 0, to: base * 2 });
    expect(all.map(({ channel, at }) => [channel.kind, at])).toEqual([
      ["register", [base + 900, base + 1800, base + 90_000]],
      ["interval", [base + 900, base + 1800]],
    ]);
    const some = await store.read("m1", { from: base + 1800, to: base + 1800, channels: [1] });
    expect(some.map(({ channel, at }) => [channel.kind, at])).toEqual([["interval", [base + 1800]]]);
    expect(await store.read("m2", { from: 0, to: base * 2 })).toEqual([]);
    expect(await reader.meter("m2")).toBeUndefined();
    const range = { from: base + 1000, to: base * 2 };
    const many = await store.readMany(["m2", "m1"], range);
    expect(many).toEqual([[], await store.read("m1", range)]);
    expect(await reader.readMany(["m1"], range)).toEqual([many[1]]);
  });

  test("late readings find their place, before and after housekeeping", async () => {
    const { store, under } = await fresh();
    await write(store, "m1", [active], [[0, [1800, 3600]]]);
    await write(store, "m1", [], [[0, [900]]], "insert");
    await under.tidyLater(store, 30 * 86_400);
    await write(store, "m1", [], [[0, [2700]]], "insert");
    const at = async () =>
      (await store.read("m1", { from: 0, to: base * 2 })).flatMap((series) => series.at.map((a) => a - base));
    expect(await at()).toEqual([900, 1800, 2700, 3600]);
    await under.tidyLater(store, 60 * 86_400);
    expect(await at()).toEqual([900, 1800, 2700, 3600]);
  });

  test("a range beyond all time holds a meter's own readings and no neighbour's, before and after housekeeping", async () => {
    const { store, reader, under } = await fresh();
    for (const meterId of ["m1", "m2", "m3"]) await write(store, meterId, [active], [[0, [900, 90_000]]]);
    const everything = { from: -(2 ** 40), to: Number.MAX_SAFE_INTEGER };
    for (const seconds of [0, 30 * 86_400]) {
      await under.tidyLater(store, seconds);
      for (const side of [store, reader]) {
        const [series, ...others] = await side.read("m2", everything);
        expect(others).toEqual([]);
        expect(series?.at).toEqual([base + 900, base + 90_000]);
      }
    }
  });

  test("the first reading of a channel follows late readings back", async () => {
    const { store, reader } = await fresh();
    await write(store, "m1", [active], [[0, [1800]]]);
    await write(store, "m1", [], [[0, [-900]]], "insert");
    expect((await reader.meter("m1"))?.channels[0]?.first.at).toBe(base - 900);
  });

  test("look-ups see what the same batch put, and nothing else", async () => {
    const { store, under } = await fresh();
    await write(store, "m1", [active], [[0, [900]]]);
    await under.tidyLater(store, 30 * 86_400);
    const batch = await store.begin();
    await batch.put([writeOf(0, [[0, [90_000]]], 1)]);
    const found = await batch.find(
      [900, 901, 90_000].map((offset) => ({ meterNo: 0, channelIndex: 0, at: base + offset })),
    );
    expect(found.map((reading) => reading?.at)).toEqual([base + 900, undefined, base + 90_000]);
    await batch.abandon();
  });

  test("a replaced reading has the new value and its neighbours the old ones", async () => {
    const { store, under } = await fresh();
    await write(store, "m1", [active], [[0, [900, 1800, 2700]]], "put", 2);
    await under.tidyLater(store, 30 * 86_400);
    const batch = await store.begin();
    await batch.replace([
      { meterNo: 0, offset: 1, series: [{ channelIndex: 0, at: [base + 1800], value: [77], code: [0] }] },
    ]);
    await batch.commit({ ...store.progress, position: 2 });
    const [series] = await store.read("m1", { from: 0, to: base * 2 });
    expect(series).toMatchObject({ value: [900, 77, 2700], code: [2, 0, 2] });
  });

  test("a reading of which is said that another value came (V12) is the one that is read from then on", async () => {
    const { store, reader, under } = await fresh();
    await write(store, "m1", [active], [[0, [900, 1800]]]);
    const told = withSecondValue(0);
    const batch = await store.begin();
    await batch.replace([
      { meterNo: 0, offset: 1, series: [{ channelIndex: 0, at: [base + 900], value: [900], code: [told] }] },
    ]);
    await batch.commit({ ...store.progress, position: 2 });
    for (const seconds of [0, 30 * 86_400]) {
      await under.tidyLater(store, seconds);
      const [series] = await reader.read("m1", { from: 0, to: base * 2 });
      expect(series).toMatchObject({ value: [900, 1800], code: [told, 0] });
    }
  });

  test("flags, findings, origins and revisions of readings come back, of late ones and of conflicts too", async () => {
    const { store, reader, under } = await fresh();
    const marks = marksOf(["clock_invalid", "power_down"], ["too_old", "clock_off"]);
    const codes = [
      readingCode("actual", "import", { marks, revision: revisionMax }),
      readingCode("estimated", "estimator"),
      readingCode("suspect", "inspector", { marks }),
      readingCode("derived", "remote", { revision: 1 }),
    ];
    const at = codes.map((_, index) => base + (index + 1) * 1800);
    await write(store, "m1", [active], [[0, [0]]]);
    const writes = [at, at.map((instant) => instant - 900)].map((instants, index) => ({
      meterNo: 0,
      offset: index + 1,
      series: [{ channelIndex: 0, at: instants, value: at.map((_, i) => 100 * index + i), code: codes }],
    }));
    const batch = await store.begin();
    await batch.put(writes.slice(0, 1));
    await batch.insert(writes.slice(1));
    const kept = { at: base + 1800, value: 0, code: codes[0] as number };
    const refused = { at: base + 1800, value: 9, code: codes[2] as number };
    await batch.conflicts([
      { meterId: "m1", channel: active, at: kept.at, kept, refused, receivedAtMs: 5, offset: 2, index: 0 },
    ]);
    await batch.commit({ ...store.progress, position: 3 });
    await under.tidyLater(store, 30 * 86_400);
    const [series] = await reader.read("m1", { from: base + 1, to: base * 2 });
    expect(series?.code).toEqual(codes.flatMap((code) => [code, code]));
    expect(await reader.conflictsOf("m1", { afterId: 0, limit: 2 })).toMatchObject([{ kept, refused }]);
  });

  test("a conflict is recorded once and listed in order", async () => {
    const { store, reader } = await fresh();
    await write(store, "m1", [active], [[0, [900]]]);
    const conflict = (value: number, index: number) => ({
      meterId: "m1",
      channel: active,
      at: base + 900,
      kept: { at: base + 900, value: 900, code: 0 },
      refused: { at: base + 900, value, code: 1 },
      receivedAtMs: 5,
      offset: store.progress.position,
      index,
    });
    const counts: number[] = [];
    for (const values of [
      [1, 2],
      [2, 3],
    ]) {
      const batch = await store.begin();
      counts.push(await batch.conflicts(values.map(conflict)));
      await batch.commit({ ...store.progress, position: store.progress.position + 1 });
    }
    expect(counts).toEqual([2, 1]);
    const listed = await reader.conflictsOf("m1", { afterId: 0, limit: 2 });
    expect(listed.map(({ refused }) => refused)).toEqual([1, 2].map((value) => ({ at: base + 900, value, code: 1 })));
    const rest = await reader.conflictsOf("m1", { afterId: listed.at(-1)?.id ?? 0, limit: 10 });
    expect(rest.map(({ refused }) => refused.value)).toEqual([3]);
  });

  test("progress is one with the batch, and the next owner finds it", async () => {
    const { store, under } = await fresh();
    const batch = await store.begin();
    const [met] = await batch.meet([{ meterId: "m1", channels: [{ ...active, first }] }]);
    await batch.put([writeOf(met?.no ?? -1, [[0, [900]]], 6)]);
    const progress: Progress = {
      position: 7,
      counts: { stored: 1, duplicates: 2, conflicts: 3, refused: 4 },
      tally: { writers: { "m-1": 6 }, earlier: { through: 'l-"9', readings: 2 } },
      newestAt: base + 900,
      issuedPosition: 4,
      pending: 1,
      notes: { "swept:Europe/Kyiv": 41 },
    };
    await batch.commit(progress);
    expect(store.progress).toEqual(progress);
    const abandoned = await store.begin();
    await abandoned.meet([{ meterId: "m2", channels: [{ ...active, first }] }]);
    await abandoned.abandon();
    await store.close();

    const again = await opened(under);
    expect(again.store.progress).toEqual(progress);
    const { counts, newestAt } = progress;
    expect(await again.reader.totals()).toEqual({
      ...counts,
      newestAt,
      pending: 1,
      ...{ positions: new Map([[0, 7]]), tallies: new Map([[0, progress.tally]]) },
    });
    expect(await again.reader.meter("m2")).toBeUndefined();
    expect(await metersOf(again.store)).toEqual(["m1"]);
  });

  test("progress is recorded beside batches too", async () => {
    const { store, under } = await fresh();
    await write(store, "m1", [active], [[0, [900]]]);
    const progress = { ...store.progress, issuedPosition: 1, notes: { registry: 12 } };
    await store.record(progress);
    await store.close();
    expect((await opened(under)).store.progress).toEqual(progress);
  });

  test("a batch that did not come to its end has not happened, for whoever takes its frames again", async () => {
    const { store, under } = await fresh();
    await write(store, "m1", [active, profile], [[0, [900, 1800]]], "put", 2);
    const begun = await store.begin();
    await begun.meet([{ meterId: "m2", channels: [{ ...active, first }] }]);
    await begun.put([writeOf(0, [[0, [2700]]], 1), writeOf(1, [[0, [900]]], 1)]);
    await begun.insert([writeOf(0, [[0, [1200]]], 2)]);
    await begun.replace([writeOf(0, [[0, [900]]], 2)]);
    await begun.conflicts([conflictAt(900, 2, 4)]);
    await begun.abandon();

    for (const next of [{ store }, await opened(under)]) {
      const batch = await next.store.begin();
      const keys = [900, 1200, 2700].map((offset) => ({ meterNo: 0, channelIndex: 0, at: base + offset }));
      expect((await batch.find(keys)).map((reading) => reading?.code)).toEqual([2, undefined, undefined]);
      // Other bounds than the first time: only the first of the frames.
      await batch.put([writeOf(0, [[0, [2700]]], 1)]);
      const found = await batch.find(keys);
      expect(found.map((reading) => reading?.code)).toEqual([2, undefined, 0]);
      await batch.abandon();
    }
    const last = await opened(under);
    const batch = await last.store.begin();
    expect(await batch.conflicts([conflictAt(900, 2, 4)])).toBe(1);
    await batch.commit({ ...last.store.progress, position: 3 });
    expect((await last.reader.conflictsOf("m1", { afterId: 0, limit: 9 })).length).toBe(1);
    expect(await last.reader.meter("m2")).toBeUndefined();
    expect(await metersOf(last.store)).toEqual(["m1"]);
  });

  test.each(damagedRecords)(
    "H07, H08: a damaged %s is named, nothing is made up in its place, and all else goes on, before and after a restart",
    async (what) => {
      const { store, reader, under } = await fresh();
      for (const meterId of ["m1", "m2"]) await write(store, meterId, [active], [[0, [900, 1800]]]);
      const batch = await store.begin();
      await batch.conflicts([
        { ...conflictAt(900, 2, 0), meterId: "m1" },
        { ...conflictAt(1800, 2, 1), meterId: "m1" },
        { ...conflictAt(900, 2, 2), meterId: "m2" },
      ]);
      const progress = {
        ...store.progress,
        position: 3,
        counts: { stored: 4, duplicates: 0, conflicts: 3, refused: 0 },
      };
      await batch.commit(progress);
      await store.close();
      await reader.close();
      await under.damage(what, "m1");

      const told = new Map<string, Damage>();
      const refused: unknown[] = [];
      const readings = async (from: Pick<SeriesReader, "read">, meterId: string) =>
        (await from.read(meterId, { from: base, to: base + 90_000 }).catch((error: unknown) => {
          if (!(error instanceof AdapterError && error.code === "store_damaged")) throw error;
          refused.push(error);
          return undefined;
        })) as readonly ReadingSeries[] | undefined;
      for (const round of [1, 2]) {
        const again = await opened(under, (damage) => void told.set(damage.id, damage));
        expect(again.store.progress).toMatchObject({ position: 2 + round, counts: progress.counts });
        expect((await metersOf(again.store)).sort()).toEqual(["m1", "m2"]);
        for (const side of [again.store, again.reader]) {
          const seconds = Array.from({ length: round }, (_, i) => 900 * (2 + i)).map((after) => base + after);
          expect((await readings(side, "m2"))?.[0]?.at).toEqual([base + 900, ...seconds]);
          for (const { at, value } of (await readings(side, "m1")) ?? [])
            expect(value).toEqual(at.map((instant) => instant - base));
        }
        expect((await again.reader.meter("m2"))?.channels).toHaveLength(1);
        expect((await again.reader.meter("m1"))?.channels).toMatchObject([{ ...active, index: 0 }]);
        expect(await again.reader.conflictsOf("m2", { afterId: 0, limit: 1 })).toHaveLength(1);
        const [first, ...others] = await again.reader.conflictsOf("m1", { afterId: 0, limit: 2 });
        expect(others).toHaveLength(what === "conflict" ? 0 : 1);
        expect((what === "conflict" ? first : others[0])?.kept.value).toBe(1800);
        expect(await again.reader.totals()).toMatchObject({
          stored: 4,
          conflicts: 3,
          positions: new Map([[0, 2 + round]]),
        });
        // The work goes on for both.
        await write(again.store, "m2", [], [[0, [1800 + 900 * round]]]);
        await again.store.close();
        await again.reader.close();
      }
      const named = [...told.values()].filter(({ place }) => place === "series");
      expect(named.length + refused.length).toBeGreaterThan(0);
    },
  );

  test("whatever order readings are written in, the same come back", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 400_000 }), { maxLength: 8 }), { maxLength: 8 }),
        async (batches) => {
          const under = await make();
          const { store, reader } = await under.open();
          try {
            await write(store, "m0", [profile], [[0, [0]]]);
            await write(store, "m1", [active], [[0, [-1]]]);
            const written = new Set<number>([-1]);
            for (const [index, offsets] of batches.entries()) {
              const fresh = offsets.filter((offset) => !written.has(offset)).sort((a, b) => a - b);
              for (const offset of fresh) written.add(offset);
              if (fresh.length > 0) await write(store, "m1", [], [[0, fresh]], "insert");
              if (index % 3 === 2) await under.tidyLater(store, (index + 1) * 86_400);
            }
            const [series] = await store.read("m1", { from: base - 1, to: base + 400_000 });
            expect(series?.at.map((at) => at - base)).toEqual([...written].sort((a, b) => a - b));
            expect(series?.value).toEqual(series?.at.map((at) => Math.abs(at - base)));
          } finally {
            await reader.close();
            await store.close();
          }
        },
      ),
      { numRuns },
    );
  });
}

async function metersOf(store: SeriesStore): Promise<string[]> {
  const meters: StoredMeter[] = [];
  for await (const page of store.meters()) meters.push(...page);
  return meters.map(({ meterId }) => meterId);
}

function conflictAt(seconds: number, offset: number, index: number): Conflict {
  const at = base + seconds;
  const [kept, refused] = [
    { at, value: seconds, code: 0 },
    { at, value: 1, code: 2 },
  ];
  return { meterId: "m1", channel: active, at, kept, refused, receivedAtMs: 5, offset, index };
}

/** Seconds from `base`; the value of each reading is its second, so that a mix-up shows. */
function writeOf(
  meterNo: number,
  series: [channelIndex: number, seconds: number[]][],
  offset: number,
  code = 0,
): MeterWrite {
  return {
    meterNo,
    offset,
    series: series.map(([channelIndex, seconds]) => ({
      channelIndex,
      at: seconds.map((second) => base + second),
      value: seconds.map(Math.abs),
      code: seconds.map(() => code),
    })),
  };
}

async function write(
  store: SeriesStore,
  meterId: string,
  newChannels: Channel[],
  series: [number, number[]][],
  step: "put" | "insert" = "put",
  code = 0,
): Promise<void> {
  const { position, newestAt } = store.progress;
  const batch = await store.begin();
  const seconds = series.flatMap(([, some]) => some);
  const firstAt = base + (series[0]?.[1][0] ?? 0);
  const channels = newChannels.map((channel) => ({ ...channel, first: { ...first, at: firstAt } }));
  // Meeting a known meter again with nothing new answers its number.
  const [met] = await batch.meet([{ meterId, channels }]);
  await batch[step]([writeOf(met?.no ?? -1, series, position, code)]);
  const progress = { position: position + 1, newestAt: Math.max(newestAt, base + Math.max(...seconds)) };
  await batch.commit({ ...store.progress, ...progress });
}
