import fc from "fast-check";
import { expect, test } from "vitest";
import type { ExchangeResult, MeterExchange } from "./exchange-meters.ts";
import { exchangeMeters } from "./exchange-meters.ts";
import { begins, ends, installationAt, installationsOf, overlaps } from "./installations.ts";
import type { MeterRecord } from "./meter-record.ts";

const day = 86_400;
const register = { register: "1.8.0", unit: "Wh", multiplier: 40 } as const;
const other = { register: "7-0:3.0.0", unit: "L" } as const;
const old: MeterRecord = {
  meterId: "m-1",
  usagePointId: "up-1",
  registers: [register],
  installed: { at: 10 * day, values: { "1.8.0": 500 } },
};

function exchange(over: Partial<MeterExchange>, ...known: readonly MeterRecord[]): ExchangeResult {
  const asked = {
    usagePointId: "up-1",
    at: 20 * day,
    removed: { meterId: "m-1", values: { "1.8.0": 900 } },
    installed: { meterId: "m-2", values: { "1.8.0": 7 }, registers: [register] },
    ...over,
  };
  return exchangeMeters(asked, known, (at) => `day ${at / day}`);
}

test("both meters know when and with which values", () => {
  expect(exchange({}, old)).toEqual({
    meters: [
      { ...old, removed: { at: 20 * day, values: { "1.8.0": 900 } } },
      {
        meterId: "m-2",
        usagePointId: "up-1",
        registers: [register],
        installed: { at: 20 * day, values: { "1.8.0": 7 } },
      },
    ],
  });
});

test.for<[string, Partial<MeterExchange>, readonly MeterRecord[], string]>([
  ["values that nobody knows", { removed: { meterId: "m-1", values: {} } }, [old], "m-1 -20, m-2 20-"],
  ["an old meter without a record", {}, [], "m-1 -20, m-2 20-"],
  ["nothing to be removed", { removed: undefined }, [], "m-2 20-"],
  ["nothing to be installed", { installed: undefined }, [old], "m-1 -20"],
  ["another quantity at the point", { removed: undefined }, [{ ...old, registers: [other] }], "m-2 20-"],
  ["the second time", {}, (exchange({}, old) as { meters: readonly MeterRecord[] }).meters, "m-1 -20, m-2 20-"],
  [
    "a new meter that was at another point",
    {},
    [old, { ...old, meterId: "m-2", usagePointId: "up-0", removed: { at: 15 * day, values: {} } }],
    "m-1 -20, m-2 20-",
  ],
  ["a new meter of which only the place was said", {}, [old, { ...registered("m-2") }], "m-1 -20, m-2 20-"],
])("%s", ([, over, known, expected]) => {
  const result = exchange(over, ...known);
  if ("faults" in result) throw new Error(JSON.stringify(result.faults));
  const spans = result.meters.map(({ meterId, installed, removed }) =>
    removed === undefined ? `${meterId} ${(installed?.at ?? 0) / day}-` : `${meterId} -${removed.at / day}`,
  );
  expect(spans.join(", ")).toBe(expected);
});

test.for<[string, Partial<MeterExchange>, readonly MeterRecord[], string, string]>([
  ["the old meter is elsewhere", {}, [{ ...old, usagePointId: "up-9" }], "removed.meterId", "it is at up-9"],
  ["the old meter came later", { at: 5 * day }, [old], "removed.meterId", "it is nowhere"],
  [
    "the old meter left before",
    {},
    [{ ...old, removed: { at: 12 * day, values: {} } }],
    "removed.meterId",
    "left up-1 at day 12 already",
  ],
  [
    "the old meter is elsewhere by then",
    {},
    [
      {
        ...old,
        usagePointId: "up-2",
        installed: { at: 15 * day, values: {} },
        earlier: [{ usagePointId: "up-1", removed: { at: 15 * day, values: {} } }],
      },
    ],
    "removed.meterId",
    "left up-1 at day 15 already",
  ],
  [
    "the new meter is elsewhere",
    {},
    [old, { ...old, meterId: "m-2", usagePointId: "up-0" }],
    "installed.meterId",
    "m-2 is at up-0 from day 10 on",
  ],
  ["another meter counts the same", { removed: undefined }, [old], "removed", "m-1 is at up-1 since day 10"],
])("refused: %s", ([, over, known, field, message]) => {
  const result = exchange(over, ...known);
  expect(result).toMatchObject({ faults: [{ field, message: expect.stringContaining(message) }] });
});

function registered(meterId: string): MeterRecord {
  return { meterId, usagePointId: "up-1", registers: [register] };
}

const meter = fc.constantFrom("m-1", "m-2", "m-3");
const point = fc.constantFrom("up-1", "up-2");
const exchanges = fc.array(
  fc.record({
    usagePointId: point,
    at: fc.integer({ min: 1, max: 12 }),
    removed: fc.option(fc.record({ meterId: meter, values: fc.constant({}) }), { nil: undefined }),
    installed: fc.option(fc.record({ meterId: meter, values: fc.constant({}), registers: fc.constant([register]) }), {
      nil: undefined,
    }),
  }),
  { maxLength: 12 },
);

test("whatever is asked for, a meter is never at two places and a register never counted twice", () => {
  fc.assert(
    fc.property(exchanges, (all) => {
      const known = new Map<string, MeterRecord>();
      for (const one of all) {
        if (one.removed?.meterId === one.installed?.meterId) continue;
        const result = exchangeMeters(one, [...known.values()], String);
        if ("faults" in result) continue;
        for (const record of result.meters) known.set(record.meterId, record);
        if (one.installed !== undefined) {
          const now = known.get(one.installed.meterId) as MeterRecord;
          expect(installationAt(now, one.at)?.usagePointId).toBe(one.usagePointId);
        }
        const again = exchangeMeters(one, [...known.values()], String);
        expect(again).toEqual(result);
      }
      expectNoOverlap([...known.values()]);
    }),
    { numRuns: 2000 },
  );
});

function expectNoOverlap(records: readonly MeterRecord[]): void {
  const all = records.flatMap((record) => installationsOf(record).map((one) => ({ ...one, meterId: record.meterId })));
  for (const [index, one] of all.entries()) {
    expect(begins(one)).toBeLessThan(ends(one));
    for (const two of all.slice(index + 1)) {
      if (one.meterId === two.meterId || one.usagePointId === two.usagePointId)
        expect([one, two, overlaps(one, two)]).toEqual([one, two, false]);
    }
  }
}
