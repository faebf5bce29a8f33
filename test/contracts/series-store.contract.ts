import type { Channel, Reading } from "@meterbook/core/domain/reading";
import type { MeterWrite, SeriesStore, StoredMeter } from "@meterbook/core/ports/series-store";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";

/** How a suite gets at a store and opens the same data again. Time stands still at the noon of 2026-11-20 unless moved. */
export interface SeriesStoreUnderTest {
  open(): Promise<SeriesStore>;
  /** Moves the clock by so much and lets the store do all its housekeeping. */
  tidyLater(store: SeriesStore, seconds: number): Promise<void>;
}

const base = Date.parse("2026-10-31T00:00:00Z") / 1000;
const active: Channel = { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 };
const profile: Channel = { register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds: 900 };
const first: Reading = { at: base, value: 1, code: 0 };
const noCounts = { stored: 0, duplicates: 0, conflicts: 0 };

/** What the port promises (packages/core/src/ports/series-store.ts). Every adapter runs it. */
export function seriesStoreContract(make: () => Promise<SeriesStoreUnderTest>): void {
  async function fresh(): Promise<{ store: SeriesStore; under: SeriesStoreUnderTest }> {
    const under = await make();
    const store = await under.open();
    onTestFinished(() => store.close().catch(() => undefined));
    return { store, under };
  }

  test("readings come back ascending, within the asked range, per channel", async () => {
    const { store } = await fresh();
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
    expect(await store.meter("m2")).toBeUndefined();
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

  test("the first reading of a channel follows late readings back", async () => {
    const { store } = await fresh();
    await write(store, "m1", [active], [[0, [1800]]]);
    await write(store, "m1", [], [[0, [-900]]], "insert");
    expect((await store.meter("m1"))?.channels[0]?.first.at).toBe(base - 900);
  });

  test("look-ups see what the same batch put, and nothing else", async () => {
    const { store, under } = await fresh();
    await write(store, "m1", [active], [[0, [900]]]);
    await under.tidyLater(store, 30 * 86_400);
    const batch = await store.begin();
    await batch.put([writeOf(0, [[0, [90_000]]])]);
    const found = await batch.find(
      [900, 901, 90_000].map((offset) => ({ meterNo: 0, channelIndex: 0, at: base + offset })),
    );
    expect(found.map((reading) => reading?.at)).toEqual([base + 900, undefined, base + 90_000]);
    await batch.abandon();
  });

  test("a replaced reading has the new value and its neighbours the old ones", async () => {
    const { store, under } = await fresh();
    await write(store, "m1", [active], [[0, [900, 1800, 2700]]]);
    await under.tidyLater(store, 30 * 86_400);
    const batch = await store.begin();
    await batch.replace([{ meterNo: 0, series: [{ channelIndex: 0, at: [base + 1800], value: [77], code: [2] }] }]);
    await batch.commit({ partition: 0, position: 2, counts: noCounts, newestAt: 0, pending: [] });
    const [series] = await store.read("m1", { from: 0, to: base * 2 });
    expect(series).toMatchObject({ value: [900, 77, 2700], code: [0, 2, 0] });
  });

  test("a conflict is recorded once and listed in order", async () => {
    const { store } = await fresh();
    await write(store, "m1", [active], [[0, [900]]]);
    const conflict = (value: number) => ({
      meterId: "m1",
      channel: active,
      at: base + 900,
      kept: { at: base + 900, value: 900, code: 0 },
      refused: { at: base + 900, value, code: 1 },
      receivedAtMs: 5,
    });
    const counts: number[] = [];
    for (const values of [
      [1, 2],
      [2, 3],
    ]) {
      const batch = await store.begin();
      counts.push(await batch.conflicts(values.map(conflict)));
      await batch.commit({ partition: 0, position: 1, counts: noCounts, newestAt: 0, pending: [] });
    }
    expect(counts).toEqual([2, 1]);
    const listed = await store.conflictsOf("m1", { afterId: 0, limit: 2 });
    expect(listed.map(({ refused }) => refused)).toEqual([1, 2].map((value) => ({ at: base + 900, value, code: 1 })));
    const rest = await store.conflictsOf("m1", { afterId: listed.at(-1)?.id ?? 0, limit: 10 });
    expect(rest.map(({ refused }) => refused.value)).toEqual([3]);
  });

  test("counts, position, newest reading and pending meters are one with the batch", async () => {
    const { store, under } = await fresh();
    const batch = await store.begin();
    const [met] = await batch.meet([{ meterId: "m1", channels: [{ ...active, first }] }]);
    await batch.put([writeOf(met?.no ?? -1, [[0, [900]]])]);
    const counts = { stored: 1, duplicates: 2, conflicts: 3 };
    await batch.commit({
      partition: 0,
      position: 7,
      counts,
      newestAt: base + 900,
      pending: [{ meterId: "m1", fromPeriod: 5 }],
    });
    const abandoned = await store.begin();
    await abandoned.meet([{ meterId: "m2", channels: [{ ...active, first }] }]);
    await abandoned.abandon();
    await store.close();

    const again = await under.open();
    onTestFinished(() => again.close());
    expect(await again.totals()).toEqual({ ...counts, pending: 1, newestAt: base + 900, positions: new Map([[0, 7]]) });
    expect(await again.pending()).toEqual([{ meterId: "m1", fromPeriod: 5 }]);
    expect(await again.meter("m2")).toBeUndefined();
    const meters: StoredMeter[] = [];
    for await (const page of again.meters()) meters.push(...page);
    expect(meters.map(({ meterId }) => meterId)).toEqual(["m1"]);
  });

  test("a pending meter keeps its earliest period until it is settled; a note comes with the mark", async () => {
    const { store } = await fresh();
    await store.markPending(
      [
        { meterId: "a", fromPeriod: 5 },
        { meterId: "b", fromPeriod: 6 },
      ],
      { name: "n", value: 41 },
    );
    await store.markPending([{ meterId: "a", fromPeriod: 7 }], { name: "n", value: 42 });
    expect(await store.note("n")).toBe(42);
    expect(await store.note("none")).toBeUndefined();
    expect([...(await store.pending())].sort((x, y) => (x.meterId < y.meterId ? -1 : 1))).toEqual([
      { meterId: "a", fromPeriod: 5 },
      { meterId: "b", fromPeriod: 6 },
    ]);
    await store.settled(["a"]);
    expect(await store.pending()).toEqual([{ meterId: "b", fromPeriod: 6 }]);
  });

  test("whatever order readings are written in, the same come back", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 400_000 }), { maxLength: 8 }), { maxLength: 8 }),
        async (batches) => {
          const under = await make();
          const store = await under.open();
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
            await store.close();
          }
        },
      ),
      { numRuns: 25 },
    );
  });
}

/** Offsets from `base`; the value of each reading is its offset, so that a mix-up shows. */
function writeOf(meterNo: number, series: [channelIndex: number, offsets: number[]][]): MeterWrite {
  return {
    meterNo,
    series: series.map(([channelIndex, offsets]) => ({
      channelIndex,
      at: offsets.map((offset) => base + offset),
      value: offsets.map(Math.abs),
      code: offsets.map(() => 0),
    })),
  };
}

async function write(
  store: SeriesStore,
  meterId: string,
  newChannels: Channel[],
  series: [number, number[]][],
  step: "put" | "insert" = "put",
): Promise<void> {
  const batch = await store.begin();
  const firstAt = base + (series[0]?.[1][0] ?? 0);
  const channels = newChannels.map((channel) => ({ ...channel, first: { ...first, at: firstAt } }));
  // Meeting a known meter again with nothing new answers its number.
  const [met] = await batch.meet([{ meterId, channels }]);
  await batch[step]([writeOf(met?.no ?? -1, series)]);
  await batch.commit({ partition: 0, position: 1, counts: noCounts, newestAt: 0, pending: [] });
}
