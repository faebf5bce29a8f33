import { type Damage, damageId } from "@meterbook/core/domain/damage/damage";
import type { DamageLog } from "@meterbook/core/ports/damage-log";
import { expect, onTestFinished, test } from "vitest";

export interface DamageLogUnderTest {
  /** Another thread or process on the same log. */
  open(): Promise<DamageLog>;
  /** Reports an entry whose stored bytes are not those that were written, and opens the log. */
  reportDamaged(damage: Damage): Promise<void>;
}

export function aDamage(over: Partial<Damage> = {}): Damage {
  const where = over.where ?? "m-1 2026-10 revision 1";
  return {
    id: damageId(over.place ?? "ledger", where),
    place: "ledger",
    code: "checksum_mismatch",
    where,
    detail: "the record's bytes are not those that were written",
    help: "close the period",
    meterId: "m-1",
    period: "2026-10",
    lost: 0,
    foundAtMs: 1_793_484_000_123,
    ...over,
  };
}

const word = { atMs: 1_793_484_100_000, by: "anna", reason: "billed by hand" };
const all = { includeAcknowledged: true, limit: 100 };

/** What the port promises (packages/core/src/ports/damage-log.ts). Every adapter runs it. */
export function damageLogContract(make: () => Promise<DamageLogUnderTest>): void {
  async function opened(under: DamageLogUnderTest): Promise<DamageLog> {
    const log = await under.open();
    onTestFinished(() => log.close().catch(() => undefined));
    return log;
  }

  test("what was found is there after opening again, once, as it was found first", async () => {
    const under = await make();
    const log = await opened(under);
    const given = [
      aDamage(),
      aDamage({ place: "series", where: "bucket", meterId: null, period: null, lost: null, foundAtMs: 5 }),
    ];
    await log.report(given);
    await log.report([aDamage({ detail: "found again", foundAtMs: 9 }), ...given]);
    await log.close();
    const again = await opened(under);
    const expected = given.map((one) => ({ ...one, acknowledged: null, asked: null, mended: null })).reverse();
    expect(await again.list(all)).toEqual(expected);
    expect(await again.find(given[0]?.id ?? "")).toEqual(expected[1]);
    expect(await again.open()).toEqual({ total: 2, byPlace: { ledger: 1, series: 1 } });
  });

  test("D07: what is lost for good adds up by place, once however often it is found, acknowledged or not", async () => {
    const log = await opened(await make());
    expect(await log.losses()).toEqual({ byPlace: {}, unknown: 0 });
    const lost = (where: string, count: number | null) => aDamage({ place: "readings-log", where, lost: count });
    await log.report([lost("partition 0 offsets 0 to 9", 10), lost("partition 1 offset 3", 96), lost("frame 7", null)]);
    await log.report([lost("partition 0 offsets 0 to 9", 10), aDamage({ lost: 1 }), aDamage({ where: "x" })]);
    const expected = { byPlace: { ledger: 1, "readings-log": 106 }, unknown: 1 };
    expect(await log.losses()).toEqual(expected);
    for (const { id } of await log.list(all)) await log.acknowledge(id, word);
    expect(await log.losses()).toEqual({ ...expected, unknown: 0 });
  });

  test("pages in order of the time, then of the id; unknown ids are nothing", async () => {
    const under = await make();
    const log = await opened(under);
    const where = ["e", "c", "d", "a", "b"];
    await log.report(where.map((one, index) => aDamage({ where: one, foundAtMs: index < 2 ? 20 : 10 })));
    const first = await log.list({ ...all, limit: 3 });
    const rest = await log.list({ ...all, limit: 3, afterId: first.at(-1)?.id ?? "" });
    expect([...first, ...rest].map((one) => one.where)).toEqual(["a", "b", "d", "c", "e"]);
    for (const id of ["", "nonsense", "1; DROP TABLE damage"]) expect(await log.find(id)).toBeUndefined();
  });

  test("an operator's word closes an entry, which is listed still; the first word counts", async () => {
    const under = await make();
    const log = await opened(under);
    await log.report([aDamage(), aDamage({ where: "other" })]);
    const { id } = aDamage();
    expect(await log.acknowledge(id, word)).toBe(true);
    expect(await log.acknowledge(id, { ...word, reason: "changed my mind" })).toBe(true);
    expect(await log.acknowledge("nonsense", word)).toBe(false);
    expect(await log.open()).toEqual({ total: 1, byPlace: { ledger: 1 } });
    expect((await log.list({ ...all, includeAcknowledged: false })).map((one) => one.where)).toEqual(["other"]);
    expect((await log.find(id))?.acknowledged).toEqual(word);
    // Found once more, it is the entry that was acknowledged.
    await log.report([aDamage()]);
    expect((await log.open()).total).toBe(1);
    expect(await log.list(all)).toHaveLength(2);
  });

  test("an order and what was done are appended, the first of each counts, and the entry stays open", async () => {
    const under = await make();
    const log = await opened(under);
    const series = aDamage({ place: "series", where: "m-2 2026-10-20", meterId: "m-2" });
    await log.report([aDamage(), aDamage({ where: "other", meterId: null }), series]);
    const { id } = aDamage();
    const ledger = { place: "ledger", limit: 10 } as const;
    expect(await log.unmended({ ...ledger, asked: true })).toEqual([]);
    expect(await log.askRepair(id, word)).toBe(true);
    expect(await log.askRepair(id, { ...word, by: "otto" })).toBe(true);
    expect(await log.askRepair("nonsense", word)).toBe(false);
    expect(await log.unmended({ ...ledger, asked: true })).toMatchObject([{ id, asked: word, mended: null }]);
    expect((await log.unmended(ledger)).map((one) => one.id)).toEqual([id, "ledger:other"]);
    expect((await log.unmended({ ...ledger, limit: 1 })).map((one) => one.id)).toEqual([id]);
    expect((await log.unmended({ ...ledger, afterId: id })).map((one) => one.id)).toEqual(["ledger:other"]);
    expect((await log.unmended({ ...ledger, meterId: "m-1" })).map((one) => one.id)).toEqual([id]);
    expect(await log.unmended({ ...ledger, meterId: "m-2" })).toEqual([]);
    const mended = { atMs: 1_793_484_200_000, outcome: "struck", detail: "revision 2 stands", lost: null } as const;
    expect(await log.mend(id, mended)).toBe(true);
    expect(await log.mend(id, { ...mended, outcome: "repaired", lost: 3 })).toBe(true);
    expect(await log.mend("nonsense", mended)).toBe(false);
    await log.mend(series.id, { ...mended, outcome: "repaired", lost: 3 });
    await log.close();
    const again = await opened(under);
    expect(await again.find(id)).toMatchObject({ acknowledged: null, asked: word, mended });
    expect((await again.find(series.id))?.mended?.lost).toBe(3);
    expect((await again.unmended(ledger)).map((one) => one.id)).toEqual(["ledger:other"]);
    expect(await again.open()).toEqual({ total: 3, byPlace: { ledger: 2, series: 1 } });
  });

  test("what one finds another sees", async () => {
    const under = await make();
    const [one, two] = [await opened(under), await opened(under)];
    await one.report([aDamage()]);
    await expect.poll(() => two.open(), { timeout: 10_000 }).toEqual({ total: 1, byPlace: { ledger: 1 } });
    await two.acknowledge(aDamage().id, word);
    await expect.poll(() => one.open(), { timeout: 10_000 }).toEqual({ total: 0, byPlace: {} });
  });

  test("an entry that cannot be read is an entry that says so, and all others are shown and acknowledged", async () => {
    const under = await make();
    const before = await opened(under);
    await before.report([aDamage({ where: "one", foundAtMs: 1 })]);
    await before.close();
    await under.reportDamaged(aDamage({ where: "two", foundAtMs: 2 }));
    const log = await opened(under);
    await log.report([aDamage({ where: "three", foundAtMs: Date.now() + 60_000 })]);
    const shown = await log.list(all);
    expect(shown).toMatchObject([
      { where: "one", place: "ledger" },
      { place: "damage-log", code: "checksum_mismatch", acknowledged: null },
      { where: "three", place: "ledger" },
    ]);
    expect((await log.open()).total).toBe(3);
    for (const { id } of shown) expect(await log.acknowledge(id, word)).toBe(true);
    expect(await log.open()).toEqual({ total: 0, byPlace: {} });
    expect((await log.list(all)).map(({ acknowledged }) => acknowledged)).toEqual([word, word, word]);
  });
}
