import type { Damage } from "@meterbook/core/domain/damage/damage";
import type { ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type { SeriesReader } from "@meterbook/core/ports/series-store";
import { expect, onTestFinished, test } from "vitest";
import type { OpenStore, SeriesStoreUnderTest } from "./series-store.contract.ts";
import { active, applyTo, base, conflictAt, metersOf, write } from "./series-store-writes.ts";

export interface DamagedStoreUnderTest<Reader extends SeriesReader = SeriesReader>
  extends SeriesStoreUnderTest<Reader> {
  /** Changes what the closed store holds, past it: of a meter or, where it is progress, of the partition. */
  damage(what: DamagedRecord, meterId: string): Promise<void>;
}

/** A kind of what a store keeps. */
export type DamagedRecord = (typeof damagedRecords)[number];
const damagedRecords = ["reading", "channels", "conflict", "progress"] as const;

/** What every adapter promises that keeps its data where they can be damaged. */
export function seriesStoreDamageContract(make: () => Promise<DamagedStoreUnderTest>): void {
  async function opened(under: SeriesStoreUnderTest, damaged?: TellDamage): Promise<OpenStore> {
    const { store, reader } = await under.open(damaged);
    onTestFinished(async () => {
      await reader.close().catch(() => undefined);
      await store.close();
    });
    return { store, reader };
  }

  test.each(damagedRecords)(
    "H07, H08: a damaged %s is named, nothing is made up in its place, and all else goes on, before and after a restart",
    async (what) => {
      const under = await make();
      const { store, reader } = await opened(under);
      for (const meterId of ["m1", "m2"]) await write(store, meterId, [active], [[0, [900, 1800]]]);
      const conflicts = [
        { ...conflictAt(900, 2, 0), meterId: "m1" },
        { ...conflictAt(1800, 2, 1), meterId: "m1" },
        { ...conflictAt(900, 2, 2), meterId: "m2" },
      ];
      const progress = { position: 3, counts: { stored: 4, duplicates: 0, conflicts: 3, refused: 0 } };
      await applyTo(store, { conflicts }, progress);
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
}
