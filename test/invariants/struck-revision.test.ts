// Goal: H02, H06: a damaged revision is struck out by an operator's appended record, and nothing is edited.
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { revisionPlace } from "@meterbook/core/domain/snapshot/revision-place";
import { parsePeriod } from "@meterbook/core/domain/snapshot/snapshot";
import { expect, onTestFinished, test } from "vitest";
import { aDamage } from "../contracts/damage-log.contract.ts";
import { instant, registerSeries } from "../support/readings.ts";
import { openAggregatorWorld } from "../support/worlds/aggregator-world.ts";

const october = parsePeriod("2026-10") ?? 0;
const ends = ["2026-09-30T21:00:00Z", "2026-10-31T22:00:00Z", "2026-11-30T22:00:00Z"].map(instant);
const order = { atMs: 1_797_767_000_000, by: "anna", reason: "a bit has flipped" };

async function issuedWorld() {
  const nowMs = Date.parse("2026-12-20T12:00:00Z");
  const world = await openAggregatorWorld({ nowMs, timeZone: "Europe/Kyiv", settleSeconds: 0 });
  onTestFinished(world.dispose);
  const report = (meterId: string) => ({
    meterId,
    series: [registerSeries(ends.map((at, index) => [at, 100 * index] as [number, number]))],
  });
  await world.deliver(report("m-1"), report("m-2"));
  await world.close();
  return world;
}

test("H06: struck out, the next revision stands in its place with the same content, without any reading", async () => {
  const world = await issuedWorld();
  const before = await world.issued("m-1", "m-2");
  flipBit(world.dataDir, "m-1");
  const found = aDamage({ where: revisionPlace({ meterId: "m-1", period: october, revision: 1 }) });
  await world.damageLog.report([found]);
  await world.close();
  // Nobody has asked for anything: what is issued stays as it is.
  expect((await world.issued("m-2")).map(({ revision }) => revision)).toEqual([1, 1]);
  expect(await world.ledger.find("m-1", october, 2)).toBeUndefined();
  await world.damageLog.askRepair(found.id, order);
  await world.close();
  await world.close();
  expect((await world.issued("m-1", "m-2")).map(({ hash }) => hash)).toEqual(before.map(({ hash }) => hash));
  expect(await world.ledger.find("m-1", october)).toMatchObject({ revision: 2, reason: "revision 1 cannot be read" });
  const entry = await world.damageLog.find(found.id);
  expect(entry).toMatchObject({
    asked: order,
    mended: { outcome: "struck", detail: "revision 2 stands in its place" },
  });
  // Once, also after a restart: what was done is known.
  await world.restart();
  await world.close();
  expect((await world.ledger.find("m-1", october))?.revision).toBe(2);
  expect(await world.damageLog.unmended({ place: "ledger", limit: 10 })).not.toContainEqual(
    expect.objectContaining({ id: found.id }),
  );
});

test("an order that comes while nobody is there is carried out after the start, by itself", async () => {
  const world = await issuedWorld();
  const found = aDamage({ where: revisionPlace({ meterId: "m-1", period: october, revision: 1 }) });
  await world.restart(async () => {
    flipBit(world.dataDir, "m-1");
    await world.damageLog.report([found]);
    await world.damageLog.askRepair(found.id, order);
  });
  await expect
    .poll(async () => (await world.damageLog.find(found.id))?.mended?.outcome, { timeout: 10_000 })
    .toBe("struck");
  expect((await world.ledger.find("m-1", october))?.revision).toBe(2);
});

test("a record whose content is not what its hash says is struck out too, though its bytes can be read", async () => {
  const world = await issuedWorld();
  const found = aDamage({
    code: "hash_mismatch",
    where: revisionPlace({ meterId: "m-2", period: october, revision: 1 }),
  });
  await world.damageLog.report([{ ...found, meterId: "m-2" }]);
  await world.damageLog.askRepair(found.id, order);
  await world.close();
  await world.close();
  expect((await world.damageLog.find(found.id))?.mended?.detail).toBe("revision 2 stands in its place");
});

test("what is no revision of anybody is struck out at once; what nobody has asked for stays", async () => {
  const world = await issuedWorld();
  const [nobodys, left] = [
    aDamage({ where: "sequence 9", meterId: null, period: null }),
    aDamage({ where: "sequence 10", meterId: null, period: null }),
  ];
  await world.damageLog.report([nobodys, left]);
  await world.damageLog.askRepair(nobodys.id, order);
  await world.close();
  expect((await world.damageLog.find(nobodys.id))?.mended?.outcome).toBe("struck");
  expect((await world.damageLog.find(left.id))?.mended).toBeNull();
});

function flipBit(dataDir: string, meterId: string): void {
  const file = new DatabaseSync(join(dataDir, "ledger.db"));
  file.exec("DROP TRIGGER ledger_is_final");
  const found =
    "SELECT l.sequence, l.body FROM ledger l JOIN revision r USING (sequence) WHERE r.meter_id = ? AND r.period = ?";
  for (const { sequence, body } of file.prepare(found).all(meterId, october)) {
    const bytes = Buffer.from(body as Uint8Array);
    bytes[20] = (bytes[20] ?? 0) ^ 4;
    file.prepare("UPDATE ledger SET body = ? WHERE sequence = ?").run(bytes, sequence as number);
  }
  file.close();
}
