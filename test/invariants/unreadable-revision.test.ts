// Goal: H02, H06: an issued revision that cannot be read keeps its number, the next one says why, and no month is
// guessed.
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { instant, registerSeries } from "../support/readings.ts";
import { openAggregatorWorld } from "../support/worlds/aggregator-world.ts";

test("after a restart the next evaluation issues the next revision in its place, with the same bill", async () => {
  const nowMs = Date.parse("2026-12-20T12:00:00Z");
  const world = await openAggregatorWorld({ nowMs, timeZone: "Europe/Kyiv", settleSeconds: 0 });
  try {
    const ends = ["2026-09-30T21:00:00Z", "2026-10-31T22:00:00Z", "2026-11-30T22:00:00Z"].map(instant);
    const report = (meterId: string) => ({
      meterId,
      series: [registerSeries(ends.map((at, index) => [at, 100 * index] as [number, number]))],
    });
    await world.deliver(report("m-1"), report("m-2"));
    await world.close();
    const before = await world.issued("m-1", "m-2");
    await world.restart(async () => flipBit(world.dataDir, "m-1"));
    // Of November alone: October comes first all the same, because November opens with it.
    await world.deliver({ meterId: "m-1", series: [registerSeries([[instant("2026-11-15T12:00:00Z"), 150]])] });
    await world.close();
    const after = await world.issued("m-1", "m-2");
    expect(after.map(({ hash }) => hash)).toEqual(before.map(({ hash }) => hash));
    const revisions = after.map(({ meterId, revision, reason }) => [meterId, revision, reason]);
    expect(revisions.filter(([meterId]) => meterId === "m-1").at(-1)).toEqual(["m-1", 2, "revision 1 cannot be read"]);
    expect(revisions.filter(([meterId]) => meterId === "m-2").every(([, revision]) => revision === 1)).toBe(true);
  } finally {
    await world.dispose();
  }
});

function flipBit(dataDir: string, meterId: string): void {
  const file = new DatabaseSync(join(dataDir, "ledger.db"));
  file.exec("DROP TRIGGER ledger_is_final");
  const found = "SELECT l.sequence, l.body FROM ledger l JOIN revision r USING (sequence) WHERE r.meter_id = ?";
  for (const { sequence, body } of file.prepare(found).all(meterId)) {
    const bytes = Buffer.from(body as Uint8Array);
    bytes[20] = (bytes[20] ?? 0) ^ 4;
    file.prepare("UPDATE ledger SET body = ? WHERE sequence = ?").run(bytes, sequence as number);
  }
  file.close();
}
