import type { SeriesStore } from "@meterbook/core/ports/series-store";
import { expect, test } from "vitest";
import { silentAggregatorEvents } from "../aggregator-events.ts";
import { usualAdmission } from "../apply/admit-reports.ts";
import { openOwnedPartition, type PartitionPorts } from "./owned-partition.ts";

const options = {
  timeZone: "Europe/Kyiv",
  settleSeconds: 30,
  limits: usualAdmission,
  events: silentAggregatorEvents,
  damaged: () => undefined,
  crashPoint: () => undefined,
};

test("a partition that is another's before the store has answered: the right to issue is left to that one", async () => {
  const gone = new AbortController();
  const calls: string[] = [];
  const ports = {
    log: { starts: async () => new Map() },
    series: {
      async open() {
        gone.abort(new Error("another's"));
        return { close: async () => void calls.push("store closed") } as unknown as SeriesStore;
      },
    },
    ledgers: {
      async open() {
        calls.push("ledger taken");
        throw new Error("taken");
      },
    },
  } as unknown as PartitionPorts;
  const opening = openOwnedPartition(ports, options, { partition: 0, partitions: 4, ownerNo: 1, gone: gone.signal });
  await expect(opening).rejects.toThrow("another's");
  expect(calls).toEqual(["store closed"]);
});
