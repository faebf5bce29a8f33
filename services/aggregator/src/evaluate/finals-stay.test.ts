// Goal: a final month changes for a reading that is about it, and for nothing else: neither because the next month is
// made nor because less of the past is read.
import type { Channel, ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { inForce, type RegisteredMeter } from "@meterbook/core/domain/registry/registered-meter";
import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { parsePeriod, snapshotId } from "@meterbook/core/domain/snapshot/snapshot";
import type { StoredMeter } from "@meterbook/core/ports/series-store";
import { expect, test } from "vitest";
import { channelRows } from "../remember/channel-memory.ts";
import { adopt, meterState } from "../remember/meter-state.ts";
import { type EvaluationPorts, evaluateMeter } from "./evaluate-meter.ts";

const day = 86_400;
const instant = (text: string) => Date.parse(text) / 1000;
const register: Channel = { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 };
type Row = readonly [at: number, value: number];

/** A meter with a store and a ledger in memory; the store is always asked, for the range that is wanted only. */
function world(record: RegisteredMeter | undefined, channel: Channel, rows: readonly Row[]) {
  const issued: Snapshot[] = [];
  let data = [...rows];
  const meter = meterState("m", "Europe/Kyiv");
  if (record !== undefined) Object.assign(meter, { record: inForce(record), isRegistered: true });
  const first = { at: data[0]?.[0] ?? 0, value: data[0]?.[1] ?? 0, code: 0 };
  const stored = { no: 1, meterId: "m", channels: [{ ...channel, index: 0, first }] } as unknown as StoredMeter;
  adopt(meter, stored, channelRows(), data.at(-1)?.[0] ?? 0);
  const newest = () => [...Map.groupBy(issued, ({ period }) => period).values()].flatMap((all) => all.at(-1) ?? []);
  const ports = {
    ledger: {
      latestOfMeter: async (_: string, from: number) => newest().filter(({ period }) => period >= from),
      find: async (_: string, period: number, revision: number) =>
        issued.find((one) => one.period === period && one.revision === revision),
    },
    seen: (one: Snapshot) => one,
    series: {
      async read(_: string, { from, to }: { readonly from: number; readonly to: number }): Promise<ReadingSeries[]> {
        const kept = data.filter(([at]) => at >= from && at <= to);
        return [
          { channel, at: kept.map(([at]) => at), value: kept.map(([, value]) => value), code: kept.map(() => 0) },
        ];
      },
    },
  } as unknown as EvaluationPorts;
  return {
    issued,
    put(more: readonly Row[]) {
      data = [...data, ...more].sort(([a], [b]) => a - b);
    },
    /** The revisions that an evaluation from a month on makes. */
    async evaluate(from: string, now: string): Promise<string[]> {
      meter.needsStore = true;
      const made = await evaluateMeter(ports, meter, parsePeriod(from) ?? 0, Date.parse(now));
      issued.push(...made.snapshots);
      meter.issued = made.issued ?? meter.issued;
      return made.snapshots.map(snapshotId);
    },
  };
}

const inSeptember = (ids: readonly string[]) => ids.filter((id) => id.startsWith("m/2026-09/"));

test("an estimate from the year before stays when the next month is made", async () => {
  const rows: Row[] = [];
  for (let at = instant("2025-09-02T00:00:00+03:00"); at <= instant("2026-08-31T00:00:00+03:00"); at += day) {
    const date = new Date((at - day / 2) * 1000);
    const isWhole = date.getUTCFullYear() === 2025 && date.getUTCMonth() === 8;
    if (date.getUTCDate() !== 10 || isWhole) rows.push([at, 10_000]);
  }
  const { evaluate, issued } = world(undefined, { ...register, kind: "interval", stepSeconds: day }, rows);
  await evaluate("", "2026-10-04T01:00:00+03:00");
  expect(issued.at(-1)?.registers[0]).toMatchObject({ method: "ADU_PRIOR_YEAR", consumption: 300_000 });
  expect(inSeptember(await evaluate("2026-10", "2026-11-01T02:00:00+02:00"))).toEqual([]);
});

test.each([false, true])(
  "an estimate is made by the revisions it names, also where its month is cut: %s",
  async (isCut) => {
    const multipliers = [{ validFrom: instant("2026-10-10T00:00:00+03:00"), multiplier: 2 }];
    const entry = { register: "1.8.0", unit: "Wh" as const, ...(isCut ? { multipliers } : {}) };
    const { evaluate, put } = world({ meterId: "m", usagePointId: "m", registers: [entry] }, register, [
      [instant("2026-07-01T00:00:00+03:00"), 0],
      [instant("2026-08-01T00:00:00+03:00"), 300_000],
      [instant("2026-10-01T00:00:00+03:00"), 900_000],
      [instant("2026-10-10T00:00:00+03:00"), 990_000],
      [instant("2026-10-20T00:00:00+03:00"), 1_090_000],
    ]);
    await evaluate("", "2026-11-04T01:00:00+02:00");
    put([[instant("2026-09-01T00:00:00+03:00"), 500_000]]);
    const made = await evaluate("2026-08", "2026-11-05T01:00:00+02:00");
    expect(made.filter((id) => id.startsWith("m/2026-10/"))).toEqual([]);
  },
);

const moved = instant("2026-10-01T00:00:00+03:00");
const plain = { meterId: "m", usagePointId: "a", registers: [{ register: "1.8.0", unit: "Wh" as const }] };
const began = { at: instant("2026-07-01T00:00:00+03:00"), values: {} };
const placed = {
  stayed: { ...plain, installed: began },
  moved: {
    ...{ ...plain, usagePointId: "b", installed: { at: moved, values: {} } },
    earlier: [{ usagePointId: "a", installed: began, removed: { at: moved, values: {} } }],
  },
};

test.each(["stayed", "moved"] as const)(
  "what later readings prove wrong is put right where the meter %s",
  async (which) => {
    const rows: Row[] = [];
    for (let at = instant("2026-07-02T00:00:00+03:00"); at < moved; at += day) {
      rows.push([at, 1_000_000 + (rows.length + 1) * 10_000]);
    }
    const { evaluate, put, issued } = world(placed[which], register, [...rows, [moved - 30, 9_000_000]]);
    await evaluate("", "2026-10-04T01:00:00+03:00");
    put(Array.from({ length: 25 }, (_, i): Row => [moved + (i + 36) * day, 1_000_000 + (92 + i + 35) * 10_000]));
    expect(inSeptember(await evaluate("2026-10", "2026-12-01T02:00:00+02:00"))).toEqual(["m/2026-09/2"]);
    const september = issued.findLast(({ period }) => period === parsePeriod("2026-09"));
    expect(september?.registers[0]?.consumption).toBeLessThan(400_000);
  },
);

test("what is read at a place that is dead is nobody's, also of a meter that has moved there", async () => {
  const at = instant("2026-08-10T00:00:00+03:00");
  const status = [
    { validFrom: 0, value: "connected" as const },
    { validFrom: instant("2026-09-15T00:00:00+03:00"), value: "dead" as const },
  ];
  const record = {
    ...{ ...plain, usagePointId: "b", installed: { at, values: {} } },
    earlier: [{ usagePointId: "a", removed: { at, values: {} } }],
    points: [{ usagePointId: "b", status }],
  };
  const begin = instant("2026-08-01T00:00:00+03:00");
  const rows = Array.from({ length: 100 }, (_, i): Row => [begin + i * day, 1_000_000 + i * 10_000]);
  const { evaluate, issued } = world(record as unknown as RegisteredMeter, register, rows);
  await evaluate("", "2026-10-04T01:00:00+03:00");
  expect(issued.at(-1)?.registers[0]?.findings.map(({ rule }) => rule)).toContain("V03");
});

test("the band of an estimate is the same when less of the past is read, across a wrap too", async () => {
  const entry = { register: "1.8.0", unit: "Wh" as const, digits: 5 };
  const modulus = 100_000_000;
  const rows: Row[] = [];
  for (let i = 0; i < 300; i += 1) {
    const at = instant("2026-01-01T00:00:00+02:00") + i * day - (i > 87 && i < 297 ? 3600 : 0);
    const isGap = at > instant("2026-09-25T12:00:00+03:00") && at < instant("2026-10-05T12:00:00+03:00");
    if (!isGap) rows.push([at, (modulus - 200_000 + 10_000 * i) % modulus]);
  }
  const record = { ...plain, usagePointId: "m", connectionPowerW: 10_000, registers: [entry] };
  const { evaluate, issued } = world(record, register, rows);
  await evaluate("", "2026-10-06T01:00:00+03:00");
  await evaluate("2026-10", "2026-11-01T02:00:00+02:00");
  await evaluate("2026-09", "2026-11-02T02:00:00+02:00");
  expect(inSeptember(issued.map(snapshotId))).toEqual(["m/2026-09/1"]);
});
