import type { MasterDataChange } from "@meterbook/core/domain/registry/master-data-change";
import type { OutageRecord } from "@meterbook/core/domain/registry/outage";
import type { Registry, RegistryChange } from "@meterbook/core/ports/registry";
import { expect, onTestFinished, test, vi } from "vitest";
import { aRecord, type RegistryUnderTest } from "./registry.contract.ts";

const day = 86_400;

function anOutage(over: Partial<OutageRecord> = {}): OutageRecord {
  return { outageId: "o-1", usagePoints: ["up-1"], from: 10 * day, to: 12 * day, reason: "a storm", ...over };
}

function telling(outage: OutageRecord, base: number | null = null): MasterDataChange {
  return { writes: [{ base, outage }], by: "jo", reason: "" };
}

function supplied(usagePointId: string, ...feeder: readonly (readonly [validFrom: number, value: string])[]) {
  const dated = feeder.map(([validFrom, value]) => ({ validFrom, value }));
  return { writes: [{ base: null, usagePoint: { usagePointId, feeder: dated } }], by: "", reason: "" } as const;
}

/** What the port promises of outages (packages/core/src/ports/registry.ts). Every adapter of the registry runs it. */
export function outagesContract(make: () => Promise<RegistryUnderTest>): void {
  async function opened(under: RegistryUnderTest): Promise<Registry> {
    const registry = await under.open();
    onTestFinished(() => registry.close().catch(() => undefined));
    return registry;
  }

  test("an outage is kept with its versions, and changed from the newest only", async () => {
    const under = await make();
    const registry = await opened(under);
    expect(await registry.apply([telling(anOutage(), 0)])).toEqual([{ outcome: "applied" }]);
    expect(await registry.apply([telling(anOutage({ to: 13 * day }), 0)])).toEqual([
      { outcome: "conflict", entity: { kind: "outage", id: "o-1" }, version: 1 },
    ]);
    expect(await registry.apply([telling(anOutage({ to: 13 * day }), 1)])).toEqual([{ outcome: "applied" }]);
    expect(await registry.apply([telling(anOutage({ to: 13 * day }))])).toEqual([{ outcome: "unchanged" }]);
    await registry.close();
    const again = await opened(under);
    expect(await again.outage("o-1")).toMatchObject({ version: 2, by: "jo", record: anOutage({ to: 13 * day }) });
    expect(await again.outage("o-1", 1)).toMatchObject({ version: 1, record: anOutage() });
    expect(await again.outage("o-2")).toBeUndefined();
    expect(await again.usagePoint("o-1")).toBeUndefined();
    expect(await again.get("o-1")).toBeUndefined();
  });

  test("those are listed that have time in common with the range, by id", async () => {
    const registry = await opened(await make());
    const { to: _, ...goesOn } = anOutage({ outageId: "o-3" });
    await registry.apply(
      [goesOn, anOutage({ outageId: "o-2", from: 12 * day, to: 14 * day }), anOutage()].map((one) => telling(one)),
    );
    const ids = async (of: { from?: number; to?: number; afterOutageId?: string; limit?: number }) =>
      (await registry.outages({ limit: 10, ...of })).map(({ outageId }) => outageId);
    expect(await ids({})).toEqual(["o-1", "o-2", "o-3"]);
    expect(await ids({ limit: 2 })).toEqual(["o-1", "o-2"]);
    expect(await ids({ afterOutageId: "o-2" })).toEqual(["o-3"]);
    expect(await ids({ to: 12 * day })).toEqual(["o-1", "o-3"]);
    expect(await ids({ from: 12 * day })).toEqual(["o-2", "o-3"]);
    expect(await ids({ from: 20 * day, limit: 1 })).toEqual(["o-3"]);
  });

  test("a meter's record says when it had no supply: where it was then, and as its feeder was", async () => {
    const registry = await opened(await make());
    const moved = {
      ...aRecord("a", "up-2"),
      installed: { at: 11 * day, values: {} },
      earlier: [{ usagePointId: "up-1", removed: { at: 11 * day, values: {} } }],
    };
    await registry.put([moved, aRecord("b", "up-3"), aRecord("own")]);
    await registry.apply([
      supplied("up-3", [0, "f-1"], [21 * day, "f-2"]),
      telling(anOutage()),
      telling(anOutage({ outageId: "o-2", usagePoints: ["own"], feeder: "f-1", from: 20 * day, to: 22 * day })),
    ]);
    expect((await registry.get("a"))?.outages).toEqual([{ from: 10 * day, to: 11 * day }]);
    expect((await registry.get("b"))?.outages).toEqual([{ from: 20 * day, to: 21 * day }]);
    expect((await registry.get("own"))?.outages).toEqual([{ from: 20 * day, to: 22 * day }]);
    await registry.apply([telling(anOutage({ usagePoints: [] }))]);
    expect(await registry.get("a")).not.toHaveProperty("outages");
  });

  test("each meter that an outage touches, or touched before it was changed, is told to followers, as of its place", async () => {
    const under = await make();
    const [mine, others] = [await opened(under), await opened(under)];
    await mine.put([aRecord("a", "up-1"), aRecord("b", "up-2"), aRecord("c", "up-3")]);
    await mine.apply([supplied("up-3", [0, "f-1"])]);
    const seen: RegistryChange[] = [];
    const subscription = await mine.follow(async (changes) => void seen.push(...changes));
    onTestFinished(() => subscription.close());
    seen.length = 0;
    await others.apply([telling(anOutage({ feeder: "f-1" }))]);
    await vi.waitFor(() => expect(seen).toHaveLength(2), { timeout: 30_000 });
    const dark = [{ from: 10 * day, to: 12 * day }];
    expect(seen.map(({ meterId, record }) => [meterId, record?.outages])).toEqual([
      ["a", dark],
      ["c", dark],
    ]);
    await others.apply([telling(anOutage({ usagePoints: ["up-2"] }))]);
    await vi.waitFor(() => expect(seen).toHaveLength(5), { timeout: 30_000 });
    expect(seen.slice(2).map(({ meterId, record }) => [meterId, record?.outages])).toEqual([
      ["a", undefined],
      ["b", dark],
      ["c", undefined],
    ]);
    const asOf = seen[1]?.position as number;
    const before: RegistryChange[] = [];
    const late = await others.follow(async (changes) => void before.push(...changes), { asOf });
    onTestFinished(() => late.close());
    expect(before.find(({ meterId }) => meterId === "a")?.record?.outages).toEqual(dark);
    expect(before.findLast(({ meterId }) => meterId === "a")?.record?.outages).toBeUndefined();
  });
}
