import { hashOf, factsFromStore } from "@meterbook/aggregator/evaluate-meter";
import { composeSnapshot } from "@meterbook/core/domain/compose-snapshot";
import { localCalendar } from "@meterbook/core/domain/local-calendar";
import type { ReadingSeries } from "@meterbook/core/domain/reading";
import type { Snapshot } from "@meterbook/core/domain/snapshot";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { AggregatorWorld, TestReport } from "../support/aggregator-world.ts";
import { openAggregatorWorld } from "../support/aggregator-world.ts";
import { instant, intervalSeries, registerSeries } from "../support/readings.ts";

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
    odd: fc.array(fc.constantFrom("actual", "actual", "actual", "estimated", "suspect", "derived", "backwards"), { minLength: 10, maxLength: 10 }),
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
}

/** The same readings shuffled within `reach`, a tenth sent twice, in frames of some size, with restarts between. */
function journeys(sent: Sent[], reach: number): fc.Arbitrary<Journey> {
  return fc
    .record({
      seed: fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      framesOf: fc.integer({ min: 1, max: 40 }),
      restarts: fc.uniqueArray(fc.nat(30), { maxLength: 3 }),
    })
    .map(({ seed, framesOf, restarts }) => {
      const random = () => (seed.next().value as number | undefined) ?? 0.5;
      const keyed = sent.flatMap((one, index) => {
        const once = { one, place: index + random() * reach };
        return random() < 0.1 ? [once, { one, place: index + random() * reach }] : [once];
      });
      keyed.sort((a, b) => a.place - b.place);
      return { order: keyed.map(({ one }) => one), framesOf, restartAfter: new Set(restarts) };
    });
}

async function travel(world: AggregatorWorld, { order, framesOf, restartAfter }: Journey): Promise<void> {
  for (let i = 0, frame = 0; i < order.length; i += framesOf, frame += 1) {
    const reports: TestReport[] = order.slice(i, i + framesOf).map(({ meterId, series }) => ({ meterId, series: [series] }));
    await world.deliver(...reports);
    if (restartAfter.has(frame)) await world.restart();
  }
}

async function withWorld<Answer>(work: (world: AggregatorWorld) => Promise<Answer>): Promise<Answer> {
  const world = await openAggregatorWorld({ nowMs: now, timeZone: zone });
  try {
    return await work(world);
  } finally {
    await world.dispose();
  }
}

const inOrder = (sent: Sent[]): Journey => ({ order: sent, framesOf: 25, restartAfter: new Set() });

async function outcome(world: AggregatorWorld) {
  const { stored } = await world.totals();
  const book = await world.book("m-1", "m-2");
  const readings = await Promise.all(["m-1", "m-2"].map((meterId) => world.store.read(meterId, { from: 0, to: 2 ** 31 })));
  return { stored, readings, book: book.map(({ meterId, period, hash }) => ({ meterId, period, hash })) };
}

test("I2: any order, repeats and restarts give the same readings and the same hashes", { timeout: 240_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fleet.chain((sent) => fc.tuple(fc.constant(sent), fc.constantFrom(1, 20, 100_000).chain((reach) => journeys(sent, reach)))),
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
        expect(crooked?.book).toEqual(straight?.book);
        for (const one of [straight, crooked]) {
          // I1: every reading that was delivered is counted in exactly one place.
          const { stored, duplicates, conflicts } = one?.totals ?? { stored: 0, duplicates: 0, conflicts: 0 };
          expect(stored + duplicates + conflicts).toBe(one?.sent);
        }
      },
    ),
    { numRuns: 12 },
  );
});

test("I3: every issued snapshot is recomputed from the store alone with the same hash", { timeout: 240_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fleet.chain((sent) => fc.tuple(fc.constant(sent), journeys(sent, 20))),
      async ([, journey]) => {
        await withWorld(async (world) => {
          await travel(world, journey);
          await world.close();
          for (const meterId of ["m-1", "m-2"]) {
            const book = await world.book(meterId);
            expect(book.length).toBeGreaterThan(0);
            for (const snapshot of book) expect(await recomputed(world, snapshot, book)).toBe(snapshot.hash);
          }
        });
      },
    ),
    { numRuns: 12 },
  );
});

/** By way of the store only, whatever the aggregator remembered. */
async function recomputed(world: AggregatorWorld, snapshot: Snapshot, book: readonly Snapshot[]): Promise<string> {
  const { meterId, period } = snapshot;
  const span = { start: calendar.startOf(period), boundary: calendar.boundaryOf(period) };
  const stored = await world.store.meter(meterId);
  const channels = (stored?.channels ?? [])
    .filter(({ first, stepSeconds }) => calendar.periodOf(first.at - stepSeconds) <= period)
    .map((channel) => ({ channel, first: channel.first }));
  const readings = await world.store.read(meterId, { from: 0, to: 2 ** 31 });
  const previous = book.find((other) => other.period === period - 1)?.registers ?? [];
  return hashOf(composeSnapshot({ meterId, period, span, facts: factsFromStore(channels, span, readings), previous, record: undefined }));
}

test("I2: sending everything again changes no reading, no count of stored readings and issues nothing", { timeout: 240_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fleet, async (sent) => {
      await withWorld(async (world) => {
        await travel(world, inOrder(sent));
        await world.close();
        const before = await outcome(world);
        const revisions = await world.ledger.lastSequence();
        await world.restart();
        await travel(world, inOrder(sent));
        const { issued } = await world.close();
        expect(issued).toBe(0);
        expect(await world.ledger.lastSequence()).toBe(revisions);
        expect(await outcome(world)).toEqual(before);
      });
    }),
    { numRuns: 8 },
  );
});
