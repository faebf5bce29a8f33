// Goal: what is issued is sealed, at the end of a close and some minutes after anything else, whoever dies in between;
// a seal is never taken
// back, and each record leads to the newest one.
import { isUnderSeal } from "@meterbook/core/domain/seal/seal";
import type { SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import { sha256 } from "@meterbook/core/records/seal/sha256";
import { ledgerStart } from "@meterbook/sharding/ledger-place";
import { expect, test } from "vitest";
import { instant, registerSeries } from "../support/readings.ts";
import { openAggregatorWorld } from "../support/worlds/aggregator-world.ts";

const october = 2026 * 12 + 9;
const boundary = instant("2026-10-31T22:00:00Z");
const minuteMs = 60_000;

async function sealedOf(ledger: SnapshotView) {
  const { seals, records } = await ledger.seals(october);
  for (const { snapshot } of await ledger.changes({ after: ledgerStart, limit: 10_000 })) {
    const sealed = await ledger.sealedRecord(snapshot);
    if (sealed !== "unsealed") expect(sealed !== undefined && isUnderSeal(sha256, sealed)).toBe(true);
  }
  return { sealed: seals.reduce((sum, { size }) => sum + size, 0), records };
}

const report = (meterId: string, value: number) => ({
  meterId,
  series: [
    registerSeries([
      [boundary - 86_400, value],
      [boundary, value + 5],
    ]),
  ],
});

test("a close ends with seals, later revisions are sealed within minutes, and a kill in between leaves nothing out", async () => {
  const nowMs = Date.parse("2026-11-20T12:00:00Z");
  const world = await openAggregatorWorld({ nowMs, timeZone: "Europe/Kyiv", settleSeconds: 0 });
  try {
    await world.deliver(...Array.from({ length: 40 }, (_, i) => report(`m-${i}`, 100 * i)));
    await world.close();
    expect(await sealedOf(world.ledger)).toEqual({ sealed: 40, records: 40 });
    // A better reading: another revision.
    await world.deliver({ meterId: "m-3", series: [registerSeries([[boundary - 900, 304]])] }, report("late", 7));
    await world.settle();
    const { records } = await sealedOf(world.ledger);
    expect(records).toBeGreaterThan(40);
    expect(await sealedOf(world.ledger)).toEqual({ sealed: 40, records });
    world.nowMs += 11 * minuteMs;
    await world.look();
    expect(await sealedOf(world.ledger)).toEqual({ sealed: records, records });
    await world.deliver(report("later", 9));
    await world.settle();
    // The next owner does not know of what was issued before.
    await world.restart();
    await world.deliver(report("last", 11));
    await world.settle();
    world.nowMs += 11 * minuteMs;
    await world.look();
    expect(await sealedOf(world.ledger)).toEqual({ sealed: records + 2, records: records + 2 });
  } finally {
    await world.dispose();
  }
});
