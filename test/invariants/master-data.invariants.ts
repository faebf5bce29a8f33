// Goal: the same master data there and back gives the same bills (H04).
// Method: two meters with the same readings. One of them is given other master data for a while, in any order with
// readings, closes and restarts; at the end both have the same record.

import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import { canonicalContent } from "@meterbook/core/domain/snapshot/canonical-content";
import { isVoid, periodName, type Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import fc from "fast-check";
import { expect, test } from "vitest";
import { instant, intervalSeries, registerSeries } from "../support/readings.ts";
import type { AggregatorWorld } from "../support/worlds/aggregator-world.ts";
import { openAggregatorWorld } from "../support/worlds/aggregator-world.ts";
import type { TestReport } from "../support/worlds/scripted-log.ts";
import type { InvariantsUnderTest } from "./aggregator.invariants.ts";

type Change = Partial<Omit<MeterRecord, "meterId">>;

/** Zones whose months begin earlier, later, and at midnights that a clock change moves or takes away. */
const zones = [
  "UTC",
  "Pacific/Kiritimati",
  "Pacific/Honolulu",
  "Africa/Cairo",
  "Asia/Amman",
  "America/Asuncion",
  "Pacific/Apia",
] as const;

const september = instant("2026-08-31T21:00:00Z");
const october = instant("2026-09-30T21:00:00Z");
const day = 86_400;

const place = fc.constantFrom(
  instant("2025-03-10T00:00:00Z"),
  september - 40 * day,
  september,
  october - 3600,
  october,
  instant("2026-10-15T12:00:00Z"),
  instant("2026-11-20T00:00:00Z"),
);

const values = fc.constantFrom({}, { "1.8.0": 90_000 }, { "1.8.0": 90_000, "2.8.0": 5 });
const event = fc.record({ at: place, values });
const digits = fc.constantFrom(5, 6, 8);
const multiplier = fc.constantFrom(1, 40, 1_000_000);
const registers = fc
  .record({ digits, multiplier, isMore: fc.boolean() })
  .map(({ isMore, ...entry }) => [
    { register: "1.8.0", unit: "Wh" as const, ...entry },
    ...(isMore ? [{ register: "3.8.0", unit: "varh" as const }] : []),
  ]);

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ zone: fc.constantFrom(...zones) }) },
  fc.record({ registers }),
  fc.record({ installed: event }),
  fc.record({ removed: event }),
  fc.record({ usagePointId: fc.constantFrom("up-1", "up-2") }),
  fc.record({ stepSeconds: fc.constantFrom(900, 3600), connectionPowerW: fc.constantFrom(5000, 10_000) }),
  fc.record({ zone: fc.constantFrom(...zones), registers, installed: event, removed: event }),
);

const base: fc.Arbitrary<Change> = fc.oneof(fc.constant({}), change);

type Step =
  | { readonly kind: "change"; readonly change: Change; readonly how: "running" | "stopped" | "twice" }
  | { readonly kind: "close" | "restart" | "settle" | "back" | "default zone back" | "kill" }
  | { readonly kind: "default zone"; readonly zone: string };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("change" as const),
      change,
      how: fc.constantFrom("running" as const, "stopped" as const, "twice" as const),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: "close" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "restart" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "kill" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "settle" as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: "back" as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("default zone" as const), zone: fc.constantFrom(...zones) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "default zone back" as const }) },
);

/** When a meter begins, how often it reports, and after how many reports it says nothing for a long time. */
const life = fc.record({
  from: fc.constantFrom(september - 4 * day, september, october - 3600, october, october + 3600),
  days: fc.constantFrom(40, 75),
  stepHours: fc.constantFrom(1, 1, 5, 24, 60),
  offsetSeconds: fc.constantFrom(0, 0, 45, 600),
  use: fc.array(fc.integer({ min: 0, max: 900 }), { minLength: 5, maxLength: 9 }),
  withProfile: fc.boolean(),
  silentDays: fc.constantFrom(0, 0, 0, 420),
  late: fc.constantFrom(0, 0, 7),
});
type Life = typeof life extends fc.Arbitrary<infer Of> ? Of : never;

interface Arriving {
  readonly series: TestReport["series"][number];
  readonly arrives: number;
}

function readingsOf({ from, days, stepHours, offsetSeconds, use, withProfile, silentDays, late }: Life): Arriving[] {
  const count = Math.floor((days * 24) / stepHours);
  let total = 100_000;
  const sent = Array.from({ length: count }, (_, i) => {
    const at = from + i * stepHours * 3600 + offsetSeconds + (i > count / 2 ? silentDays * day : 0);
    total += use[i % use.length] as number;
    const arrives = at + (late > 0 && i % late === 1 ? 9 * day : 0);
    const readings = [registerSeries([[at, total]])];
    if (withProfile && offsetSeconds === 0) readings.push(intervalSeries([[at, 7]], 3600, "2.8.0"));
    return readings.map((series) => ({ series, arrives }));
  });
  return sent.flat().sort((a, b) => a.arrives - b.arrives);
}

const defaultZone = "Europe/Kyiv";
const changed = "m-changed";
const unchanged = "m-twin";
const isMoreOften = 30;

interface Journey {
  readonly life: Life;
  readonly base: Change;
  /** What happens before which part of the readings. */
  readonly steps: readonly (readonly [number, Step])[];
}

const journey: fc.Arbitrary<Journey> = fc.record({
  life,
  base,
  steps: fc.array(fc.tuple(fc.nat(isMoreOften), step), { minLength: 2, maxLength: 10 }),
});

/** Its December is final in the other zone, and two hours from it in its own. */
const closedInAnEarlierZone: Journey = {
  life: {
    from: october,
    days: 40,
    stepHours: 1,
    offsetSeconds: 0,
    use: [0, 748, 391, 213, 796],
    withProfile: false,
    silentDays: 420,
    late: 0,
  },
  base: {},
  steps: [
    [17, { kind: "default zone", zone: "Pacific/Apia" }],
    [29, { kind: "close" }],
  ],
};

/**
 * In the other zone it had a month more at the beginning, which is taken back. Then it says nothing for a long time.
 */
const silentAfterAnotherZone: Journey = {
  life: { ...closedInAnEarlierZone.life, from: september, use: [0, 0, 0, 0, 0] },
  base: { installed: { at: september, values: {} } },
  steps: [
    [0, { kind: "default zone", zone: "UTC" }],
    [0, { kind: "settle" }],
    [1, { kind: "restart" }],
  ],
};

function recordOf(meterId: string, first: Change, over: Change = {}): MeterRecord {
  const registers = [{ register: "1.8.0", unit: "Wh" as const }];
  return { meterId, usagePointId: "up-1", registers, ...first, ...over };
}

/** A process that can be made to die behind its next append to the ledger. */
interface Mortal {
  readonly world: AggregatorWorld;
  readonly fate: Fate;
}

interface Fate {
  /** Called when it dies; where absent it lives on. */
  die?: (() => void) | undefined;
}

async function take({ world, fate }: Mortal, what: Step, first: Change): Promise<void> {
  const { kind } = what;
  if (kind === "close") await world.close();
  else if (kind === "restart") await world.restart();
  else if (kind === "settle") await world.look();
  else if (kind === "back") await world.register(recordOf(changed, first));
  else if (kind === "kill") {
    await kill({ world, fate });
  } else if (kind === "change") await changeBy(world, recordOf(changed, first, what.change), what.how);
  else {
    world.timeZone = kind === "default zone" ? what.zone : defaultZone;
    await world.restart();
  }
}

/** What was appended is issued, and nobody has noted it. */
async function kill({ world, fate }: Mortal): Promise<void> {
  const death = Promise.withResolvers<void>();
  fate.die = death.resolve;
  await Promise.race([world.close().catch(() => undefined), death.promise]);
  fate.die = undefined;
  await world.restart();
}

async function changeBy(world: AggregatorWorld, record: MeterRecord, how: "running" | "stopped" | "twice") {
  if (how === "stopped") return world.restart(undefined, [record]);
  if (how === "twice") await world.register({ ...record, zone: "Asia/Kathmandu" });
  await world.register(record);
}

async function travel(mortal: Mortal, { life: of, base: first, steps }: Journey): Promise<void> {
  const { world } = mortal;
  // Whatever becomes of the default zone.
  await world.register({ zone: defaultZone, ...recordOf(unchanged, first) });
  await world.register(recordOf(changed, first));
  const sent = readingsOf(of);
  const framesOf = Math.ceil(sent.length / isMoreOften);
  for (let part = 0; part <= isMoreOften; part += 1) {
    for (const [when, what] of steps) if (when === part) await take(mortal, what, first);
    const readings = sent.slice(part * framesOf, (part + 1) * framesOf);
    if (readings.length === 0) continue;
    world.nowMs = Math.max(world.nowMs, (readings.at(-1)?.arrives ?? 0) * 1000);
    await world.deliver(
      ...readings.flatMap(({ series }) => [changed, unchanged].map((meterId) => ({ meterId, series: [series] }))),
    );
  }
}

/** What a bill is made of, without whose it is. */
function billOf(snapshot: Snapshot): string {
  return `${periodName(snapshot.period)} ${canonicalContent({ ...snapshot, meterId: "m" })}`;
}

const isForGood = ({ lifecycle }: Snapshot) => lifecycle !== "provisional";

/**
 * A month that became final while its meter was in a zone whose months end earlier stays so, back in a zone where its
 * window is open for some hours more. Nothing that is final becomes provisional again.
 */
async function expectSameBills(world: AggregatorWorld, windowsAre: "open" | "over"): Promise<void> {
  const [mine, twin] = (await Promise.all([world.issued(changed), world.issued(unchanged)])).map((issued) =>
    issued.filter((one) => !isVoid(one)),
  ) as [Snapshot[], Snapshot[]];
  expect(mine.map(billOf)).toEqual(twin.map(billOf));
  const early = mine.filter((one, i) => isForGood(one) && !isForGood(twin[i] as Snapshot));
  expect(twin.filter((one, i) => isForGood(one) && !isForGood(mine[i] as Snapshot))).toEqual([]);
  if (windowsAre === "over") expect(early).toEqual([]);
  for (const { period } of mine) {
    const revisions = await world.ledger.revisions(changed, period);
    expect(revisions.map(({ revision }) => revision)).toEqual(revisions.map((_, i) => i + 1));
    const stages = revisions.map(({ lifecycle }) => ["provisional", "final", "revised"].indexOf(lifecycle));
    expect([...stages].sort()).toEqual(stages);
  }
}

export function masterDataInvariants({ newSeries, share }: InvariantsUnderTest): void {
  test("H04: master data there and back gives the bills of a meter that was never changed", {
    timeout: 400_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(journey, async (way) => {
        const series = await newSeries();
        const nowMs = (september - 5 * day) * 1000;
        const fate: Fate = {};
        const crashPoint = (name: string) => {
          if (fate.die === undefined || name !== "snapshot-issued") return;
          fate.die();
          throw new Error("killed");
        };
        const options = { nowMs, timeZone: defaultZone, settleSeconds: 1, series, crashPoint };
        const world = await openAggregatorWorld(options);
        try {
          await travel({ world, fate }, way);
          await world.register(recordOf(changed, way.base));
          if (world.timeZone !== defaultZone) await take({ world, fate }, { kind: "default zone back" }, way.base);
          await world.close();
          await expectSameBills(world, "open");
          world.nowMs += 40 * day * 1000;
          await world.look();
          await world.close();
          await expectSameBills(world, "over");
        } finally {
          await world.dispose();
        }
      }),
      {
        numRuns: Math.ceil(60 * share),
        endOnFailure: false,
        examples: [[closedInAnEarlierZone], [silentAfterAnotherZone]],
      },
    );
  });
}
