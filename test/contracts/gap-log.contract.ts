import type { Gap, MeterGaps } from "@meterbook/core/domain/gap/meter-gaps";
import type { GapLog } from "@meterbook/core/ports/gap-log";
import { expect, onTestFinished, test } from "vitest";
import { instant } from "../support/readings.ts";

export interface GapLogUnderTest {
  /** Opens the same log again and again. */
  open(): Promise<GapLog>;
  /** Puts a record that has a bit that is not as it was written. */
  putDamaged(gaps: MeterGaps): Promise<void>;
}

const octoberEnd = instant("2026-10-31T22:00:00Z");
const [october, november] = [2026 * 12 + 9, 2026 * 12 + 10];
const hour = 3600;

function aGap(from: number, to: number, over: Partial<Gap> = {}): Gap {
  const channel = { register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds: 900 } as const;
  const story = { sinceMs: 1_793_484_000_000, asked: { times: 1, atMs: 1_793_484_600_000 }, answeredAtMs: null };
  return { ...channel, from, to, missing: (to - from) / 900, goesOn: false, ...story, ...over };
}

export function someGaps(meterId: string, gaps: readonly Gap[], over: Partial<MeterGaps> = {}): MeterGaps {
  return { meterId, usagePointId: `up-${meterId}`, zone: "Europe/Kyiv", gaps, asking: null, sequence: null, ...over };
}

const inOctober = aGap(octoberEnd - 90 * hour, octoberEnd - 80 * hour);
const laterInOctober = aGap(octoberEnd - 50 * hour, octoberEnd - 40 * hour);
const overItsEnd = aGap(octoberEnd - hour, octoberEnd + hour);
const asking = {
  ...{ id: "m-1/1", atMs: 1_793_484_600_000, times: 1, rank: 0, state: "asked" as const },
  ranges: [
    {
      register: "1.8.0",
      kind: "interval" as const,
      unit: "Wh" as const,
      stepSeconds: 900,
      from: 1,
      to: 2,
      goesOn: false,
    },
  ],
};
const sequence = { gaps: 1, missing: 3, after: 7, next: 11, atMs: 1_793_484_000_000 };

/** What the port promises (packages/core/src/ports/gap-log.ts). Every adapter runs it. */
export function gapLogContract(make: () => Promise<GapLogUnderTest>): void {
  async function opened(under: GapLogUnderTest): Promise<GapLog> {
    const log = await under.open();
    onTestFinished(() => log.close().catch(() => undefined));
    return log;
  }

  test("a meter's gaps are there as they were put last, after opening again too", async () => {
    const under = await make();
    const log = await opened(under);
    await log.put([someGaps("m-1", [inOctober]), someGaps("m-2", [overItsEnd])]);
    const last = someGaps("m-1", [inOctober, { ...overItsEnd, answeredAtMs: 1_793_484_700_000 }], { asking, sequence });
    await log.put([last]);
    await log.close();
    const again = await opened(under);
    expect(await again.get("m-1")).toEqual(last);
    expect(await again.get("nobody's")).toBeUndefined();
  });

  test("the open gaps of a month: those around its end first, then newer before older, page by page", async () => {
    const log = await opened(await make());
    const answered = { ...laterInOctober, answeredAtMs: 1_793_484_700_000 };
    await log.put([
      someGaps("m-1", [inOctober, answered]),
      someGaps("m-2", [laterInOctober, overItsEnd]),
      someGaps("m-3", [inOctober]),
    ]);
    const all = await log.list({ period: october, limit: 10 });
    expect(all.map(({ meterId, gap, isAtClose }) => [meterId, gap.to, isAtClose])).toEqual([
      ["m-2", overItsEnd.to, true],
      ["m-2", laterInOctober.to, false],
      ["m-1", inOctober.to, false],
      ["m-3", inOctober.to, false],
    ]);
    expect(all[0]).toMatchObject({ usagePointId: "up-m-2", gap: overItsEnd });
    const first = await log.list({ period: october, limit: 3 });
    const rest = await log.list({ period: october, after: first.at(-1)?.place, limit: 3 });
    expect([...first, ...rest]).toEqual(all);
    expect((await log.list({ period: november, limit: 10 })).map(({ meterId }) => meterId)).toEqual(["m-2"]);
  });

  test("what is answered, or taken out, is listed no more", async () => {
    const log = await opened(await make());
    await log.put([someGaps("m-1", [inOctober]), someGaps("m-2", [inOctober])]);
    await log.put([someGaps("m-1", [{ ...inOctober, answeredAtMs: 1_793_484_700_000 }]), someGaps("m-2", [])]);
    expect(await log.list({ period: october, limit: 10 })).toEqual([]);
    expect(await log.get("m-2")).toBeUndefined();
  });

  test("who follows gets every meter once, then each change, also one that comes after another was taken out", async () => {
    const log = await opened(await make());
    await log.put([someGaps("m-1", [inOctober]), someGaps("m-2", [inOctober])]);
    const seen: string[] = [];
    const changes = Promise.withResolvers<void>();
    const subscription = await log.follow(async (records) => {
      seen.push(...records.map(({ meterId, asking: of }) => `${meterId} ${of?.id ?? ""}`));
      if (seen.length === 4) changes.resolve();
    });
    expect(seen.toSorted()).toEqual(["m-1 ", "m-2 "]);
    await log.put([someGaps("m-2", [])]);
    await log.put([someGaps("m-3", [inOctober])]);
    await log.put([someGaps("m-1", [inOctober], { asking })]);
    await changes.promise;
    await subscription.close();
    expect(seen.slice(2)).toEqual(["m-3 ", "m-1 m-1/1"]);
  });

  test("one that is damaged is as if it were not there, and stops nobody", async () => {
    const under = await make();
    const log = await opened(under);
    await log.put([someGaps("m-2", [inOctober])]);
    await log.close();
    await under.putDamaged(someGaps("m-1", [inOctober]));
    const again = await opened(under);
    expect(await again.get("m-1")).toBeUndefined();
    expect((await again.list({ period: october, limit: 10 })).map(({ meterId }) => meterId)).toEqual(["m-2"]);
  });
}
