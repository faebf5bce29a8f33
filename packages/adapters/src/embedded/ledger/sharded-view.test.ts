import type { LatestPage, SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import { expect, test } from "vitest";
import { shardedView } from "./sharded-view.ts";

test("each shard is asked for what the page asks for, the quality and the period too", async () => {
  const asked: LatestPage[] = [];
  const latest = async (page: LatestPage) => {
    asked.push(page);
    return [];
  };
  const shard = { latest } as unknown as SnapshotView;
  await shardedView([shard, shard]).latest({ period: 24_321, quality: "missing", limit: 5 });
  expect(asked).toHaveLength(2);
  for (const page of asked) expect(page).toMatchObject({ period: 24_321, quality: "missing" });
});
