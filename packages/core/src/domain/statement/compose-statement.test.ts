import fc from "fast-check";
import { expect, test } from "vitest";
import type { MeterRecord } from "../registry/meter-record.ts";
import type { RegisterSnapshot, Snapshot } from "../snapshot/snapshot.ts";
import { voidContent, withoutReadings } from "../snapshot/snapshot.ts";
import { composeStatement, type IssuedMonth, type StatementInput } from "./compose-statement.ts";
import { statementText } from "./statement.ts";

const [start, boundary] = [1000, 2000];

function row(over: Partial<RegisterSnapshot> = {}): RegisterSnapshot {
  const base = { value: 300, opening: 100, consumption: 200, quality: "actual", method: "EXACT" } as const;
  return { ...withoutReadings("1.8.0", "Wh"), ...base, openingBasis: "previous", ...over };
}

function month(meterId: string, over: Partial<Snapshot> = {}): Snapshot {
  return {
    ...{ meterId, usagePointId: "up-1", period: 24_000, boundary, revision: 1, lifecycle: "final", issuedAtMs: 5 },
    ...{ reason: "", hash: `sha256:${meterId}`, registers: [row()] },
    ...over,
  };
}

const meter = (meterId: string, from?: number, to?: number): MeterRecord => ({
  ...{ meterId, usagePointId: "up-1", registers: [{ register: "1.8.0", unit: "Wh", multiplier: 40 }] },
  ...(from === undefined ? {} : { installed: { at: from, values: {} } }),
  ...(to === undefined ? {} : { removed: { at: to, values: {} } }),
});

const issued = (latest: Snapshot, firstFinal?: Snapshot): IssuedMonth => ({ latest, firstFinal });

function compose(months: readonly IssuedMonth[], over: Partial<StatementInput> = {}) {
  const span = { start, boundary };
  const whole = { usagePointId: "up-1", period: 24_000, span, issued: months, meters: [], point: null };
  return composeStatement({ ...whole, ...over });
}

test("two meters of one month: the sum, each with its time, and a hash over both", () => {
  const months = [
    issued(month("m-2", { registers: [row({ consumption: 50, openingBasis: "installation" })] })),
    issued(month("m-1", { registers: [row({ consumption: 80, quality: "derived" })] })),
  ];
  const statement = compose(months, { meters: [meter("m-1", 0, 1400), meter("m-2", 1400)] });
  expect(statement).toMatchObject({ isVoid: false, waitsFor: [] });
  expect(statement.registers).toMatchObject([
    {
      register: "1.8.0",
      consumption: 130,
      quality: "derived",
      correction: null,
      segments: [
        { meterId: "m-1", snapshotId: "m-1/2000-01/1", from: 1000, to: 1400, multiplier: 40 },
        { meterId: "m-2", from: 1400, to: 2000, openingAt: 1400 },
      ],
    },
  ]);
  expect(statementText(statement, "2000-01")).toBe("statement/1|up-1|2000-01\nm-1|sha256:m-1\nm-2|sha256:m-2");
});

test.for<[string, readonly MeterRecord[], readonly string[], string]>([
  ["nobody has said anything of the meter", [], ["m-1"], ""],
  ["a meter that was always there", [meter("m-1")], ["m-1"], ""],
  ["the point begins within the month", [meter("m-1", 1300)], ["m-1"], ""],
  ["removed, and no successor", [meter("m-1", 0, 1400)], ["m-1"], "no_meter 1400-2000"],
  ["a gap between two", [meter("m-1", 0, 1400), meter("m-2", 1500)], ["m-1", "m-2"], "no_meter 1400-1500"],
  ["another meter came before", [meter("m-0", 0, 900), meter("m-1", 1300)], ["m-1"], "no_meter 1000-1300"],
  ["two at a time", [meter("m-1", 0), meter("m-2", 1500)], ["m-1", "m-2"], "overlap m-2 1500-2000"],
  [
    "the successor's month is not issued",
    [meter("m-1", 0, 1400), meter("m-2", 1400)],
    ["m-1"],
    "no_meter 1400-2000, not_issued m-2 1400-2000",
  ],
])("it says what it waits for: %s", ([, meters, ids, expected]) => {
  const { waitsFor, registers } = compose(
    ids.map((id) => issued(month(id))),
    { meters },
  );
  const words = waitsFor.map(
    ({ reason, meterId, from, to }) => `${reason}${meterId === null ? "" : ` ${meterId}`} ${from}-${to}`,
  );
  expect(words.join(", ")).toBe(expected);
  expect(registers[0]?.quality).toBe(expected === "" ? "actual" : "incomplete");
});

test("where supply is cut no meter is missing", () => {
  const status = [{ validFrom: 1400, value: "dead" as const }];
  const point = { usagePointId: "up-1", status };
  expect(compose([issued(month("m-1"))], { meters: [meter("m-1", 0, 1400)], point }).waitsFor).toEqual([]);
});

test("a part without a consumption leaves none to the sum, and is waited for", () => {
  const silent = month("m-2", { registers: [row({ consumption: null, quality: "missing", method: "MISSING" })] });
  const meters = [meter("m-1", 0, 1400), meter("m-2", 1400)];
  const { registers, waitsFor } = compose([issued(month("m-1")), issued(silent)], { meters });
  expect(registers).toMatchObject([{ consumption: null, quality: "missing" }]);
  expect(waitsFor).toMatchObject([{ reason: "no_value", meterId: "m-2", register: "1.8.0" }]);
});

test("a late exchange: the right point says how much more it is, the wrong one is void", () => {
  const before = month("m-2", { usagePointId: "m-2" });
  const after = month("m-2", { revision: 2, lifecycle: "revised" });
  const right = compose([issued(month("m-1")), issued(after, before)], {
    meters: [meter("m-1", 0, 1400), meter("m-2", 1400)],
  });
  expect(right.registers).toMatchObject([{ consumption: 400, correction: 200 }]);
  const wrong = compose([issued(after, before)], { usagePointId: "m-2" });
  expect(wrong).toMatchObject({ isVoid: true, waitsFor: [], sources: [{ snapshotId: "m-2/2000-01/2" }] });
  expect(wrong.registers).toMatchObject([{ consumption: null, correction: -200, segments: [] }]);
  const taken = month("m-1", { ...voidContent(month("m-1")), revision: 2 });
  expect(compose([issued(taken)])).toMatchObject({ isVoid: true, registers: [] });
});

test("whatever the meters and their order, the sum is that of the parts and each second is named once or is waited for", () => {
  const cut = fc.uniqueArray(fc.integer({ min: start + 1, max: boundary - 1 }), { maxLength: 5 });
  fc.assert(
    fc.property(cut, fc.array(fc.nat(1000), { minLength: 6, maxLength: 6 }), fc.nat(5), (cuts, amounts, absent) => {
      const edges = [Number.NEGATIVE_INFINITY, ...cuts.sort((a, b) => a - b), Number.POSITIVE_INFINITY];
      const meters = edges.slice(1).map((to, i) => {
        const from = edges[i] as number;
        return meter(`m-${i}`, Number.isFinite(from) ? from : undefined, Number.isFinite(to) ? to : undefined);
      });
      const months = meters.map(({ meterId }, i) =>
        issued(month(meterId, { registers: [row({ consumption: amounts[i] ?? 0 })] })),
      );
      const known = months.filter((_, i) => i !== absent);
      const statement = compose(known, { meters });
      expect(compose(known.toReversed(), { meters: meters.toReversed() })).toEqual(statement);
      if (known.length === 0) return;
      const [register] = statement.registers;
      expect(register?.consumption).toBe(
        known.reduce((sum, { latest }) => sum + (latest.registers[0]?.consumption ?? 0), 0),
      );
      const covered = register?.segments.reduce((sum, { from, to }) => sum + to - from, 0) ?? 0;
      const waited = statement.waitsFor
        .filter(({ reason }) => reason === "no_meter")
        .reduce((sum, { from, to }) => sum + to - from, 0);
      expect(covered + waited).toBe(boundary - start);
    }),
  );
});

test("a meter that moved: each of both points has its own rows, and they tile its time", () => {
  const left = row({ usagePointId: "up-0", to: 1400, value: 180, consumption: 80 });
  const came = row({ from: 1400, opening: 180, value: 300, consumption: 120 });
  const registers = [{ register: "1.8.0", unit: "Wh" as const, multipliers: [{ validFrom: 1700, multiplier: 3 }] }];
  const moved: MeterRecord = {
    ...meter("m-1", 1400),
    registers,
    earlier: [{ usagePointId: "up-0", removed: { at: 1400, values: {} } }],
  };
  const months = [issued(month("m-1", { registers: [left, came] }))];
  const before = compose(months, { usagePointId: "up-0", meters: [moved, meter("m-0", 1400)] });
  expect(before.registers).toMatchObject([{ consumption: 80, segments: [{ from: 1000, to: 1400, closing: 180 }] }]);
  const after = compose(months, { meters: [moved] });
  expect(after.waitsFor).toEqual([]);
  expect(after.registers).toMatchObject([{ consumption: 120, segments: [{ from: 1400, to: 2000, opening: 180 }] }]);
  expect(before.sources).toEqual(after.sources);
});

test("a meter that left and came back within the month, and another multiplier", () => {
  const rows = [
    row({ to: 1300, value: 130, consumption: 30 }),
    row({ usagePointId: "up-0", from: 1300, to: 1500, opening: 130, value: 150, consumption: 20 }),
    row({ from: 1500, to: 1700, opening: 150, value: 170, consumption: 20 }),
    row({ from: 1700, opening: 170, value: 200, consumption: 90 }),
  ];
  const registers = [{ register: "1.8.0", unit: "Wh" as const, multipliers: [{ validFrom: 1700, multiplier: 3 }] }];
  const there: MeterRecord = {
    ...meter("m-1", 1500),
    registers,
    earlier: [
      { usagePointId: "up-1", removed: { at: 1300, values: {} } },
      { usagePointId: "up-0", installed: { at: 1300, values: {} }, removed: { at: 1500, values: {} } },
    ],
  };
  const statement = compose([issued(month("m-1", { registers: rows }))], { meters: [there, meter("m-2", 1300, 1500)] });
  expect(statement.waitsFor).toMatchObject([{ reason: "no_meter", from: 1300, to: 1500 }, { reason: "not_issued" }]);
  expect(statement.registers[0]).toMatchObject({
    consumption: 140,
    segments: [
      { from: 1000, to: 1300, multiplier: 1 },
      { from: 1500, to: 1700, multiplier: 1 },
      { from: 1700, to: 2000, multiplier: 3 },
    ],
  });
});
