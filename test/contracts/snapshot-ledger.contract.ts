import { encodeLedgerRecord } from "@meterbook/adapters/sqlite-views/ledger/ledger-record";
import { hashOf } from "@meterbook/aggregator/evaluate/evaluate-meter";
import type { Damage } from "@meterbook/core/domain/damage/damage";
import { hasGrown } from "@meterbook/core/domain/seal/consistency";
import { leafHash, merkleRoot } from "@meterbook/core/domain/seal/merkle-tree";
import { hexOf, isUnderSeal, type Seal } from "@meterbook/core/domain/seal/seal";
import type { RuleCode } from "@meterbook/core/domain/snapshot/finding";
import type { Snapshot, SnapshotQuality } from "@meterbook/core/domain/snapshot/snapshot";
import type { LedgerEntry, SnapshotLedger, SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import { decodeSnapshot } from "@meterbook/core/records/decode-snapshot";
import { sha256 } from "@meterbook/core/records/seal/sha256";
import { ledgerStart, placeAfter } from "@meterbook/sharding/ledger-place";
import { partitionOf } from "@meterbook/sharding/slot";
import { expect, onTestFinished, test } from "vitest";
import { aRegisterSnapshot } from "../support/worlds/api-world.ts";

export interface LedgerUnderTest {
  /**
   * Opens the same ledger again and again, after the one before was closed; the shard is 0 where absent, and 3 at most.
   * There are four of them. Meters that readers are asked for by name are in the shard of their slot.
   */
  open(shard?: number): Promise<SnapshotLedger>;
  /** As readers see it, with all its shards. */
  view(): Promise<SnapshotView>;
  /** Puts a record of shard 0 whose bytes are not those that were written; nothing is open meanwhile. */
  putDamaged(snapshot: Snapshot): Promise<void>;
}

const october = 2026 * 12 + 9;

function rootOver(snapshots: readonly Snapshot[]): string {
  const leaves = snapshots.map((one) => leafHash(sha256, encodeLedgerRecord(one)));
  return hexOf(merkleRoot(sha256, leaves));
}

/** The newest seal is shown to be the one before it grown. */
async function expectGrown(view: SnapshotView, { from, to }: { from: number; to: number }): Promise<void> {
  const [growth, ...others] = await view.sealGrowth(october);
  if (growth === undefined) throw new Error("the seal has followed none");
  const of = ({ size, root }: Seal) => ({ size, root: Buffer.from(root, "hex") });
  expect(others).toEqual([]);
  expect([growth.before.size, growth.seal.size]).toEqual([from, to]);
  expect(hasGrown(sha256, { before: of(growth.before), after: of(growth.seal), path: growth.path })).toBe(true);
}

async function expectSealed(view: SnapshotView, snapshot: Snapshot): Promise<void> {
  const sealed = await view.sealedRecord(snapshot);
  if (sealed === undefined || sealed === "unsealed") throw new Error(`${snapshot.meterId} is ${sealed}`);
  expect(hexOf(sealed.record)).toBe(hexOf(encodeLedgerRecord(snapshot)));
  expect(isUnderSeal(sha256, sealed)).toBe(true);
}

export function aSnapshot(meterId: string, period: number, revision: number, hash = `${revision}`): Snapshot {
  const content = { meterId, usagePointId: `up-${hash}`, period, boundary: 1_793_484_000, registers: [] };
  return {
    ...content,
    revision,
    lifecycle: revision === 1 ? "provisional" : "final",
    issuedAtMs: 1_793_487_600_000 + revision,
    reason: "because",
    hash: hashOf(content),
  };
}

/** What the port promises (packages/core/src/ports/snapshot-ledger.ts). Every adapter runs it. */
export function snapshotLedgerContract(make: () => Promise<LedgerUnderTest>): void {
  async function fresh(): Promise<{ ledger: SnapshotLedger; under: LedgerUnderTest }> {
    const under = await make();
    const ledger = await under.open();
    onTestFinished(() => ledger.close().catch(() => undefined));
    return { ledger, under };
  }

  async function open(under: LedgerUnderTest, shard: number): Promise<SnapshotLedger> {
    const ledger = await under.open(shard);
    onTestFinished(() => ledger.close().catch(() => undefined));
    return ledger;
  }

  test("what was appended is there after opening again, in order of issue", async () => {
    const { ledger, under } = await fresh();
    const issued = [aSnapshot("b", october, 1), aSnapshot("a", october, 1), aSnapshot("b", october, 2)];
    await ledger.append(issued);
    await ledger.append([aSnapshot("a", october + 1, 1)]);
    await ledger.close();
    const again = await under.open();
    onTestFinished(() => again.close());
    const changes = await again.changes({ after: ledgerStart, limit: 10 });
    expect(changes.map(({ snapshot }) => snapshot)).toEqual([...issued, aSnapshot("a", october + 1, 1)]);
    expect(await again.lastPlace()).toEqual(changes.reduce(placeAfter, ledgerStart));
  });

  test("N19: after the place of a time comes everything issued then or later, whatever the order of the clocks", async () => {
    const { ledger, under } = await fresh();
    expect(await ledger.placeBefore(0)).toEqual(ledgerStart);
    const at = (meterId: string, issuedAtMs: number) => ({ ...aSnapshot(meterId, october, 1), issuedAtMs });
    await ledger.append([at("a", 1000), at("b", 3000), at("c", 2000), at("d", 4000)]);
    const other = await open(under, 2);
    await other.append([at("e", 2000), at("f", 4000)]);
    const view = await under.view();
    await view.catchUp();
    const after = async (atMs: number) => {
      const entries = await view.changes({ after: await view.placeBefore(atMs), limit: 10 });
      return entries.map(({ snapshot }) => snapshot.meterId).join("");
    };
    const times = [0, 1001, 2500, 3001, 4001];
    expect(await Promise.all(times.map(after))).toEqual(["abcdef", "bcdef", "bcdf", "df", ""]);
    expect(await view.placeBefore(4001)).toEqual(await view.lastPlace());
  });

  test("pages of changes neither repeat nor leave out", async () => {
    const { ledger } = await fresh();
    const ids = Array.from({ length: 7 }, (_, i) => `m${i}`);
    await ledger.append(ids.map((id) => aSnapshot(id, october, 1)));
    const seen: string[] = [];
    let after = ledgerStart;
    for (;;) {
      const page = await ledger.changes({ after, limit: 3 });
      seen.push(...page.map(({ snapshot }) => snapshot.meterId));
      after = page.reduce(placeAfter, after);
      if (page.length < 3) break;
    }
    expect(seen).toEqual(ids);
  });

  test("readers see all shards, one after another, and a place counts for each", async () => {
    const { ledger, under } = await fresh();
    const [second, fourth] = [await open(under, 1), await open(under, 3)];
    const view = await under.view();
    let after = ledgerStart;
    async function read(limit: number): Promise<string[]> {
      await view.catchUp();
      const seen: string[] = [];
      for (;;) {
        const page = await view.changes({ after, limit });
        after = page.reduce(placeAfter, after);
        seen.push(...page.map(({ shard, snapshot }) => `${shard}${snapshot.meterId}${snapshot.revision}`));
        if (page.length < limit) return seen;
      }
    }
    await fourth.append([aSnapshot("f", october, 1)]);
    await ledger.append([aSnapshot("a", october, 1), aSnapshot("b", october, 1)]);
    expect(await read(2)).toEqual(["0a1", "0b1", "3f1"]);
    await second.append([aSnapshot("d", october, 1)]);
    await fourth.append([aSnapshot("f", october, 2), aSnapshot("g", october, 1)]);
    await ledger.append([aSnapshot("a", october, 2)]);
    expect(await read(1)).toEqual(["0a2", "1d1", "3f2", "3g1"]);
    expect(await read(10)).toEqual([]);
    expect(after).toEqual(await view.lastPlace());
    expect((await view.latest({ period: october, limit: 10 })).map(({ snapshot }) => snapshot.meterId)).toEqual([
      "a",
      "b",
      "d",
      "f",
      "g",
    ]);
    const pageAfter = (afterMeterId: string) => view.latest({ period: october, limit: 2, afterMeterId });
    expect((await pageAfter("a")).map(({ snapshot }) => snapshot.meterId)).toEqual(["b", "d"]);
    expect((await pageAfter("f")).map(({ snapshot }) => snapshot.meterId)).toEqual(["g"]);
    expect([await view.issuedMeters(october), await view.find("f", october)]).toEqual([5, aSnapshot("f", october, 2)]);
  });

  test("the latest of a period: one per meter, by meter id, page by page", async () => {
    const { ledger } = await fresh();
    await ledger.append([aSnapshot("c", october, 1), aSnapshot("a", october, 1), aSnapshot("b", october, 1)]);
    await ledger.append([aSnapshot("a", october, 2), aSnapshot("a", october + 1, 1)]);
    const page = await ledger.latest({ period: october, limit: 2 });
    expect(page.map(({ snapshot }) => [snapshot.meterId, snapshot.revision])).toEqual([
      ["a", 2],
      ["b", 1],
    ]);
    const rest = await ledger.latest({ period: october, afterMeterId: "b", limit: 2 });
    expect(rest.map(({ snapshot }) => snapshot.meterId)).toEqual(["c"]);
    const records = await ledger.latestRecords({ period: october, limit: 2 });
    expect(records.map(({ record, ...key }) => [key, decodeSnapshot(record)])).toEqual(
      page.map(({ snapshot }) => [
        { meterId: snapshot.meterId, period: october, revision: snapshot.revision },
        snapshot,
      ]),
    );
    const last = await ledger.latestRecords({ period: october, afterMeterId: "b", limit: 2 });
    expect(last.map(({ meterId }) => meterId)).toEqual(["c"]);
  });

  test("the latest of a period by quality: those whose newest revision has a row of it, page by page", async () => {
    const { ledger } = await fresh();
    const of = (meterId: string, revision: number, ...qualities: SnapshotQuality[]) => ({
      ...aSnapshot(meterId, october, revision),
      registers: qualities.map((quality) => aRegisterSnapshot({ quality })),
    });
    await ledger.append([
      ...[of("a", 1, "missing", "missing"), of("b", 1, "missing"), of("c", 1, "actual", "estimated")],
      ...[of("d", 1, "missing"), of("e", 1, "actual")],
    ]);
    await ledger.append([of("b", 2, "actual"), of("e", 2, "missing")]);
    const found = async (quality: SnapshotQuality, limit: number, afterMeterId = "") =>
      (await ledger.latest({ period: october, limit, quality, afterMeterId })).map(({ snapshot }) => snapshot.meterId);
    expect(await found("missing", 10)).toEqual(["a", "d", "e"]);
    expect(await found("missing", 2)).toEqual(["a", "d"]);
    expect(await found("missing", 2, "d")).toEqual(["e"]);
    expect(await found("actual", 2)).toEqual(["b", "c"]);
    expect(await found("estimated", 10)).toEqual(["c"]);
    expect(await found("suspect", 10)).toEqual([]);
  });

  test("the latest of a period by rule: those of whose newest revision it says something, page by page", async () => {
    const { ledger } = await fresh();
    const at = aSnapshot("a", october, 1).boundary;
    const of = (meterId: string, revision: number, ...rules: RuleCode[]) => ({
      ...aSnapshot(meterId, october, revision),
      registers: [
        aRegisterSnapshot({ findings: rules.map((rule) => ({ rule, at })) }),
        aRegisterSnapshot({ register: "2.8.0" }),
      ],
    });
    await ledger.append([
      ...[of("a", 1, "V13", "V13"), of("b", 1, "V13"), of("c", 1, "V18", "V13")],
      ...[of("d", 1), of("e", 1), of("f", 1, "OPERATOR")],
    ]);
    await ledger.append([of("b", 2), of("e", 2, "V13")]);
    const found = async (finding: RuleCode | "any", limit: number, afterMeterId = "") =>
      (await ledger.latest({ period: october, limit, finding, afterMeterId })).map(({ snapshot }) => snapshot.meterId);
    expect(await found("V13", 10)).toEqual(["a", "c", "e"]);
    expect(await found("V13", 2)).toEqual(["a", "c"]);
    expect(await found("V13", 2, "c")).toEqual(["e"]);
    expect(await found("V18", 10)).toEqual(["c"]);
    expect(await found("OPERATOR", 10)).toEqual(["f"]);
    expect(await found("any", 2)).toEqual(["a", "c"]);
    expect(await found("any", 10, "c")).toEqual(["e", "f"]);
    expect(await found("V29", 10)).toEqual([]);
  });

  test("one meter's snapshots by period and revision", async () => {
    const { ledger } = await fresh();
    await ledger.append([
      aSnapshot("a", october, 1),
      aSnapshot("a", october, 2),
      aSnapshot("a", october + 1, 1),
      aSnapshot("b", october, 1),
    ]);
    expect(await ledger.find("a", october)).toEqual(aSnapshot("a", october, 2));
    expect(await ledger.find("a", october, 1)).toEqual(aSnapshot("a", october, 1));
    expect(await ledger.find("a", october, 3)).toBeUndefined();
    expect(await ledger.find("z", october)).toBeUndefined();
    expect((await ledger.revisions("a", october)).map(({ revision }) => revision)).toEqual([1, 2]);
    const latest = await ledger.latestOfMeter("a", october);
    expect(latest.map(({ period, revision }) => [period, revision])).toEqual([
      [october, 2],
      [october + 1, 1],
    ]);
    expect(await ledger.latestOfMeter("a", october + 1)).toHaveLength(1);
  });

  test("what was issued last of many meters, in the order in which they are asked for", async () => {
    const { ledger } = await fresh();
    expect(await ledger.latestOfMeters(["b", "a"], october)).toEqual([[], []]);
    await ledger.append([
      aSnapshot("a", october - 1, 1),
      aSnapshot("a", october, 1),
      aSnapshot("a", october, 2),
      aSnapshot("a", october + 1, 1),
      aSnapshot("b", october, 1),
      aSnapshot("c", october, 1),
    ]);
    expect(await ledger.latestOfMeters(["b", "z", "a"], october)).toEqual([
      [aSnapshot("b", october, 1)],
      [],
      [aSnapshot("a", october, 2), aSnapshot("a", october + 1, 1)],
    ]);
    expect(await ledger.latestOfMeters([], october)).toEqual([]);
  });

  test("a period of which nothing had been issued shows at once, also one that is older than all", async () => {
    const { ledger } = await fresh();
    const seen = async () => (await ledger.latestOfMeter("a", october - 12)).map(({ period }) => period);
    expect(await seen()).toEqual([]);
    await ledger.append([aSnapshot("a", october, 1)]);
    expect(await seen()).toEqual([october]);
    await ledger.append([aSnapshot("a", october - 2, 1), aSnapshot("b", october - 1, 1)]);
    expect(await seen()).toEqual([october - 2, october]);
  });

  test("meters of a period are counted, each once however many revisions it has", async () => {
    const { ledger } = await fresh();
    expect(await ledger.issuedMeters(october)).toBe(0);
    await ledger.append([aSnapshot("a", october, 1), aSnapshot("b", october, 1), aSnapshot("c", october + 1, 1)]);
    await ledger.append([aSnapshot("a", october, 2)]);
    expect([await ledger.issuedMeters(october), await ledger.issuedMeters(october + 1)]).toEqual([2, 1]);
  });

  test("H06: a damaged record is left out and told, keeps its number, and the next revision stands in its place", async () => {
    const { ledger, under } = await fresh();
    await ledger.append([aSnapshot("a", october, 1)]);
    await ledger.close();
    await under.putDamaged(aSnapshot("b", october, 1));
    const again = await under.open();
    onTestFinished(() => again.close().catch(() => undefined));
    await again.append([aSnapshot("c", october, 1)]);
    const left: string[] = [];
    const leftOut = ({ where, code }: Damage) => void left.push(`${where} ${code}`);
    const ids = (entries: readonly LedgerEntry[]) => entries.map(({ snapshot }) => snapshot.meterId);
    expect(ids(await again.latest({ period: october, limit: 2, leftOut }))).toEqual(["a", "c"]);
    const records = await again.latestRecords({ period: october, limit: 2, leftOut });
    expect(records.map(({ meterId }) => meterId)).toEqual(["a", "c"]);
    expect(ids(await again.changes({ after: ledgerStart, limit: 2, leftOut }))).toEqual(["a", "c"]);
    expect(await again.revisions("b", october, leftOut)).toEqual([]);
    expect(new Set(left)).toEqual(new Set(["b 2026-10 revision 1 checksum_mismatch"]));
    await expect(again.find("b", october)).rejects.toMatchObject({ code: "record_damaged" });
    expect(await again.latestOfMeter("b", october)).toMatchObject([{ revision: 1, hash: "" }]);
    expect(await again.latestOfMeters(["a", "b"], october)).toMatchObject([
      [{ revision: 1 }],
      [{ revision: 1, hash: "" }],
    ]);
    expect(await again.issuedMeters(october)).toBe(3);
    await expect(again.append([aSnapshot("b", october, 1)])).rejects.toThrow("never changes");
    await again.append([aSnapshot("b", october, 2)]);
    expect(ids(await again.latest({ period: october, limit: 10 }))).toEqual(["a", "b", "c"]);
    expect((await again.find("b", october))?.revision).toBe(2);
    await again.close();
    const last = await under.open();
    onTestFinished(() => last.close());
    expect((await last.revisions("b", october)).map(({ revision }) => revision)).toEqual([2]);
  });

  test("a seal is the Merkle root over all records of a period in the shard, and each leads to it", async () => {
    const { ledger, under } = await fresh();
    const other = await open(under, 2);
    const many = Array.from({ length: 2700 }, (_, i) => `m${i}`)
      .filter((id) => partitionOf(id, 4) === 0)
      .slice(0, 600)
      .map((id) => aSnapshot(id, october, 1));
    expect(many).toHaveLength(600);
    await ledger.append(many.slice(0, 300));
    await ledger.append([aSnapshot("m1", october + 1, 1), ...many.slice(300)]);
    await other.append([aSnapshot("z", october, 1)]);
    const view = await under.view();
    const sealsOf = async (period: number) => {
      await view.catchUp();
      return view.seals(period);
    };
    expect(await sealsOf(october)).toEqual({ seals: [], records: 601 });
    expect(await view.sealedRecord(aSnapshot("m1", october, 1))).toBe("unsealed");
    await Promise.all([ledger.seal(7), other.seal(8)]);
    const { seals } = await sealsOf(october);
    expect(seals).toEqual([
      { shard: 0, period: october, size: 600, root: rootOver(many), sealedAtMs: 7 },
      { shard: 2, period: october, size: 1, root: rootOver([aSnapshot("z", october, 1)]), sealedAtMs: 8 },
    ]);
    for (const one of [...[0, 1, 255, 256, 511, 512, 599].map((index) => many[index]), aSnapshot("z", october, 1)])
      await expectSealed(view, one as Snapshot);
    expect(await view.sealedRecord(aSnapshot("m1", october, 2))).toBeUndefined();
    expect(await sealsOf(october + 1)).toMatchObject({ seals: [{ shard: 0, size: 1 }], records: 1 });
  });

  test("a seal is followed by another when the period has grown, also after opening again", async () => {
    const { ledger, under } = await fresh();
    const issued = [aSnapshot("a", october, 1), aSnapshot("b", october, 1), aSnapshot("a", october, 2)];
    await ledger.append(issued.slice(0, 2));
    await ledger.seal(5);
    await ledger.seal(6);
    const view = await under.view();
    const newest = async () => {
      await view.catchUp();
      return (await view.seals(october)).seals[0];
    };
    expect(await newest()).toMatchObject({ size: 2, root: rootOver(issued.slice(0, 2)), sealedAtMs: 5 });
    expect(await view.sealGrowth(october)).toEqual([]);
    await ledger.append(issued);
    await view.catchUp();
    expect(await view.sealedRecord(aSnapshot("a", october, 2))).toBe("unsealed");
    await ledger.close();
    const again = await open(under, 0);
    await again.seal(9);
    expect(await newest()).toMatchObject({ size: 3, root: rootOver(issued), sealedAtMs: 9 });
    await expectGrown(view, { from: 2, to: 3 });
    for (const one of issued) await expectSealed(view, one);
    const more = Array.from({ length: 520 }, (_, i) => aSnapshot(`n${i}`, october, 1));
    await again.append(more.slice(0, 200));
    await expect(again.append([aSnapshot("y", october, 1), aSnapshot("a", october, 2, "other")])).rejects.toThrow();
    await again.append(more.slice(200));
    await again.seal(11);
    expect(await newest()).toMatchObject({ size: 523, root: rootOver([...issued, ...more]) });
    await expectGrown(view, { from: 3, to: 523 });
    await again.append([aSnapshot("last", october, 1)]);
    await again.seal(13);
    await view.catchUp();
    await expectGrown(view, { from: 523, to: 524 });
  });

  test("issuing the same again is nothing, issuing another under the same number is refused whole", async () => {
    const { ledger } = await fresh();
    await ledger.append([aSnapshot("a", october, 1)]);
    const before = await ledger.lastPlace();
    await ledger.append([aSnapshot("a", october, 1)]);
    expect(await ledger.lastPlace()).toEqual(before);
    await expect(ledger.append([aSnapshot("b", october, 1), aSnapshot("a", october, 1, "f")])).rejects.toThrow(
      "never changes",
    );
    const final = { ...aSnapshot("a", october, 1), lifecycle: "final" as const };
    await expect(ledger.append([final])).rejects.toThrow("never changes");
    expect(await ledger.lastPlace()).toEqual(before);
    expect(await ledger.find("b", october)).toBeUndefined();
    expect(await ledger.find("a", october)).toEqual(aSnapshot("a", october, 1));
  });

  test("the meters of a usage point are those of which any revision names it", async () => {
    const { ledger, under } = await fresh();
    const at = (meterId: string, revision: number, usagePointId: string): Snapshot => {
      const content = { meterId, usagePointId, period: october, boundary: 1_793_484_000, registers: [] };
      return { ...aSnapshot(meterId, october, revision), ...content, hash: hashOf(content) };
    };
    await ledger.append([at("m-1", 1, "up-1"), at("m-2", 1, "m-2"), at("m-3", 1, "m-3"), at("m-4", 1, "up-1")]);
    await ledger.append([at("m-2", 2, "up-1"), at("m-1", 2, "up-1"), aSnapshot("m-5", october + 1, 1)]);
    const expectAll = async (view: SnapshotView) => {
      const points = (limit: number, afterUsagePointId?: string) =>
        view.issuedUsagePoints({
          period: october,
          limit,
          ...(afterUsagePointId === undefined ? {} : { afterUsagePointId }),
        });
      // m-1 has two revisions, and none of them names a point of its own name.
      expect(await points(10)).toEqual(["m-2", "m-3", "up-1"]);
      expect(await points(1)).toEqual(["m-2"]);
      expect(await points(1, "m-2")).toEqual(["m-3"]);
      expect(await view.metersOfUsagePoint(october, "up-1")).toEqual(["m-1", "m-2", "m-4"]);
      expect(await view.metersOfUsagePoint(october, "m-2")).toEqual(["m-2"]);
      expect(await view.metersOfUsagePoint(october, "m-1")).toEqual([]);
      expect(await view.metersOfUsagePoint(october + 1, "up-1")).toHaveLength(1);
    };
    await expectAll(ledger);
    await ledger.close();
    const view = await under.view();
    await view.catchUp();
    await expectAll(view);
  });
}
