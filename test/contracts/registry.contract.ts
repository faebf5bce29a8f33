import type { Damage } from "@meterbook/core/domain/damage/damage";
import type { MasterDataChange } from "@meterbook/core/domain/registry/master-data-change";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import type { UsagePointRecord } from "@meterbook/core/domain/registry/usage-point";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type { Registry, RegistryChange } from "@meterbook/core/ports/registry";
import { encodeMeterRecord } from "@meterbook/core/records/meter-record-protobuf";
import { checkedRecord, withChecksum } from "@meterbook/core/records/record-checksum";
import { describe, expect, onTestFinished, test, vi } from "vitest";

export interface RegistryUnderTest {
  /** The same registry each time; several may be open at once. */
  open(damaged?: TellDamage): Promise<Registry>;
  /** Puts bytes where the newest record of a meter stands, past the adapter; resolves when they lie there. */
  putBytes(meterId: string, body: Uint8Array): Promise<void>;
}

export function aRecord(meterId: string, usagePointId = meterId): MeterRecord {
  return { meterId, usagePointId, registers: [{ register: "1.8.0", unit: "Wh", multiplier: 40 }], zone: "Europe/Kyiv" };
}

/** Bytes that are no record of the meter `b`, and what is told of them. */
const damages: [what: string, body: Uint8Array, code: Damage["code"]][] = [
  ["a flipped bit in a multiplier", flipped(encodeMeterRecord(aRecord("b"))), "checksum_mismatch"],
  ["foreign bytes", Buffer.from("nonsense"), "checksum_mismatch"],
  ["a unit of a later version", inUnit(9), "record_unreadable"],
  ["another meter's record", encodeMeterRecord(aRecord("a", "up-9")), "key_mismatch"],
];

function flipped(body: Buffer): Buffer {
  const at = body.lastIndexOf(40);
  body[at] = (body[at] as number) ^ 1;
  return body;
}

function inUnit(unit: number): Uint8Array {
  const bytes = checkedRecord(
    encodeMeterRecord({ meterId: "b", usagePointId: "b", registers: [{ register: "1.8.0", unit: "L" }] }),
  ) as Uint8Array;
  bytes[bytes.lastIndexOf(2)] = unit;
  return withChecksum(bytes);
}

/** What the port promises (packages/core/src/ports/registry.ts). Every adapter runs it. */
export function registryContract(make: () => Promise<RegistryUnderTest>): void {
  async function opened(under: RegistryUnderTest, damaged?: TellDamage): Promise<Registry> {
    const registry = await under.open(damaged);
    onTestFinished(() => registry.close().catch(() => undefined));
    return registry;
  }

  test("the newest record of a meter is its truth, also after opening again", async () => {
    const under = await make();
    const registry = await opened(under);
    await registry.put([aRecord("a", "up-1"), aRecord("b")]);
    await registry.put([aRecord("a", "up-2")]);
    expect(await registry.get("a")).toEqual(aRecord("a", "up-2"));
    await registry.close();
    const again = await opened(under);
    expect(await again.get("a")).toEqual(aRecord("a", "up-2"));
    expect(await again.get("c")).toBeUndefined();
    expect((await again.list({ limit: 1 })).map(({ meterId }) => meterId)).toEqual(["a"]);
    expect((await again.list({ limit: 5, afterMeterId: "a" })).map(({ meterId }) => meterId)).toEqual(["b"]);
  });

  test("a follower gets what there is before `follow` resolves, then every change, also from another process", async () => {
    const under = await make();
    const [mine, others] = [await opened(under), await opened(under)];
    await mine.put([aRecord("a", "up-1"), aRecord("b")]);
    await mine.put([aRecord("a", "up-2")]);
    const seen: RegistryChange[] = [];
    const subscription = await mine.follow(async (changes) => void seen.push(...changes));
    onTestFinished(() => subscription.close());
    expect(seen.map(({ record }) => record?.usagePointId)).toEqual(["up-1", "b", "up-2"]);
    await others.put([aRecord("c")]);
    await vi.waitFor(() => expect(seen.at(-1)?.record).toEqual(aRecord("c")), { timeout: 30_000 });
    const positions = seen.map(({ position }) => position);
    expect([...positions].sort((a, b) => a - b)).toEqual(positions);
  });

  test("where the state cannot be delivered nobody follows, and the next attempt begins anew", async () => {
    const registry = await opened(await make());
    await registry.put([aRecord("a")]);
    let calls = 0;
    const failing = registry.follow(async () => {
      calls += 1;
      throw new Error("the store is down");
    });
    await expect(failing).rejects.toThrow("the store is down");
    const seen: string[] = [];
    const subscription = await registry.follow(async (changes) => {
      seen.push(...changes.map(({ meterId }) => meterId));
    });
    onTestFinished(() => subscription.close());
    await registry.put([aRecord("b")]);
    await vi.waitFor(() => expect(seen).toEqual(["a", "b"]), { timeout: 30_000 });
    expect(calls).toBe(1);
  });

  test("a follower gets only what it wants, each at its own pace", async () => {
    const registry = await opened(await make());
    const ids = Array.from({ length: 12_000 }, (_, n) => `m-${n}`);
    await registry.put(ids.map((id) => aRecord(id)));
    const room = Promise.withResolvers<void>();
    const seen: string[] = [];
    const slow = registry.follow(() => room.promise, { wants: (id) => id.endsWith("7") });
    const subscription = await registry.follow(
      async (changes) => void seen.push(...changes.map(({ meterId }) => meterId)),
      { wants: (id) => id.endsWith("99") },
    );
    onTestFinished(() => subscription.close());
    expect(seen).toEqual(ids.filter((id) => id.endsWith("99")));
    room.resolve();
    await (await slow).close();
  });

  test("who asks to be caught up has been given all that anybody had put", async () => {
    const under = await make();
    const [mine, others] = [await opened(under), await opened(under)];
    const seen: string[] = [];
    const subscription = await mine.follow(async (changes) => {
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(...changes.map(({ meterId }) => meterId));
    });
    onTestFinished(() => subscription.close());
    for (const meterId of ["a", "b", "c", "d", "e"]) {
      await others.put([aRecord(meterId)]);
      await subscription.caughtUp();
      expect(seen.at(-1)).toBe(meterId);
    }
  });

  test("a change whose handler fails is delivered again, and never two calls at a time", async () => {
    const registry = await opened(await make());
    let attempts = 0;
    let running = 0;
    const seen: string[] = [];
    const subscription = await registry.follow(async (changes) => {
      running += 1;
      expect(running).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      attempts += 1;
      if (attempts === 1) throw new Error("the store is down");
      seen.push(...changes.map(({ meterId }) => meterId));
    });
    onTestFinished(() => subscription.close());
    await registry.put([aRecord("a")]);
    await vi.waitFor(() => expect(seen).toEqual(["a"]), { timeout: 30_000 });
    await registry.put([aRecord("b")]);
    await vi.waitFor(() => expect(seen).toEqual(["a", "b"]), { timeout: 30_000 });
  });

  test.each(damages)(
    "H07: %s is told and set aside; all other meters go on, and the next put mends it",
    async (...of) => {
      const [, body, code] = of;
      const under = await make();
      const writer = await opened(under);
      await writer.put(["a", "b", "c"].map((id) => aRecord(id)));
      await under.putBytes("b", body);
      const told = new Map<string, Damage>();
      const registry = await opened(under, (damage) => void told.set(damage.id, damage));
      const seen: string[] = [];
      const following = await registry.follow(
        async (changes) =>
          void seen.push(...changes.map(({ meterId, record }) => `${meterId} ${record?.usagePointId}`)),
        { asOf: await registry.newest() },
      );
      onTestFinished(() => following.close());
      expect(seen.sort()).toEqual(["a a", "b undefined", "c c"]);
      expect([...told.values()]).toMatchObject([{ place: "registry", code, meterId: "b" }]);
      await expect(registry.get("b")).rejects.toMatchObject({ code: "record_damaged" });
      const noted = await registry.versions({ kind: "meter", id: "b" }, { before: 2, limit: 1 });
      expect(noted).toMatchObject([{ version: 1 }]);
      expect((await registry.list({ limit: 2 })).map(({ meterId }) => meterId)).toEqual(["a", "c"]);
      await registry.put([aRecord("d")]);
      await vi.waitFor(() => expect(seen.at(-1)).toBe("d d"), { timeout: 30_000 });
      await registry.put([aRecord("b", "up-2")]);
      await vi.waitFor(() => expect(seen.at(-1)).toBe("b up-2"), { timeout: 30_000 });
      expect(await registry.get("b")).toEqual(aRecord("b", "up-2"));
      expect(told.size).toBe(1);
    },
  );

  describe("versions", () => {
    const point = (connectionPowerW: number): UsagePointRecord => ({
      usagePointId: "up-1",
      connectionPowerW: [{ validFrom: 0, value: connectionPowerW }],
    });
    const change = (...writes: MasterDataChange["writes"]): MasterDataChange => ({ writes, by: "jo", reason: "why" });
    const setPoint = (base: number | null, power: number) => change({ base, usagePoint: point(power) });
    const applied = { outcome: "applied" };

    test("a change holds if it was made from the newest version, and not otherwise", async () => {
      const registry = await opened(await make());
      expect(await registry.apply([setPoint(0, 1)])).toEqual([applied]);
      const conflict = { outcome: "conflict", entity: { kind: "usage-point", id: "up-1" }, version: 1 };
      expect(await registry.apply([setPoint(0, 2), setPoint(2, 2)])).toEqual([conflict, conflict]);
      expect(await registry.apply([setPoint(1, 3), setPoint(1, 4), setPoint(2, 5)])).toEqual([
        applied,
        { ...conflict, version: 2 },
        applied,
      ]);
      expect((await registry.usagePoint("up-1"))?.record).toEqual(point(5));
      expect(await registry.apply([setPoint(null, 6)])).toEqual([applied]);
      expect(await registry.usagePoint("up-1")).toMatchObject({
        version: 4,
        by: "jo",
        reason: "why",
        record: point(6),
      });
      expect(await registry.apply([setPoint(4, 6)])).toEqual([{ outcome: "unchanged" }]);
      expect((await registry.usagePoint("up-1"))?.version).toBe(4);
    });

    test("of many that are made from one version by several processes at once exactly one holds", async () => {
      const under = await make();
      const processes = [await opened(under), await opened(under), await opened(under)];
      for (let version = 0; version < 4; version += 1) {
        const all = processes.flatMap((one, p) =>
          Array.from({ length: 5 }, (_, n) => one.apply([setPoint(version, 100 * version + 10 * p + n + 1)])),
        );
        const outcomes = (await Promise.all(all)).flat().map(({ outcome }) => outcome);
        expect(outcomes.filter((outcome) => outcome === "applied")).toHaveLength(1);
        expect(outcomes.filter((outcome) => outcome === "conflict")).toHaveLength(14);
      }
      const [one, two] = await Promise.all(
        processes.slice(0, 2).map(async (each) => {
          await each.newest();
          return each.usagePoint("up-1");
        }),
      );
      expect(one).toEqual(two);
      expect(one?.version).toBe(4);
    });

    test("writes of a change hold together or not at all, and a guard is one of them", async () => {
      const under = await make();
      const registry = await opened(under);
      await registry.put([aRecord("a", "up-1")]);
      const both = (guard: number) =>
        change(
          { base: 1, meter: { ...aRecord("a", "up-1"), removed: { at: 5, values: {} } } },
          { base: 0, meter: aRecord("b", "up-1") },
          { base: guard, guard: { kind: "usage-point", id: "up-1" } },
        );
      expect(await registry.apply([both(0)])).toMatchObject([{ outcome: "conflict", version: 1 }]);
      expect(await registry.get("b")).toBeUndefined();
      expect((await registry.meterVersion("a"))?.version).toBe(1);
      expect(await registry.apply([both(1)])).toEqual([applied]);
      expect((await registry.metersAt("up-1")).map(({ meterId }) => meterId)).toEqual(["a", "b"]);
      // Once for both meters.
      expect(await registry.usagePoint("up-1")).toMatchObject({ version: 2, record: null });
      await registry.close();
      const again = await opened(under);
      expect(await again.usagePoint("up-1")).toMatchObject({ version: 2, record: null });
      expect((await again.get("a"))?.removed?.at).toBe(5);
    });

    test("a usage point's version grows with what stands at it, but not with the multipliers of its meters", async () => {
      const registry = await opened(await make());
      const version = async () => (await registry.usagePoint("up-1"))?.version;
      await registry.put([aRecord("a", "up-1")]);
      expect(await version()).toBe(1);
      await registry.put([{ ...aRecord("a", "up-1"), registers: [] }]);
      expect(await version()).toBe(1);
      await registry.put([{ ...aRecord("a", "up-1"), installed: { at: 7, values: {} } }]);
      expect(await version()).toBe(2);
      await registry.put([aRecord("a", "up-2")]);
      expect(await version()).toBe(3);
      expect(await registry.metersAt("up-1")).toEqual([]);
      // A point that has no name but its meter's is not written down until somebody speaks of it.
      await registry.put([aRecord("m")]);
      expect(await registry.usagePoint("m")).toBeUndefined();
      expect((await registry.metersAt("m")).map(({ meterId }) => meterId)).toEqual(["m"]);
    });

    test("meters are found by the beginning of the serial number that they have now", async () => {
      const under = await make();
      const registry = await opened(under);
      const labelled = (meterId: string, serialNumber: string) => ({ ...aRecord(meterId), serialNumber });
      await registry.put([labelled("a", "Nik 7/2"), labelled("b", "NIK 7/1"), labelled("c", "NIK 8"), aRecord("d")]);
      const ids = async (prefix: string, limit = 10) =>
        (await registry.metersBySerial({ prefix, limit })).map(({ meterId }) => meterId);
      expect(await ids("nik 7")).toEqual(["b", "a"]);
      expect(await ids("NIK", 2)).toEqual(["b", "a"]);
      await registry.put([labelled("b", "EMS 1")]);
      expect(await ids("nik")).toEqual(["a", "c"]);
      await registry.close();
      const again = await opened(under);
      expect((await again.metersBySerial({ prefix: "ems", limit: 1 }))[0]).toEqual(labelled("b", "EMS 1"));
    });

    test("meters are found by the end of their id or serial number, and by nothing that they no longer are", async () => {
      const under = await make();
      const registry = await opened(under);
      const labelled = (meterId: string, serialNumber: string) => ({ ...aRecord(meterId), serialNumber });
      await registry.put([labelled("m-7731", "Nik 7/їA"), labelled("m-2", "EMS 87731"), aRecord("x-31")]);
      const ids = async (ending: string, limit = 10) =>
        (await registry.metersByEnding({ ending, limit })).map(({ meterId }) => meterId).sort();
      expect(await ids("31")).toEqual(["m-2", "m-7731", "x-31"]);
      expect(await ids("7731")).toEqual(["m-2", "m-7731"]);
      expect(await ids("7/Їa")).toEqual(["m-7731"]);
      expect(await ids("X-31")).toEqual(["x-31"]);
      expect(await ids("31", 1)).toHaveLength(1);
      expect(await ids("7/ї")).toEqual([]);
      await registry.put([labelled("m-2", "EMS 1")]);
      await registry.close();
      const again = await opened(under);
      const found = await again.metersByEnding({ ending: "7731", limit: 10 });
      expect(found).toEqual([labelled("m-7731", "Nik 7/їA")]);
    });

    test("all versions are kept and can be read", async () => {
      const under = await make();
      const registry = await opened(under);
      for (const power of [1, 2, 3]) await registry.apply([setPoint(null, power)]);
      await registry.put([aRecord("a", "up-2")], "an import");
      await registry.close();
      const again = await opened(under);
      expect((await again.usagePoint("up-1", 2))?.record).toEqual(point(2));
      expect(await again.usagePoint("up-1", 4)).toBeUndefined();
      const key = { kind: "usage-point", id: "up-1" } as const;
      const notes = await again.versions(key, { limit: 2 });
      expect(notes.map(({ version, by }) => [version, by])).toEqual([
        [3, "jo"],
        [2, "jo"],
      ]);
      expect(await again.versions(key, { limit: 2, before: 2 })).toMatchObject([{ version: 1 }]);
      expect(await again.meterVersion("a", 1)).toMatchObject({ by: "an import", record: aRecord("a", "up-2") });
      const listed = await again.usagePoints({ limit: 10 });
      expect(listed.map(({ usagePointId, version, record }) => [usagePointId, version, record])).toEqual([
        ["up-1", 3, point(3)],
        ["up-2", 1, null],
      ]);
      expect(await again.usagePoints({ afterUsagePointId: "up-1", limit: 1 })).toMatchObject([
        { usagePointId: "up-2" },
      ]);
    });

    test("a follower hears of a point's change for each meter that is or was there, as of that change", async () => {
      const registry = await opened(await make());
      await registry.apply([setPoint(0, 1)]);
      await registry.put([aRecord("a", "up-1"), aRecord("b", "up-1"), aRecord("c", "up-2")]);
      await registry.put([aRecord("b", "up-2")]);
      const asOf = await registry.newest();
      await registry.apply([setPoint(null, 2)]);
      const seen: string[] = [];
      const follow = async (changes: readonly RegistryChange[]) => {
        for (const { meterId, record, position } of changes) {
          const power = record?.points?.[0]?.connectionPowerW?.[0]?.value ?? "-";
          seen.push(`${meterId}@${record?.usagePointId}:${power}${position > asOf ? " later" : ""}`);
        }
      };
      const subscription = await registry.follow(follow, { asOf });
      onTestFinished(() => subscription.close());
      expect(seen.splice(0)).toEqual([
        "a@up-1:1",
        "c@up-2:-",
        "b@up-2:-",
        "a@up-1:2 later",
        // It is not there any more, and that it hears of it does no harm.
        "b@up-2:- later",
      ]);
      await registry.apply([setPoint(null, 3)]);
      await subscription.caughtUp();
      expect(seen).toEqual(["a@up-1:3 later", "b@up-2:- later"]);
      expect((await registry.get("a"))?.points).toEqual([point(3)]);
    });
  });
}
