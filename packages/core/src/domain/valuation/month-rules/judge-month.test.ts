import fc from "fast-check";
import { expect, test } from "vitest";
import type { MeterRecord } from "../../registry/meter-record.ts";
import type { RegisterSnapshot } from "../../snapshot/snapshot.ts";
import { withoutReadings } from "../../snapshot/snapshot.ts";
import { closingsOf } from "../month.ts";
import { valuationRules } from "../valuation-rules.ts";
import { highOrLow, judgeMonth } from "./judge-month.ts";

const day = 86_400;
const span = { start: 1000 * day, boundary: 1030 * day };

function row(register: string, kWh: number | null, of: Partial<RegisterSnapshot> = {}): RegisterSnapshot {
  const read = { consumption: kWh === null ? null : kWh * 1000, quality: "actual", method: "EXACT" } as const;
  return { ...withoutReadings(register, "Wh"), openingAt: span.start, ...(kWh === null ? {} : read), ...of };
}

function record(registers: readonly string[], of: Partial<MeterRecord> = {}): MeterRecord {
  const entries = registers.map((register) => ({ register, unit: "Wh" as const }));
  return { meterId: "m-1", usagePointId: "up-1", registers: entries, ...of };
}

/** Which rule says something of which register. */
function said(rows: readonly RegisterSnapshot[], of?: MeterRecord): string[] {
  const judged = judgeMonth(rows, { record: of, span }, valuationRules);
  return judged.flatMap(({ register, findings }) => findings.map(({ rule }) => `${rule} ${register}`));
}

const tariffs = (total: number, day: number, night: number, of: Partial<RegisterSnapshot> = {}) => [
  row("1.8.0", total),
  row("1.8.1", day),
  row("1.8.2", night, of),
];

test.for<{ case: string; rows: RegisterSnapshot[]; of?: MeterRecord; says: string[] }>([
  { case: "V21: the tariffs add up", rows: tariffs(150, 100, 50), says: [] },
  { case: "V21: within a step of each", rows: tariffs(153, 100, 50), says: [] },
  { case: "V21: more", rows: tariffs(153.001, 100, 50), says: ["V21 1.8.0"] },
  { case: "V21: less", rows: tariffs(100, 100, 50), says: ["V21 1.8.0"] },
  { case: "V21: an estimate says nothing", rows: tariffs(200, 100, 50, { quality: "estimated" }), says: [] },
  { case: "V21: neither does another span", rows: tariffs(200, 100, 50, { from: 1010 * day }), says: [] },
  { case: "V21: one tariff alone", rows: [row("1.8.0", 200), row("1.8.1", 100)], says: [] },
  {
    case: "V22: a register that never came",
    rows: [row("1.8.0", 10), row("2.8.0", null)],
    of: record(["1.8.0", "2.8.0"]),
    says: ["V22 2.8.0"],
  },
  {
    case: "V22: a silent meter lacks all",
    rows: [row("1.8.0", null), row("2.8.0", null)],
    of: record(["1.8.0", "2.8.0"]),
    says: [],
  },
  { case: "V23: no use in a month", rows: [row("1.8.0", 0)], says: ["V23 1.8.0"] },
  { case: "V23: no use in seven days", rows: [row("1.8.0", 0, { openingAt: 1023 * day })], says: ["V23 1.8.0"] },
  { case: "V23: in less", rows: [row("1.8.0", 0, { openingAt: 1024 * day })], says: [] },
  { case: "V23: an export register stands still for long", rows: [row("2.8.0", 0)], says: [] },
  {
    case: "V23: the supply was cut",
    rows: [row("1.8.0", 0)],
    of: record([], { statuses: [{ validFrom: 0, value: "disconnected" }] }),
    says: [],
  },
  {
    case: "V27: export where only import is known",
    rows: [row("2.8.0", 1)],
    of: record(["1.8.0"]),
    says: ["V27 2.8.0"],
  },
  { case: "V27: none is", rows: [row("2.8.0", 0)], of: record(["1.8.0"]), says: [] },
  { case: "V27: a known export register", rows: [row("2.8.1", 1)], of: record(["2.8.0"]), says: [] },
  { case: "V27: no register is known", rows: [row("2.8.0", 1)], of: record([]), says: [] },
])("$case", ({ rows, of, says }) => {
  expect(said(rows, of)).toEqual(says);
});

test("what is said of a month changes no number of it", () => {
  const amounts = fc.array(fc.option(fc.integer({ min: 0, max: 500 }), { nil: null }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(amounts, (kWh) => {
      const rows = kWh.map((one, index) => row(["1.8.0", "1.8.1", "1.8.2", "2.8.0"][index] as string, one));
      const judged = judgeMonth(rows, { record: record(["1.8.0", "1.8.1"]), span }, valuationRules);
      expect(judged.map((one) => ({ ...one, findings: [] }))).toEqual(rows);
    }),
  );
});

test.for([
  { before: 100, now: 300, days: 30, is: false },
  { before: 100, now: 301, days: 30, is: true },
  { before: 100, now: 29, days: 30, is: true },
  { before: 100, now: 30, days: 30, is: false },
  { before: 4, now: 13.9, days: 30, is: false },
  { before: 0, now: 11, days: 30, is: true },
  { before: 200, now: 301, days: 60, is: true },
])("V19: $now kWh in 30 days after $before in $days: $is", ({ before, now, days, is }) => {
  const of = { span, before: closingsOf([row("1.8.0", before)]), seconds: days * day };
  expect(highOrLow([row("1.8.0", now)], of, valuationRules).length).toBe(is ? 1 : 0);
});

test("V19: only whole months that have standing are compared", () => {
  const usual = { span, seconds: 30 * day, before: closingsOf([row("1.8.0", 100)]) };
  const part = row("1.8.0", 900, { from: 1010 * day });
  const suspect = row("1.8.0", 900, { quality: "suspect" });
  const estimated = row("1.8.0", 900, { quality: "estimated" });
  expect(highOrLow([part, suspect, estimated], usual, valuationRules)).toEqual([]);
  const before = closingsOf([row("1.8.0", 100, { quality: "incomplete" })]);
  expect(highOrLow([row("1.8.0", 900)], { ...usual, before }, valuationRules)).toEqual([]);
});
