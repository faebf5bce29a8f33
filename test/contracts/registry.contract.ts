import type { MeterRecord } from "@meterbook/core/domain/registry";
import type { Registry, RegistryChange } from "@meterbook/core/ports/registry";
import { expect, onTestFinished, test, vi } from "vitest";

export interface RegistryUnderTest {
  /** The same registry each time; several may be open at once. */
  open(): Promise<Registry>;
}

export function aRecord(meterId: string, usagePointId = meterId): MeterRecord {
  return { meterId, usagePointId, registers: [{ register: "1.8.0", unit: "Wh", multiplier: 40 }], zone: "Europe/Kyiv" };
}

/** What the port promises (packages/core/src/ports/registry.ts). Every adapter runs it. */
export function registryContract(make: () => Promise<RegistryUnderTest>): void {
  async function opened(under: RegistryUnderTest): Promise<Registry> {
    const registry = await under.open();
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
    expect(seen.map(({ record }) => record.usagePointId).sort()).toEqual(["b", "up-2"]);
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
      seen.push(...changes.map(({ record }) => record.meterId));
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
      async (changes) => void seen.push(...changes.map(({ record }) => record.meterId)),
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
      seen.push(...changes.map(({ record }) => record.meterId));
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
      seen.push(...changes.map(({ record }) => record.meterId));
    });
    onTestFinished(() => subscription.close());
    await registry.put([aRecord("a")]);
    await vi.waitFor(() => expect(seen).toEqual(["a"]), { timeout: 5000 });
    await registry.put([aRecord("b")]);
    await vi.waitFor(() => expect(seen).toEqual(["a", "b"]), { timeout: 5000 });
  });
}
