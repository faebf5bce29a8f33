import type { FleetReader } from "@meterbook/core/ports/fleet-reader";
import type { SeriesReader } from "@meterbook/core/ports/series-store";
import { expect, onTestFinished, test } from "vitest";
import type { SeriesStoreUnderTest } from "./series-store.contract.ts";
import { active, base, write } from "./series-store-writes.ts";

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
}
