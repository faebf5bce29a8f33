import type { FleetConflict, StoredConflict } from "@meterbook/core/ports/series-store";
import fc from "fast-check";
import { expect, test } from "vitest";
import { mergedConflicts } from "./merged-conflicts.ts";

function conflictOf(id: number, receivedAtMs: number): StoredConflict {
  const channel = { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 } as const;
  const reading = { at: 0, value: 0, code: 0 };
  return { id, meterId: "m", channel, at: 0, kept: reading, refused: reading, receivedAtMs };
}

/** As a store answers: of each shard what lies behind its place. */
function pageOf(shards: readonly (readonly StoredConflict[])[], last: FleetConflict | undefined, limit: number) {
  const after = last?.place ?? [];
  const pages = shards.map((all, shard) => all.filter(({ id }) => id < (after[shard] ?? Infinity)).slice(0, limit));
  return mergedConflicts(pages, after, limit);
}

test("N22: pages of any size have every conflict of every shard once, a shard's in their order", () => {
  const times = fc.array(fc.array(fc.nat(9), { maxLength: 6 }), { maxLength: 4 });
  fc.assert(
    fc.property(times, fc.integer({ min: 1, max: 5 }), (all, limit) => {
      const shards = all.map((received) => received.map((ms, index) => conflictOf(index + 1, ms)).toReversed());
      const found: FleetConflict[] = [];
      for (;;) {
        const page = pageOf(shards, found.at(-1), limit);
        found.push(...page);
        if (page.length < limit) break;
      }
      const whole = mergedConflicts(shards, [], 99).map(({ conflict }) => conflict);
      expect(found.map(({ conflict }) => conflict)).toEqual(whole);
      expect(new Set(whole)).toEqual(new Set(shards.flat()));
      for (const shard of shards) expect(whole.filter((one) => shard.includes(one))).toEqual(shard);
    }),
  );
});

test("N22: of two shards those that came last are first", () => {
  const shards = [
    [conflictOf(9, 50), conflictOf(8, 20)],
    [conflictOf(3, 40), conflictOf(2, 30)],
  ];
  const found = mergedConflicts(shards, [], 3);
  expect(found.map(({ conflict }) => conflict.receivedAtMs)).toEqual([50, 40, 30]);
  expect(found.map(({ place }) => place)).toEqual([
    [9, null],
    [9, 3],
    [9, 2],
  ]);
});
