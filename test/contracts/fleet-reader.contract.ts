import type { FleetConflict, FleetReader, SeriesReader } from "@meterbook/core/ports/series-store";
import { expect, onTestFinished, test } from "vitest";
import type { SeriesStoreUnderTest } from "./series-store.contract.ts";
import { active, applyTo, base, conflictAt, write } from "./series-store-writes.ts";

/** What the port promises (packages/core/src/ports/fleet-reader.ts). Every adapter runs it. */
export function fleetReaderContract(make: () => Promise<SeriesStoreUnderTest<SeriesReader & FleetReader>>): void {
  async function fresh() {
    const under = await make();
    const { store, reader } = await under.open();
    onTestFinished(async () => {
      await reader.close();
      await store.close();
    });
    return { store, reader, under };
  }

  test("N07: meters that report are listed by id, a page at a time, and by how their id begins", async () => {
    const { store, reader } = await fresh();
    for (const meterId of ["m-2", "m-10", "x-1", "m-1", "Z.9"]) await write(store, meterId, [active], [[0, [900]]]);
    await expect.poll(() => reader.meterIds({ limit: 9 })).toEqual(["Z.9", "m-1", "m-10", "m-2", "x-1"]);
    expect(await reader.meterIds({ limit: 2 })).toEqual(["Z.9", "m-1"]);
    expect(await reader.meterIds({ limit: 2, afterMeterId: "m-1" })).toEqual(["m-10", "m-2"]);
    expect(await reader.meterIds({ limit: 9, afterMeterId: "x-1" })).toEqual([]);
    expect(await reader.meterIds({ limit: 9, prefix: "m-1" })).toEqual(["m-1", "m-10"]);
    expect(await reader.meterIds({ limit: 9, prefix: "m-", afterMeterId: "m-10" })).toEqual(["m-2"]);
    expect(await reader.meterIds({ limit: 9, prefix: "m", afterMeterId: "Z" })).toEqual(["m-1", "m-10", "m-2"]);
    expect(await reader.meterIds({ limit: 9, prefix: "y" })).toEqual([]);
    await write(store, "y-1", [active], [[0, [900]]]);
    await expect.poll(() => reader.meterIds({ limit: 9, prefix: "y" })).toEqual(["y-1"]);
  });

  test("N07: the newest reading of each meter, before and after housekeeping, late readings or not", async () => {
    const { store, reader, under } = await fresh();
    await write(store, "m1", [active], [[0, [900, 90_000]]]);
    await write(store, "m2", [active], [[0, [1800]]]);
    await write(store, "m1", [], [[0, [2700]]], "late");
    const newest = async () => (await reader.newestOf(["m2", "m3", "m1"])).map((at) => (at ?? base) - base);
    expect(await reader.newestOf([])).toEqual([]);
    expect(await newest()).toEqual([1800, 0, 90_000]);
    await under.tidyLater(store, 30 * 86_400);
    expect(await newest()).toEqual([1800, 0, 90_000]);
    await write(store, "m2", [], [[0, [200_000]]]);
    await write(store, "m1", [], [[0, [3600]]], "late");
    expect(await newest()).toEqual([200_000, 0, 90_000]);
    expect(await reader.newestOf(["m3"])).toEqual([undefined]);
  });

  /** Conflicts of three meters, each with the second of its reading, in the order in which they came. */
  async function withConflicts() {
    const { store, reader } = await fresh();
    for (const meterId of ["m1", "m2", "m3"]) await write(store, meterId, [active], [[0, [900]]]);
    const all = ["m1", "m2", "m1", "m3", "m2", "m1"].map((meterId, index) => ({
      ...conflictAt(900 * (index + 1), store.progress.position + index, 0),
      ...{ meterId, receivedAtMs: 1000 + index },
    }));
    for (const conflict of all) await applyTo(store, { conflicts: [conflict] }, { position: conflict.position + 1 });
    return { reader, seconds: all.map(({ at }) => at - base) };
  }

  const secondsOf = (found: readonly FleetConflict[]) => found.map(({ conflict }) => conflict.at - base);

  test("N22: conflicts of the fleet, the newest first, a page at a time", async () => {
    const { reader, seconds } = await withConflicts();
    const all = await reader.conflicts({ limit: 99 });
    expect(secondsOf(all)).toEqual(seconds.toReversed());
    expect(all.map(({ conflict: { meterId, kept, refused } }) => [meterId, kept.value, refused.value])[1]).toEqual([
      ...["m2", seconds[4], 1],
    ]);
    const paged: FleetConflict[] = [];
    for (;;) {
      const page = await reader.conflicts({ limit: 2, after: paged.at(-1)?.place });
      paged.push(...page);
      if (page.length < 2) break;
    }
    expect(paged.map(({ conflict }) => conflict)).toEqual(all.map(({ conflict }) => conflict));
  });

  test("N22: of one meter, of a time, of both", async () => {
    const { reader, seconds } = await withConflicts();
    expect(secondsOf(await reader.conflicts({ limit: 9, meterId: "m1" }))).toEqual([
      seconds[5],
      seconds[2],
      seconds[0],
    ]);
    expect(await reader.conflicts({ limit: 9, meterId: "m9" })).toEqual([]);
    const range = { from: base + 1800, to: base + 3600 };
    expect(secondsOf(await reader.conflicts({ limit: 9, ...range }))).toEqual([2700, 1800]);
    expect(secondsOf(await reader.conflicts({ limit: 9, meterId: "m2", ...range }))).toEqual([1800]);
    expect(secondsOf(await reader.conflicts({ limit: 1, meterId: "m1" }))).toEqual([seconds[5]]);
  });
}
