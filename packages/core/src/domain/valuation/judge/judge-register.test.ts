import fc from "fast-check";
import { expect, test } from "vitest";
import type { ReadingQuality } from "../../reading/reading.ts";
import { emptyColumns, pushReading, readingCode } from "../../reading/reading.ts";
import type { RegisterSpec } from "../known-meter.ts";
import { valuationRules } from "../valuation-rules.ts";
import { judgeRegister } from "./judge-register.ts";

const unknown: RegisterSpec = { multiplier: 1, modulus: undefined, hourlyMax: undefined };
const day = 86_400;

type Row = number | readonly [value: number, quality: ReadingQuality];

/** One reading a day; answers the rule against each, "" where it is credible. */
function judged(rows: readonly Row[], spec: RegisterSpec = unknown): string[] {
  const readings = emptyColumns();
  rows.forEach((row, index) => {
    const [value, quality] = typeof row === "number" ? [row, "actual" as const] : row;
    pushReading(readings, (index + 1) * day, value, readingCode(quality, "remote"));
  });
  const of = { register: "1.8.0", record: undefined, spec };
  const { readings: credible, findings } = judgeRegister(readings, of, valuationRules);
  const stands = new Set(credible.map(({ at }) => at));
  return readings.at.map((at) => (stands.has(at) ? "" : (findings.find((one) => one.at === at)?.rule ?? "?")));
}

const wraps: RegisterSpec = { multiplier: 1, modulus: 1000, hourlyMax: undefined };
const carries: RegisterSpec = { multiplier: 1, modulus: undefined, hourlyMax: 100 };

test.for<{ case: string; rows: readonly Row[]; spec?: RegisterSpec; against: readonly string[] }>([
  { case: "counts up", rows: [1, 2, 2, 5], against: ["", "", "", ""] },
  { case: "V13: a spike", rows: [100, 195, 1983, 198, 300], against: ["", "", "V13", "", ""] },
  { case: "V13: a dip", rows: [100, 195, 19, 198, 300], against: ["", "", "V13", "", ""] },
  { case: "V13: two in a row", rows: [100, 195, 1983, 1984, 198, 300], against: ["", "", "V13", "V13", "", ""] },
  { case: "V13: one against many at the start", rows: [5000, 1, 2, 3, 4], against: ["V13", "", "", "", ""] },
  { case: "V13: one against many at the end", rows: [1, 2, 3, 4, 0.5], against: ["", "", "", "", "V13"] },
  { case: "V13: one at the end against two even ones", rows: [10, 100, 195, 20], against: ["", "", "", "V13"] },
  { case: "V13: two that leap", rows: [100, 195, 1982, 1983, 198], against: ["", "", "V13", "V13", ""] },
  { case: "V13: two that leap, early", rows: [100, 1982, 1983, 104], against: ["", "V13", "V13", ""] },
  { case: "V13: two above the habit", rows: [1, 10, 19, 100, 195, 20], against: ["", "", "", "V13", "V13", ""] },
  {
    case: "one at the start against two even ones",
    rows: [0, 8000, 8004, 8009],
    spec: carries,
    against: ["V13", "", "", ""],
  },
  { case: "V13: one against one, nobody can tell", rows: [5000, 10], against: ["V13", "V13"] },
  { case: "V13: two that could each be wrong", rows: [100, 200, 150, 300], against: ["", "V13", "V13", ""] },
  { case: "a step: many on both sides", rows: [5000, 5001, 5002, 1, 2, 3], against: ["", "", "", "", "", ""] },
  { case: "V15: a zero", rows: [100, 0, 110], against: ["", "V15", ""] },
  { case: "V15: zeros that go on", rows: [100, 0, 0, 0, 0, 110], against: ["", "V15", "V15", "V15", "V15", ""] },
  { case: "a register that begins with zero", rows: [0, 0, 5], against: ["", "", ""] },
  { case: "V14: a wrap", rows: [950, 990, 5, 20], spec: wraps, against: ["", "", "", ""] },
  { case: "V14: to exactly 0", rows: [950, 990, 0, 20], spec: wraps, against: ["", "", "", ""] },
  { case: "no wrap from the middle of the range", rows: [500, 510, 5, 520], spec: wraps, against: ["", "", "V13", ""] },
  { case: "V17: more than can be used", rows: [100, 9000, 300], spec: carries, against: ["", "V17", ""] },
  { case: "V17: what can be used", rows: [100, 2700, 5300], spec: carries, against: ["", "", ""] },
  { case: "V24: what the meter calls suspect", rows: [100, [150, "suspect"], 200], against: ["", "V24", ""] },
  { case: "an estimate gives way", rows: [100, [500, "estimated"], 200], against: ["", "V13", ""] },
  { case: "an estimate between", rows: [100, [150, "estimated"], 200], against: ["", "", ""] },
  {
    case: "many estimates against one reading",
    rows: [100, ...Array<Row>(9).fill([500, "estimated"]), 200],
    against: ["", ...Array<string>(9).fill("V13"), ""],
  },
])("$case", ({ rows, spec, against }) => {
  const scaled = rows.map(
    (row): Row =>
      typeof row === "number"
        ? row * (spec === undefined ? 1000 : 1)
        : spec === undefined
          ? [row[0] * 1000, row[1]]
          : row,
  );
  expect(judged(scaled, spec)).toEqual(against);
});

test("a glitch of one reading is found wherever it stands, and nothing else is doubted", () => {
  const steps = fc.array(fc.integer({ min: 100, max: 900 }), { minLength: 6, maxLength: 60 });
  const glitch = fc.record({ at: fc.nat(1000), value: fc.constantFrom("zero", "ten times", "a tenth") });
  fc.assert(
    fc.property(steps, glitch, (used, { at, value }) => {
      let total = 100_000;
      const rows = used.map((amount) => (total += amount));
      const index = 2 + (at % (rows.length - 4));
      const right = rows[index] as number;
      rows[index] = value === "zero" ? 0 : value === "ten times" ? right * 10 : Math.floor(right / 10);
      const against = judged(rows);
      expect(against.map((rule, i) => (rule === "" ? -1 : i)).filter((i) => i >= 0)).toEqual([index]);
    }),
  );
});

test("however readings contradict each other, the credible ones never fall but at a step that is told", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { maxLength: 40 }), (values) => {
      const readings = emptyColumns();
      values.forEach((value, index) => pushReading(readings, (index + 1) * day, value, 0));
      const of = { register: "1.8.0", record: undefined, spec: unknown };
      const { readings: credible } = judgeRegister(readings, of, valuationRules);
      credible.forEach(({ value, course }, index) => {
        const before = credible[index - 1];
        if (before !== undefined && course !== "fell") expect(value).toBeGreaterThanOrEqual(before.value);
      });
    }),
  );
});
