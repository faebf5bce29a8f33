import { hashOf } from "@meterbook/aggregator/evaluate/evaluate-meter";
import { knownChannels } from "@meterbook/aggregator/evaluate/month-of-meter";
import { channelKey, type ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { type Snapshot, snapshotId } from "@meterbook/core/domain/snapshot/snapshot";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import { pastMonths } from "@meterbook/core/domain/valuation/estimation/past-month";
import { monthContent } from "@meterbook/core/domain/valuation/month-content";
import fc from "fast-check";
import { expect, test } from "vitest";
import { instant, intervalSeries, registerSeries } from "../support/readings.ts";
import type { AggregatorWorld, OpenSeries } from "../support/worlds/aggregator-world.ts";
import { openAggregatorWorld } from "../support/worlds/aggregator-world.ts";
import type { TestReport } from "../support/worlds/scripted-log.ts";

const zone = "Europe/Kyiv";
const calendar = localCalendar(zone);
const now = Date.parse("2026-11-20T12:00:00Z");
const from = instant("2026-08-20T00:00:00Z");
const to = instant("2026-11-10T00:00:00Z");

/** One reading on its way, the smallest thing that can be lost, repeated or overtaken. */
type Sent = { readonly meterId: string; readonly series: ReadingSeries };

/** Registers and profiles of two meters, thinned out so that months close by every method, with a few bad apples. */
const fleet: fc.Arbitrary<Sent[]> = fc
  .record({
    gaps: fc.array(fc.integer({ min: 1, max: 96 }), { minLength: 40, maxLength: 120 }),
    use: fc.array(fc.nat(400), { minLength: 40, maxLength: 120 }),
    odd: fc.array(fc.constantFrom("actual", "actual", "actual", "estimated", "suspect", "derived", "backwards"), {
      minLength: 10,
      maxLength: 10,
    }),
    profileFrom: fc.nat(60),
  })
  .map(({ gaps, use, odd, profileFrom }) => {
    const sent: Sent[] = [];
    let at = from;
    let total = 10_000;
    for (let i = 0; at < to; i += 1) {
      at += (gaps[i % gaps.length] as number) * 900;
      total += use[i % use.length] as number;
      const oddity = i % 7 === 3 ? odd[i % odd.length] : "actual";
      const value = oddity === "backwards" ? Math.max(0, total - 5000) : total;
      const quality = oddity === "backwards" ? "actual" : (oddity as "actual");
      sent.push({ meterId: "m-1", series: registerSeries([[at, value, quality]]) });
      if (i >= profileFrom && i % 2 === 0) sent.push({ meterId: "m-1", series: intervalSeries([[at, 40]], 900) });
      sent.push({ meterId: "m-2", series: intervalSeries([[at, use[i % use.length] as number]], 900, "2.8.0") });
    }
    return sent;
  });

interface Journey {
  readonly order: Sent[];
  readonly framesOf: number;
  readonly restartAfter: ReadonlySet<number>;
  /** After these frames what is there so far is issued. */
  readonly closeAfter: ReadonlySet<number>;
}

/** The same readings shuffled within `reach`, a tenth sent twice, in frames of some size, with restarts between. */
function journeys(sent: Sent[], reach: number): fc.Arbitrary<Journey> {
  return fc
    .record({
      seed: fc.infiniteStream(fc.integer({ min: 0, max: 999 }).map((n) => n / 1000)),
      framesOf: fc.integer({ min: 1, max: 40 }),
      restarts: fc.uniqueArray(fc.nat(30), { maxLength: 3 }),
      closes: fc.uniqueArray(fc.nat(30), { maxLength: 5 }),
    })
    .map(({ seed, framesOf, restarts, closes }) => {
      const random = () => (seed.next().value as number | undefined) ?? 0.5;
      const keyed = sent.flatMap((one, index) => {
        const once = { one, place: index + random() * reach };
        return random() < 0.1 ? [once, { one, place: index + random() * reach }] : [once];
      });
      keyed.sort((a, b) => a.place - b.place);
      return {
        order: keyed.map(({ one }) => one),
        framesOf,
        restartAfter: new Set(restarts),
        closeAfter: new Set(closes),
      };
    });
}

async function travel(world: AggregatorWorld, { order, framesOf, restartAfter, closeAfter }: Journey): Promise<void> {
  for (let i = 0, frame = 0; i < order.length; i += framesOf, frame += 1) {
    const reports: TestReport[] = order
      .slice(i, i + framesOf)
      .map(({ meterId, series }) => ({ meterId, series: [series] }));
    await world.deliver(...reports);
    if (closeAfter.has(frame)) await world.close();
    if (restartAfter.has(frame)) await world.restart();
  }
}

const inOrder = (sent: Sent[]): Journey => ({
  order: sent,
  framesOf: 25,
  restartAfter: new Set(),
  closeAfter: new Set(),
});

async function outcome(world: AggregatorWorld) {
  const { stored } = await world.totals();
  const issued = await world.issued("m-1", "m-2");
  const readings = await Promise.all(
    ["m-1", "m-2"].map((meterId) => world.store.read(meterId, { from: 0, to: 2 ** 31 })),
  );
  // Channels stand in the order in which they were met.
  const byChannel = readings.map((series) =>
    series.toSorted((a, b) => (channelKey(a.channel) < channelKey(b.channel) ? -1 : 1)),
  );
  return {
    stored,
    readings: byChannel,
    issued: issued.map(({ meterId, period, hash }) => ({ meterId, period, hash })),
  };
}

/** A meter that reports live over two month ends, with at most one oddity in its life. */
const liveMeter = fc.record({
  stepHours: fc.constantFrom(1, 1, 5, 24, 60),
  offsetSeconds: fc.constantFrom(0, 0, 30, 600),
  use: fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 5, maxLength: 9 }),
  oddAt: fc.integer({ min: 1, max: 99 }).map((percent) => percent / 100),
  odd: fc.constantFrom("backwards", "estimated", "late", "none", "suspect", "very late", "first comes last"),
  withProfile: fc.boolean(),
});

const liveFrom = calendar.startOf(2026 * 12 + 8) - 9 * 86_400;
const liveTo = calendar.startOf(2026 * 12 + 9) + 6 * 86_400;

/** What the meters send, each reading with the time at which it arrives. */
function liveReadings(
  meters: readonly (typeof liveMeter extends fc.Arbitrary<infer Meter> ? Meter : never)[],
): (Sent & { arrives: number })[] {
  const sent = meters.flatMap((meter, index) => {
    const readings: (Sent & { arrives: number })[] = [];
    const meterId = `live-${index}`;
    let total = 100_000;
    const count = Math.floor((liveTo - liveFrom) / (meter.stepHours * 3600));
    const odd = Math.floor(meter.oddAt * (count - 1));
    for (let i = 0; i < count; i += 1) {
      const at = liveFrom + i * meter.stepHours * 3600 + meter.offsetSeconds;
      total += meter.use[i % meter.use.length] as number;
      const oddity = i === odd ? meter.odd : "none";
      const value = oddity === "backwards" ? 5 : total;
      const quality = oddity === "estimated" || oddity === "suspect" ? oddity : "actual";
      const delay =
        oddity === "late"
          ? 7200
          : oddity === "very late"
            ? 8 * 86_400
            : i === 0 && meter.odd === "first comes last"
              ? 45 * 86_400
              : 0;
      readings.push({ meterId, series: registerSeries([[at, value, quality]]), arrives: at + delay });
      if (meter.withProfile && meter.offsetSeconds === 0) {
        readings.push({ meterId, series: intervalSeries([[at, 7]], 3600, "2.8.0"), arrives: at + delay });
        if (i % 5 !== 0) readings.push({ meterId, series: intervalSeries([[at, 3]], 3600), arrives: at + delay });
      }
    }
    return readings;
  });
  return sent.sort((a, b) => a.arrives - b.arrives);
}

async function expectHonestMonths(world: AggregatorWorld, meterId: string): Promise<void> {
  const issued = await world.issued(meterId);
  expect(issued.map(({ period }) => period)).toEqual([2026 * 12 + 7, 2026 * 12 + 8]);
  for (const snapshot of issued) {
    expect(await recomputed(world, snapshot, issued), `${meterId} ${snapshot.period}`).toBe(snapshot.hash);
    const revisions = await world.ledger.revisions(meterId, snapshot.period);
    expect(revisions.map(({ revision }) => revision)).toEqual(revisions.map((_, i) => i + 1));
    const stages = revisions.map(({ lifecycle }) => ["provisional", "final", "revised"].indexOf(lifecycle));
    expect([...stages].sort()).toEqual(stages);
    expect(stages.filter((stage) => stage === 1)).toHaveLength(1);
  }
}

/** By way of the store only, whatever the aggregator remembered. */
async function recomputed(world: AggregatorWorld, snapshot: Snapshot, issued: readonly Snapshot[]): Promise<string> {
  const { meterId, period } = snapshot;
  const stored = await world.store.meter(meterId);
  const channels = (stored?.channels ?? [])
    .filter(({ first, stepSeconds }) => calendar.periodOf(first.at - stepSeconds) <= period)
    .map((channel) => ({ channel, first: channel.first }));
  const readings = await world.store.read(meterId, { from: 0, to: 2 ** 31 });
  const previous = issued.find((other) => other.period === period - 1)?.registers ?? [];
  const named = new Set(snapshot.registers.flatMap(({ estimate }) => estimate?.inputs ?? []));
  const revisions = await Promise.all(issued.map((other) => world.ledger.revisions(meterId, other.period)));
  const history = revisions
    .flat()
    .filter((other) => named.has(snapshotId(other)))
    .flatMap((other) => pastMonths(other, calendar));
  return hashOf(
    monthContent(
      { meterId, record: undefined, channels: knownChannels(channels, readings), history },
      period,
      calendar,
      previous,
    ),
  );
}

export interface InvariantsUnderTest {
  /** A series store of its own for each world; embedded where it answers undefined. */
  newSeries(): Promise<OpenSeries | undefined>;
  /** Of the runs of each property, 1 = all. */
  readonly share: number;
}

/** The invariants of the design (I1 to I4) over the aggregator on one series store. */
export function aggregatorInvariants({ newSeries, share }: InvariantsUnderTest): void {
  const runs = (count: number) => Math.ceil(count * share);

  async function withWorld<Answer>(work: (world: AggregatorWorld) => Promise<Answer>): Promise<Answer> {
    const world = await openAggregatorWorld({ nowMs: now, timeZone: zone, series: await newSeries() });
    try {
      return await work(world);
    } finally {
      await world.dispose();
    }
  }

  test("I2: any order, repeats and restarts give the same readings and the same hashes", {
    timeout: 240_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fleet.chain((sent) =>
          fc.tuple(
            fc.constant(sent),
            fc.constantFrom(1, 20, 100_000).chain((reach) => journeys(sent, reach)),
          ),
        ),
        async ([sent, journey]) => {
          const [straight, crooked] = await Promise.all(
            [inOrder(sent), journey].map((way) =>
              withWorld(async (world) => {
                await travel(world, way);
                await world.close();
                return { ...(await outcome(world)), totals: await world.totals(), sent: way.order.length };
              }),
            ),
          );
          expect(crooked?.readings).toEqual(straight?.readings);
          expect(crooked?.issued).toEqual(straight?.issued);
          for (const one of [straight, crooked]) {
            // I1: every reading that was delivered is counted in exactly one place.
            const { stored, duplicates, conflicts } = one?.totals ?? { stored: 0, duplicates: 0, conflicts: 0 };
            expect(stored + duplicates + conflicts).toBe(one?.sent);
          }
        },
      ),
      { numRuns: runs(12), endOnFailure: true },
    );
  });

  test("I3, I4: what was issued live, from memory, is what the store alone gives; revisions only ever follow", {
    timeout: 240_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(liveMeter, { minLength: 3, maxLength: 6 }),
        fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 6 }),
        fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 1 }),
        async (meters, closes, restarts) => {
          const series = await newSeries();
          const world = await openAggregatorWorld({ nowMs: liveFrom * 1000, timeZone: zone, settleSeconds: 1, series });
          try {
            const sent = liveReadings(meters);
            const framesOf = Math.ceil(sent.length / 60);
            for (let i = 0, frame = 0; i < sent.length; i += framesOf, frame += 1) {
              const reports = sent.slice(i, i + framesOf);
              world.nowMs = Math.max(world.nowMs, (reports.at(-1)?.arrives ?? 0) * 1000);
              await world.deliver(...reports.map(({ meterId, series }) => ({ meterId, series: [series] })));
              if (closes.includes(frame)) await world.close();
              if (restarts.includes(frame)) await world.restart();
            }
            world.nowMs = Math.max(world.nowMs, (liveTo + 86_400) * 1000) + 60_000;
            await world.settle();
            await world.close();
            for (let index = 0; index < meters.length; index += 1) await expectHonestMonths(world, `live-${index}`);
          } finally {
            await world.dispose();
          }
        },
      ),
      { numRuns: runs(25), endOnFailure: true },
    );
  });

  test.for([
    { first: "actual", second: "actual", kept: 100, replaces: false },
    { first: "estimated", second: "actual", kept: 200, replaces: true },
    { first: "estimated", second: "derived", kept: 200, replaces: true },
    { first: "actual", second: "estimated", kept: 100, replaces: false },
    { first: "suspect", second: "estimated", kept: 200, replaces: true },
  ] as const)("a conflict: $first 100, then $second 200", async ({ first, second, kept, replaces }) => {
    await withWorld(async (world) => {
      const at = from + 900;
      await world.deliver({
        meterId: "m-1",
        series: [
          registerSeries([
            [at, 100, first],
            [at + 900, 300],
          ]),
        ],
      });
      const conflicting = { meterId: "m-1", series: [registerSeries([[at, 200, second]])] };
      await world.deliver(conflicting);
      await world.deliver(conflicting);
      const [series] = await world.store.read("m-1", { from: at, to: at });
      expect(series?.value).toEqual([kept]);
      const conflicts = await world.store.conflictsOf("m-1", { afterId: 0, limit: 10 });
      expect(conflicts.map((one) => [one.kept.value, one.refused.value])).toEqual([replaces ? [200, 100] : [100, 200]]);
      // The repetition of a value that is known, kept or refused, is a duplicate.
      expect(await world.totals()).toMatchObject({ stored: 2, conflicts: 1, duplicates: 1 });
    });
  });

  test("I2: sending everything again changes no reading, no count of stored readings and issues nothing", {
    timeout: 240_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fleet, async (sent) => {
        await withWorld(async (world) => {
          await travel(world, inOrder(sent));
          await world.close();
          const before = await outcome(world);
          const revisions = await world.ledger.lastPlace();
          await world.restart();
          await travel(world, inOrder(sent));
          await world.close();
          expect(await world.ledger.lastPlace()).toEqual(revisions);
          expect(await outcome(world)).toEqual(before);
        });
      }),
      { numRuns: runs(8), endOnFailure: true },
    );
  });
}
