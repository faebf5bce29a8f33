import type { Damage } from "@meterbook/core/domain/damage/damage";
import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type { Registry, RegistryChange } from "@meterbook/core/ports/registry";
import { encodeMeterRecord } from "@meterbook/core/records/meter-record-protobuf";
import { checkedRecord, withChecksum } from "@meterbook/core/records/record-checksum";
import { expect, onTestFinished, test, vi } from "vitest";

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
    expect(seen.map(({ record }) => record?.usagePointId).sort()).toEqual(["b", "up-2"]);
    await others.put([aRecord("c")]);
    await vi.waitFor(() => expect(seen.at(-1)?.record).toEqual(aRecord("c")), { timeout: 5000 });
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
    await vi.waitFor(() => expect(seen).toEqual(["a", "b"]), { timeout: 5000 });
    expect(calls).toBe(1);
  });

  test("a follower gets only what it wants, each at its own pace", async () => {
    const registry = await opened(await make());
    const ids = Array.from({ length: 12_000 }, (_, n) => `m-${n}`);
    await registry.put(ids.map((id) => aRecord(id)));
    const room = Promise.withResolvers<void>();
    const seen: string[] = [];
    const slow = registry.follow(
      () => room.promise,
      (id) => id.endsWith("7"),
    );
    const subscription = await registry.follow(
      async (changes) => void seen.push(...changes.map(({ meterId }) => meterId)),
      (id) => id.endsWith("99"),
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
    await vi.waitFor(() => expect(seen).toEqual(["a"]), { timeout: 5000 });
    await registry.put([aRecord("b")]);
    await vi.waitFor(() => expect(seen).toEqual(["a", "b"]), { timeout: 5000 });
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
      );
      onTestFinished(() => following.close());
      expect(seen.sort()).toEqual(["a a", "b undefined", "c c"]);
      expect([...told.values()]).toMatchObject([{ place: "registry", code, meterId: "b" }]);
      await expect(registry.get("b")).rejects.toMatchObject({ code: "record_damaged" });
      expect((await registry.list({ limit: 2 })).map(({ meterId }) => meterId)).toEqual(["a", "c"]);
      await registry.put([aRecord("d")]);
      await vi.waitFor(() => expect(seen.at(-1)).toBe("d d"), { timeout: 5000 });
      await registry.put([aRecord("b", "up-2")]);
      await vi.waitFor(() => expect(seen.at(-1)).toBe("b up-2"), { timeout: 5000 });
      expect(await registry.get("b")).toEqual(aRecord("b", "up-2"));
      expect(told.size).toBe(1);
    },
  );
}
