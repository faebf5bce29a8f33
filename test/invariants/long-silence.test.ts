// Goal: however long a meter was silent, the next reading tells what was used meanwhile: the months between are made
// anew, and together they are what the register counted, whether memory knows the reading before or the store.
import { readingCode } from "@meterbook/core/domain/reading/reading";
import type { RegisteredMeter } from "@meterbook/core/domain/registry/registered-meter";
import type { RegisterSnapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { parsePeriod } from "@meterbook/core/domain/snapshot/snapshot";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import { expect, test } from "vitest";
import { instant, registerSeries } from "../support/readings.ts";
import { type AggregatorWorld, openAggregatorWorld } from "../support/worlds/aggregator-world.ts";

const calendar = localCalendar("Europe/Kyiv");
const day = 86_400;
const january = parsePeriod("2025-01") as number;

async function passMonths(world: AggregatorWorld, from: number, to: number): Promise<void> {
  for (let period = from; period <= to; period += 1) {
    world.nowMs = (calendar.boundaryOf(period) + 5 * day) * 1000;
    await world.look();
  }
}

async function rowsOf(world: AggregatorWorld): Promise<ReadonlyMap<number, RegisterSnapshot | undefined>> {
  return new Map((await world.issued("m-1")).map(({ period, registers }) => [period, registers[0]]));
}

const reads = (at: number, value: number) => ({ meterId: "m-1", series: [registerSeries([[at, value, "actual"]])] });

test.for([
  { months: 8, restarted: "no" },
  { months: 8, restarted: "before the next reading" },
  { months: 15, restarted: "no" },
  { months: 15, restarted: "before the next reading" },
  { months: 15, restarted: "when the silence began" },
] as const)("a meter is silent for $months months, restarted: $restarted", async ({ months, restarted }) => {
  const back = january + months + 1;
  const world = await openAggregatorWorld({
    nowMs: (calendar.startOf(january) + 20 * day) * 1000,
    timeZone: "Europe/Kyiv",
    settleSeconds: 0,
  });
  try {
    const [last, next] = [calendar.startOf(january) + 10 * day, calendar.startOf(back) + 5 * day];
    await world.deliver(reads(calendar.startOf(january), 1000), reads(last, 11_000));
    await passMonths(world, january, january + 1);
    if (restarted === "when the silence began") await world.restart();
    await passMonths(world, january + 2, back - 1);
    if (restarted === "before the next reading") await world.restart();
    expect((await rowsOf(world)).get(january + 7)).toMatchObject({ method: "MISSING" });

    world.nowMs = (next + 60) * 1000;
    await world.deliver(reads(next, 511_000));
    await world.settle();
    const found = await rowsOf(world);
    const between = Array.from({ length: months + 1 }, (_, index) => found.get(january + index));
    for (const row of between) expect(row).toMatchObject({ method: "FLAT_BETWEEN", quality: "estimated" });
    const bases = between.slice(1).map((row) => row?.openingBasis);
    expect(new Set(bases)).toEqual(new Set(["previous"]));

    await world.deliver(reads(calendar.boundaryOf(back), 600_000));
    await passMonths(world, back, back);
    const all = await rowsOf(world);
    const used = [...all.values()].reduce((sum, row) => sum + (row?.consumption ?? Number.NaN), 0);
    expect(used).toBe(599_000);
    expect(all.size).toBe(months + 2);
  } finally {
    await world.dispose();
  }
});

test("a reading that comes late and lies in the silence parts the months before it from those behind it", async () => {
  const [back, middle] = [january + 16, january + 8];
  const world = await openAggregatorWorld({
    nowMs: (calendar.startOf(january) + 20 * day) * 1000,
    timeZone: "Europe/Kyiv",
    settleSeconds: 0,
  });
  try {
    await world.deliver(reads(calendar.startOf(january), 0));
    await passMonths(world, january, back - 1);
    world.nowMs = (calendar.startOf(back) + 5 * day) * 1000;
    await world.deliver(reads(calendar.startOf(back), 500_000));
    await world.settle();
    await world.restart();
    await world.deliver(reads(calendar.startOf(middle), 450_000));
    await world.settle();
    const rows = await rowsOf(world);
    const sum = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) => rows.get(from + index)?.consumption ?? Number.NaN).reduce(
        (all, one) => all + one,
        0,
      );
    expect(sum(january, middle)).toBe(450_000);
    expect(sum(middle, back)).toBe(50_000);
  } finally {
    await world.dispose();
  }
});

test("after twelve whole months of silence no month is issued, and a month before the first reading takes none back", async () => {
  const world = await openAggregatorWorld({
    nowMs: (calendar.startOf(january) + 20 * day) * 1000,
    timeZone: "Europe/Kyiv",
    settleSeconds: 0,
  });
  try {
    await world.deliver(reads(calendar.startOf(january) + 10 * day, 1000));
    await passMonths(world, january, january + 14);
    const whole = Array.from({ length: 13 }, (_, index) => january + index);
    expect([...(await rowsOf(world)).keys()]).toEqual(whole);

    // It begins in December, and nobody believes it: December is missing, and no silence.
    const channel = { register: "2.8.0", kind: "interval", unit: "Wh", stepSeconds: 3600 } as const;
    const begun = {
      channel,
      at: [calendar.startOf(january) + 900],
      value: [100],
      code: [readingCode("suspect", "remote")],
    };
    await world.deliver({ meterId: "m-1", series: [begun] });
    await world.settle();
    const rows = await rowsOf(world);
    expect([...rows.keys()]).toEqual([january - 1, ...whole]);
    expect([...rows.values()]).not.toContain(undefined);
  } finally {
    await world.dispose();
  }
});

const installedAt = (at: string): RegisteredMeter => ({
  meterId: "m-1",
  usagePointId: "m-1",
  registers: [{ register: "1.8.0", unit: "Wh" }],
  installed: { at: instant(at), values: { "1.8.0": 0 } },
});

async function readOn(world: AggregatorWorld, at: string, value: number): Promise<void> {
  world.nowMs = instant(at) * 1000 + 60_000;
  await world.deliver(reads(instant(at), value));
  await world.settle();
}

const monthsOf = async (world: AggregatorWorld) =>
  (await world.issued("m-1")).map(({ period, registers: [row] }) => ({
    period,
    shown: [row?.method, row?.value, row?.consumption],
  }));

test("what the fitters read long ago stands in no reading's place when the months behind a silence are made once more", async () => {
  const world = await openAggregatorWorld({
    nowMs: instant("2025-01-12T00:00:00Z") * 1000,
    timeZone: "Europe/Kyiv",
    settleSeconds: 0,
  });
  try {
    await world.register(installedAt("2025-01-10T10:00:00Z"));
    await readOn(world, "2025-01-15T10:00:00Z", 100_000);
    await readOn(world, "2025-06-15T10:00:00Z", 5_000_000);
    await readOn(world, "2025-10-20T10:00:00Z", 10_000_000);
    await passMonths(world, january + 9, january + 20);
    await readOn(world, "2026-10-05T10:00:00Z", 11_000_000);
    const until = january + 21;
    const before = (await monthsOf(world)).filter(({ period }) => period < until);
    expect(before.find(({ period }) => period === january + 16)?.shown).toEqual([
      "FLAT_BETWEEN",
      expect.closeTo(10_638_000, -4),
      expect.closeTo(88_600, -2),
    ]);
    await readOn(world, "2026-11-05T10:00:00Z", 11_100_000);
    for (const at of ["2026-11-06T00:00:00Z", "2026-12-01T00:00:00Z", "2026-12-04T12:00:00Z"]) {
      world.nowMs = instant(at) * 1000;
      await world.look();
      await world.settle();
    }
    expect((await monthsOf(world)).filter(({ period }) => period < until)).toEqual(before);
  } finally {
    await world.dispose();
  }
});

test("a silence of a meter that was installed twenty years ago leaves the months before it as they are", async () => {
  const asked: number[] = [];
  const world = await openAggregatorWorld({
    nowMs: instant("2025-08-15T00:00:00Z") * 1000,
    timeZone: "Europe/Kyiv",
    settleSeconds: 0,
    ledgers: (ledgers) => ({
      ...ledgers,
      async open(...of) {
        const ledger = await ledgers.open(...of);
        return {
          ...ledger,
          latestOfMeter: async (meterId, from) => {
            asked.push(from);
            return ledger.latestOfMeter(meterId, from);
          },
        };
      },
    }),
  });
  try {
    await world.register(installedAt("2006-01-10T10:00:00Z"));
    await readOn(world, "2025-08-20T10:00:00Z", 10_000_000);
    await passMonths(world, january + 7, january + 20);
    asked.length = 0;
    await readOn(world, "2026-10-05T10:00:00Z", 11_000_000);
    expect(Math.min(...asked)).toBeGreaterThan(january - 24);
    const rows = await rowsOf(world);
    for (let period = january + 7; period < january + 21; period += 1) {
      expect(rows.get(period)).toMatchObject({ method: "FLAT_BETWEEN" });
    }
  } finally {
    await world.dispose();
  }
});

test.for(["no", "before it is refused"])(
  "when the reading that ended a silence is refused, its months are as before, restarted: %s",
  async (restarted) => {
    const world = await openAggregatorWorld({
      nowMs: instant("2025-01-04T00:00:00Z") * 1000,
      timeZone: "Europe/Kyiv",
      settleSeconds: 0,
    });
    try {
      await readOn(world, "2025-01-05T10:00:00Z", 10_000_000);
      await passMonths(world, january, january + 20);
      const before = await monthsOf(world);
      await readOn(world, "2026-10-20T10:00:00Z", 100_000_000);
      await passMonths(world, january + 21, january + 21);
      expect((await rowsOf(world)).get(january + 3)).toMatchObject({ method: "FLAT_BETWEEN" });

      if (restarted !== "no") await world.restart();
      world.nowMs = instant("2026-11-11T10:00:00Z") * 1000;
      const { channel } = registerSeries([]);
      const refused = readingCode("suspect", "operator", { revision: 1 });
      await world.deliver({
        meterId: "m-1",
        origin: "operator",
        note: "one digit too many",
        series: [{ channel, at: [instant("2026-10-20T10:00:00Z")], value: [100_000_000], code: [refused] }],
      });
      await world.settle();
      const found = (await monthsOf(world)).filter(({ shown: [method] }) => method !== "VOID");
      // In October something was read, if nothing that is believed.
      expect(found.filter(({ period }) => period < january + 21)).toEqual(before);
    } finally {
      await world.dispose();
    }
  },
);
