import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import type { SeriesStore } from "@meterbook/core/ports/series-store";
import { expect, test } from "vitest";
import { memorySnapshots } from "../../../../test/support/worlds/memory-ports.ts";
import { silentAggregatorEvents } from "../aggregator-events.ts";
import { meterState } from "../remember/meter-state.ts";
import { type IssuePorts, issueSnapshots } from "./issue-snapshots.ts";

test("a slow store: how many meters' months are made is told before the first of five thousand are issued", async () => {
  const due = Array.from({ length: 250 }, (_, no) => ({ ...meterState(`m-${no}`, "UTC"), pendingFrom: 2026 * 12 }));
  const told: (number | string)[] = [];
  const ports = {
    series: { read: async () => [], readMany: async (ids) => ids.map(() => []) } as Pick<
      SeriesStore,
      "read" | "readMany"
    >,
    ledger: { ...memorySnapshots(), append: async () => undefined, seal: async () => undefined },
    ...{ timeMs: Date.UTC(2026, 5, 15), clock: { nowMs: () => 0 }, events: silentAggregatorEvents },
    ...{ crashPoint: () => undefined, damaged: () => undefined, seen: (snapshot: Snapshot) => snapshot },
    evaluated: (meters: number) => void told.push(meters),
  } as unknown as IssuePorts;
  await issueSnapshots(ports, { done: (meters) => void told.push(`done ${meters.length}`) }, due);
  expect(told).toEqual([100, 100, 50, "done 250"]);
});
