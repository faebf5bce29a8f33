import type { Damage } from "@meterbook/core/domain/damage/damage";
import type { LatestPage, LedgerEntry, PeriodSeals, SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import type { LedgerPlace } from "@meterbook/sharding/ledger-place";
import { partitionOf } from "@meterbook/sharding/slot";
import { ofTheirShards } from "../database/of-their-shards.ts";
import { type Cursor, mergedPage } from "./merged-page.ts";

/** All shards as one: questions about a meter go to its shard, lists are merged, and changes come shard by shard. */
export function shardedView(shards: readonly SnapshotView[]): SnapshotView {
  const [only] = shards;
  if (only !== undefined && shards.length === 1) return only;
  const shardOf = (meterId: string) => shards[partitionOf(meterId, shards.length)] as SnapshotView;
  const ofAll = <Answer>(ask: (shard: SnapshotView) => Promise<Answer>) => Promise.all(shards.map(ask));
  return {
    ...mergedLists(shards),
    find: (meterId, period, revision) => shardOf(meterId).find(meterId, period, revision),
    revisions: (meterId, period, leftOut) => shardOf(meterId).revisions(meterId, period, leftOut),
    latestOfMeter: (meterId, fromPeriod) => shardOf(meterId).latestOfMeter(meterId, fromPeriod),
    latestOfMeters: (meterIds, fromPeriod) =>
      ofTheirShards(shards, meterIds, (shard, own) => shard.latestOfMeters(own, fromPeriod)),
    sealedRecord: (key) => shardOf(key.meterId).sealedRecord(key),
    metersOfUsagePoint: async (period, id) =>
      (await ofAll((shard) => shard.metersOfUsagePoint(period, id))).flat().sort(),
    issuedMeters: async (period) => sum(await ofAll((shard) => shard.issuedMeters(period))),
    periods: async () => [...new Set((await ofAll((shard) => shard.periods())).flat())].sort((a, b) => a - b),
    catchUp: async () => void (await ofAll((shard) => shard.catchUp())),
    placeBefore: async (atMs) => placesTogether(await ofAll((shard) => shard.placeBefore(atMs))),
    lastPlace: async () => placesTogether(await ofAll((shard) => shard.lastPlace())),
    seals: async (period) => sealsTogether(await ofAll((shard) => shard.seals(period))),
    sealGrowth: async (period) =>
      (await ofAll((shard) => shard.sealGrowth(period))).flat().sort((a, b) => a.seal.shard - b.seal.shard),
  };
}

type Lists = Pick<SnapshotView, "latest" | "latestRecords" | "changes" | "issuedUsagePoints">;

/** Of all shards, by meter id. What lies behind a page and cannot be read is told with the page behind it. */
async function byMeter<Entry>(
  pages: readonly ((page: LatestPage) => Promise<readonly Entry[]>)[],
  meterIdOf: (entry: Entry) => string,
  { limit, afterMeterId = "", leftOut, ...of }: LatestPage,
): Promise<readonly Entry[]> {
  const damages: Damage[] = [];
  const told = { leftOut: (damage: Damage) => void damages.push(damage) };
  const cursors = pages.map(
    (pageOf): Cursor<Entry> => ({
      next: (after, most) => pageOf({ ...of, afterMeterId: after, limit: most, ...told }),
      keyOf: meterIdOf,
    }),
  );
  const page = await mergedPage(cursors, afterMeterId, limit);
  const last = page.at(-1);
  const through = page.length < limit || last === undefined ? undefined : meterIdOf(last);
  const isHere = ({ meterId }: Damage) => through === undefined || meterId === null || meterId < through;
  for (const damage of damages.filter(isHere)) leftOut?.(damage);
  return page;
}

function mergedLists(shards: readonly SnapshotView[]): Lists {
  const latest = shards.map((shard) => shard.latest);
  const records = shards.map((shard) => shard.latestRecords);
  return {
    latest: (page) => byMeter(latest, ({ snapshot }) => snapshot.meterId, page),
    latestRecords: (page) => byMeter(records, ({ meterId }) => meterId, page),
    async changes({ after, limit, ...page }) {
      const found: LedgerEntry[] = [];
      for (const shard of shards) {
        if (found.length === limit) break;
        found.push(...(await shard.changes({ ...page, after, limit: limit - found.length })));
      }
      return found;
    },
    async issuedUsagePoints({ limit, afterUsagePointId = "", period }) {
      const cursors = shards.map(
        (shard): Cursor<string> => ({
          next: (after, most) => shard.issuedUsagePoints({ period, afterUsagePointId: after, limit: most }),
          keyOf: (id) => id,
        }),
      );
      return mergedPage(cursors, afterUsagePointId, limit);
    },
  };
}

/** Each names its own shard, and those before it as empty. */
function placesTogether(places: readonly LedgerPlace[]): LedgerPlace {
  const length = Math.max(0, ...places.map((place) => place.length));
  return Array.from({ length }, (_, shard) => Math.max(...places.map((place) => place[shard] ?? 0)));
}

function sealsTogether(parts: readonly PeriodSeals[]): PeriodSeals {
  return {
    seals: parts.flatMap(({ seals }) => seals).sort((a, b) => a.shard - b.shard),
    records: sum(parts.map(({ records }) => records)),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
