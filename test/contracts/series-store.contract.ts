import type { Channel } from "@meterbook/core/domain/reading/reading";
import { marksOf, readingCode, revisionMax, withSecondValue } from "@meterbook/core/domain/reading/reading";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type { MeterWrite, Progress, SeriesReader, SeriesStore } from "@meterbook/core/ports/series-store";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { active, applyTo, base, channelsOf, conflictAt, metersOf, write, writeOf } from "./series-store-writes.ts";

/**
 * How a suite gets at a store and opens the same data again. Time stands still at the noon of 2026-11-20 unless moved.
 */
export interface SeriesStoreUnderTest<Reader extends SeriesReader = SeriesReader> {
  /**
   * The same data each time, as the next owner of the one partition. `damaged` is told by the store and by the reader.
   */
  open(damaged?: TellDamage): Promise<OpenStore<Reader>>;
  /** Moves the clock by so much and lets the store do all its housekeeping. */
  tidyLater(store: SeriesStore, seconds: number): Promise<void>;
}

export interface OpenStore<Reader extends SeriesReader = SeriesReader> {
  readonly store: SeriesStore;
  readonly reader: Reader & { close(): Promise<void> };
}

const profile: Channel = { register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds: 900 };

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
    await write(store, "m1", [], [[0, [900]]], "late");
    await under.tidyLater(store, 30 * 86_400);
    await write(store, "m1", [], [[0, [2700]]], "late");
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
    await write(store, "m1", [], [[0, [-900]]], "late");
    expect((await reader.meter("m1"))?.channels[0]?.first.at).toBe(base - 900);
  });

  test("look-ups see what is stored, and nothing else", async () => {
    const { store, under } = await fresh();
    await write(store, "m1", [active], [[0, [900]]]);
    await under.tidyLater(store, 30 * 86_400);
    await write(store, "m1", [], [[0, [90_000]]]);
    const places = [
      [0, 0, 900],
      [0, 0, 901],
      [0, 0, 90_000],
      [0, 1, 900],
      [1, 0, 900],
    ] as const;
    const keys = places.map(([meterNo, channelIndex, second]) => ({ meterNo, channelIndex, at: base + second }));
    const found = await store.find(keys);
    expect(found.map((reading) => reading?.at)).toEqual([base + 900, undefined, base + 90_000, undefined, undefined]);
  });

  test("meters and channels have the numbers that their owner gives them", async () => {
    const { store, under } = await fresh();
    expect(store.meterNoNext).toBe(0);
    await write(store, "m1", [active], [[0, [900]]]);
    await write(store, "m2", [active], [[0, [900]]]);
    await write(store, "m1", [profile], [[1, [1800]]]);
    expect(store.meterNoNext).toBe(2);
    const [series] = await store.read("m1", { from: 0, to: base * 2, channels: [1] });
    expect(series?.channel).toEqual(profile);
    const next = await opened(under);
    expect(next.store.meterNoNext).toBe(2);
    expect(await channelsOf(next.store, "m1")).toMatchObject([
      { ...active, index: 0 },
      { ...profile, index: 1 },
    ]);
  });

  test("a replaced reading has the new value and its neighbours the old ones", async () => {
    const { store, under } = await fresh();
    await write(store, "m1", [active], [[0, [900, 1800, 2700]]], "newer", 2);
    await under.tidyLater(store, 30 * 86_400);
    const late = { meterNo: 0, position: 1, series: [{ channelIndex: 0, at: [base + 1800], value: [77], code: [0] }] };
    await applyTo(store, { late: [late] }, { position: 2 });
    const [series] = await store.read("m1", { from: 0, to: base * 2 });
    expect(series).toMatchObject({ value: [900, 77, 2700], code: [2, 0, 2] });
  });

  test("a reading of which is said that another value came (V12) is the one that is read from then on", async () => {
    const { store, reader, under } = await fresh();
    await write(store, "m1", [active], [[0, [900, 1800]]]);
    const told = withSecondValue(0);
    const late = {
      meterNo: 0,
      position: 1,
      series: [{ channelIndex: 0, at: [base + 900], value: [900], code: [told] }],
    };
    await applyTo(store, { late: [late] }, { position: 2 });
    for (const seconds of [0, 30 * 86_400]) {
      await under.tidyLater(store, seconds);
      const [series] = await reader.read("m1", { from: 0, to: base * 2 });
      expect(series).toMatchObject({ value: [900, 1800], code: [told, 0] });
    }
  });

  test("a write may hold late readings and such as take the place of others, also of the same batch", async () => {
    const { store } = await fresh();
    await write(store, "m1", [active, profile], [[0, [900, 2700]]], "newer", 2);
    const newer: MeterWrite = writeOf(0, [[0, [4500]]], 1, 2);
    const series = [
      { channelIndex: 0, at: [900, 1800, 4500].map((second) => base + second), value: [1, 2, 3], code: [0, 0, 0] },
      { channelIndex: 1, at: [base + 1800], value: [4], code: [0] },
    ];
    await applyTo(store, { newer: [newer], late: [{ meterNo: 0, position: 2, series }] }, { position: 3 });
    expect(await store.read("m1", { from: 0, to: base * 2 })).toMatchObject([
      { value: [1, 2, 2700, 3], code: [0, 0, 2, 0] },
      { value: [4], code: [0] },
    ]);
  });

  test("the first reading of a channel is the one in effect", async () => {
    const { store, reader } = await fresh();
    await write(store, "m1", [active], [[0, [900, 1800]]], "newer", 2);
    const late = { meterNo: 0, position: 1, series: [{ channelIndex: 0, at: [base + 900], value: [77], code: [0] }] };
    await applyTo(store, { late: [late] }, { position: 2 });
    expect((await reader.meter("m1"))?.channels[0]?.first).toEqual({ at: base + 900, value: 77, code: 0 });
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
      position: index + 1,
      series: [{ channelIndex: 0, at: instants, value: at.map((_, i) => 100 * index + i), code: codes }],
    }));
    const kept = { at: base + 1800, value: 0, code: codes[0] as number };
    const refused = { at: base + 1800, value: 9, code: codes[2] as number };
    const conflict = { meterId: "m1", channel: active, at: kept.at, kept, refused, receivedAtMs: 5 };
    const conflicts = [{ ...conflict, position: 2, index: 0 }];
    await applyTo(store, { newer: writes.slice(0, 1), late: writes.slice(1), conflicts }, { position: 3 });
    await under.tidyLater(store, 30 * 86_400);
    const [series] = await reader.read("m1", { from: base + 1, to: base * 2 });
    expect(series?.code).toEqual(codes.flatMap((code) => [code, code]));
    expect(await reader.conflictsOf("m1", { afterId: 0, limit: 2 })).toMatchObject([{ kept, refused }]);
  });

  test("a conflict is recorded once and listed in order, and counts as a repetition after that", async () => {
    const { store, reader } = await fresh();
    await write(store, "m1", [active], [[0, [900]]]);
    const conflict = (value: number, index: number) => ({
      meterId: "m1",
      channel: active,
      at: base + 900,
      kept: { at: base + 900, value: 900, code: 0 },
      refused: { at: base + 900, value, code: 1 },
      receivedAtMs: 5,
      position: store.progress.position,
      index,
    });
    for (const values of [
      [1, 2],
      [2, 3],
    ]) {
      const { position, counts } = store.progress;
      const counted = { stored: 1, duplicates: counts.duplicates, conflicts: counts.conflicts + 2, refused: 0 };
      await applyTo(store, { conflicts: values.map(conflict) }, { position: position + 1, counts: counted });
    }
    expect(store.progress.counts).toEqual({ stored: 1, duplicates: 1, conflicts: 3, refused: 0 });
    expect(await reader.totals()).toMatchObject({ duplicates: 1, conflicts: 3 });
    const listed = await reader.conflictsOf("m1", { afterId: 0, limit: 2 });
    expect(listed.map(({ refused }) => refused)).toEqual([1, 2].map((value) => ({ at: base + 900, value, code: 1 })));
    const rest = await reader.conflictsOf("m1", { afterId: listed.at(-1)?.id ?? 0, limit: 10 });
    expect(rest.map(({ refused }) => refused.value)).toEqual([3]);
  });

  test("progress is one with the batch, and the next owner finds it", async () => {
    const { store, under } = await fresh();
    const progress: Progress = {
      position: 7,
      counts: { stored: 1, duplicates: 2, conflicts: 3, refused: 4 },
      tally: { writers: { "m-1": 6 }, earlier: { through: 'l-"9', readings: 2 } },
      newestAt: base + 900,
      issuedPosition: 4,
      pending: 1,
      notes: { "swept:Europe/Kyiv": 41 },
    };
    await write(store, "m1", [active], [[0, [900]]], "newer", 0, progress);
    expect(store.progress).toEqual(progress);
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
    await write(store, "m1", [active, profile], [[0, [900, 1800]]], "newer", 2);
    const before = store.progress;
    const m2 = {
      no: 1,
      meterId: "m2",
      channels: [{ ...active, index: 0, first: { at: base + 900, value: 900, code: 0 } }],
    };
    const changes = {
      met: [m2],
      newer: [writeOf(0, [[0, [2700]]], 1), writeOf(1, [[0, [900]]], 2)],
      late: [writeOf(0, [[0, [1200]]], 2), writeOf(0, [[0, [900]]], 2)],
      conflicts: [conflictAt(900, 2, 4)],
    };
    // All of it is written, and then the row that makes it happen cannot be.
    const notes = {
      get swept(): never {
        throw new Error("the pen broke");
      },
    };
    await expect(applyTo(store, changes, { position: 3, notes })).rejects.toThrow();
    expect(store.progress).toEqual(before);
    expect(store.meterNoNext).toBe(1);

    const keys = [900, 1200, 2700].map((second) => ({ meterNo: 0, channelIndex: 0, at: base + second }));
    const codesIn = async (one: SeriesStore) => (await one.find(keys)).map((reading) => reading?.code);
    const next = await opened(under);
    for (const one of [store, next.store]) expect(await codesIn(one)).toEqual([2, undefined, undefined]);
    // Other bounds than the first time: only the first of the frames.
    const [first, ...rest] = changes.newer;
    await applyTo(next.store, { newer: first === undefined ? [] : [first] }, { position: 2 });
    expect(await codesIn(next.store)).toEqual([2, undefined, 0]);
    expect(await next.reader.meter("m2")).toBeUndefined();
    expect(await metersOf(next.store)).toEqual(["m1"]);

    const last = await opened(under);
    expect(await metersOf(last.store)).toEqual(["m1"]);
    const counts = { ...last.store.progress.counts, conflicts: 1 };
    await applyTo(last.store, { ...changes, newer: rest }, { position: 3, counts });
    expect(await codesIn(last.store)).toEqual([0, 0, 0]);
    expect(last.store.progress.counts.conflicts).toBe(1);
    expect((await last.reader.conflictsOf("m1", { afterId: 0, limit: 9 })).length).toBe(1);
    expect((await metersOf(last.store)).sort()).toEqual(["m1", "m2"]);
  });

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
              if (fresh.length > 0) await write(store, "m1", [], [[0, fresh]], "late");
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
