import { expect, test } from "vitest";
import { intervalFacts, registerFacts } from "../closing/period-facts.ts";
import type { ReadingSeries } from "../reading/reading.ts";
import { emptyColumns, pushReading, readingAt, readingCode } from "../reading/reading.ts";
import { localCalendar } from "../time/local-calendar.ts";
import { canonicalContent } from "./canonical-content.ts";
import type { Closings } from "./compose-snapshot.ts";
import { composeSnapshot } from "./compose-snapshot.ts";
import { nextRevision } from "./next-revision.ts";
import type { Snapshot } from "./snapshot.ts";

const calendar = localCalendar("Europe/Kyiv");
const period = 2026 * 12 + 9;
const span = { start: calendar.startOf(period), boundary: calendar.boundaryOf(period) };

function registers(...rows: [offset: number, value: number][]): ReadingSeries {
  const made = emptyColumns();
  for (const [offset, value] of rows) pushReading(made, span.start + offset, value, readingCode("actual", "remote"));
  return { channel: { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 }, ...made };
}

const month = span.boundary - span.start;
const previous = (value: number | null, valueQuality: Closings[number]["valueQuality"] = "actual"): Closings => [
  { register: "1.8.0", unit: "Wh", value, valueQuality },
];

function compose(series: ReadingSeries, closings: Closings, record?: Parameters<typeof composeSnapshot>[0]["record"]) {
  const facts = [registerFacts(series, [], readingAt(series, 0), span)];
  return composeSnapshot({ meterId: "m-1", period, span, facts, previous: closings, record });
}

test("opens with the closing before and closes at the boundary", () => {
  const [row] = compose(registers([0, 1000], [month, 1250]), previous(1000)).registers;
  expect(row).toMatchObject({
    value: 1250,
    opening: 1000,
    openingBasis: "previous",
    consumption: 250,
    quality: "actual",
    method: "EXACT",
  });
});

test("opens with the first reading where there is no closing before", () => {
  const [row] = compose(registers([day(9), 1100], [month, 1250]), []).registers;
  expect(row).toMatchObject({ opening: 1100, openingBasis: "first-reading", consumption: 150 });
});

test("opens with the installation reading where the registry knows it, and counts the multiplier", () => {
  const record = {
    meterId: "m-1",
    usagePointId: "up-7",
    registers: [{ register: "1.8.0", unit: "Wh" as const, multiplier: 40 }],
    installed: { at: span.start + day(2), values: { "1.8.0": 5 } },
  };
  const snapshot = compose(registers([day(9), 1100], [month, 1250]), [], record);
  expect(snapshot.usagePointId).toBe("up-7");
  expect(snapshot.registers[0]).toMatchObject({
    opening: 5,
    openingBasis: "installation",
    consumption: (1250 - 5) * 40,
  });
});

test("nothing made from an estimate is called actual", () => {
  const [row] = compose(registers([0, 1000], [month, 1250]), previous(1000, "estimated")).registers;
  expect(row).toMatchObject({ consumption: 250, valueQuality: "actual", quality: "estimated" });
});

test.for([
  {
    case: "a dip that recovers",
    rows: [
      [0, 1000],
      [day(3), 0],
      [day(4), 1100],
      [month, 1250],
    ] as [number, number][],
    opening: 1000,
  },
  {
    case: "a reset",
    rows: [
      [0, 1000],
      [day(3), 10],
      [month, 60],
    ] as [number, number][],
    opening: 1000,
  },
  { case: "lower than the closing before", rows: [[month, 900]] as [number, number][], opening: 1000 },
])("a register that ran backwards has no consumption: $case", ({ rows, opening }) => {
  const [row] = compose(registers(...rows), previous(opening)).registers;
  expect(row).toMatchObject({ consumption: null, quality: "suspect", fault: "register_ran_backwards" });
  expect(row?.value).toBe(rows.at(-1)?.[1]);
});

test("without a closing before there is a value and no guess", () => {
  const [row] = compose(registers([month, 1250]), previous(null, "missing")).registers;
  expect(row).toMatchObject({
    value: 1250,
    valueQuality: "actual",
    opening: null,
    consumption: null,
    quality: "incomplete",
  });
});

test("missing is missing, never 0", () => {
  const [row] = compose(registers([day(3), 1000]), previous(900)).registers;
  expect(row).toMatchObject({ value: null, consumption: null, quality: "missing", method: "MISSING", opening: 900 });
});

test("intervals alone give the month's sum and how much of it is there", () => {
  const steps = emptyColumns();
  for (let at = span.start + 3600; at <= span.boundary; at += 3600) pushReading(steps, at, 2, 0);
  const series: ReadingSeries = {
    channel: { register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds: 3600 },
    ...steps,
  };
  // October 2026 has 745 hours in Kyiv.
  const whole = composeSnapshot({
    meterId: "m",
    period,
    span,
    facts: [intervalFacts([series], span)],
    previous: [],
    record: undefined,
  });
  expect(whole.registers[0]).toMatchObject({
    value: null,
    consumption: 1490,
    quality: "actual",
    intervals: { expected: 745, present: 745 },
  });
  const part = intervalFacts(
    [{ ...series, at: steps.at.slice(5), value: steps.value.slice(5), code: steps.code.slice(5) }],
    span,
  );
  expect(part).toMatchObject({ sum: 1480, expected: 745, present: 740 });
});

test("intervals of two lengths never count the same time twice", () => {
  const halves = emptyColumns();
  const hours = emptyColumns();
  for (let at = span.start + 1800; at <= span.start + day(10); at += 1800) pushReading(halves, at, 1, 0);
  for (let at = span.start + day(9) + 3600; at <= span.boundary; at += 3600) pushReading(hours, at, 2, 0);
  const facts = intervalFacts(
    [
      { channel: { register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds: 1800 }, ...halves },
      { channel: { register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds: 3600 }, ...hours },
    ],
    span,
  );
  expect(facts).toMatchObject({ sum: (month / 3600) * 2, present: facts.expected });
});

test("the canonical text leaves out neighbours that are only shown", () => {
  const alone = compose(registers([0, 1000], [month, 1250]), previous(1000));
  const withNeighbour = compose(registers([0, 1000], [month, 1250], [month + 900, 1260]), previous(1000));
  expect(withNeighbour.registers[0]?.after?.value).toBe(1260);
  expect(canonicalContent(withNeighbour)).toBe(canonicalContent(alone));
});

test("revisions: provisional, final, then revised, and nothing where nothing changed", () => {
  const content = compose(registers([0, 1000], [month, 1250]), previous(1000));
  const at = (seconds: number) => (span.boundary + seconds) * 1000;
  const issue = (hash: string, before: Snapshot | undefined, seconds: number) =>
    nextRevision(content, hash, before, calendar, at(seconds));

  expect(issue("a", undefined, 3599)).toBeUndefined();
  const provisional = issue("a", undefined, 3600);
  expect(provisional).toMatchObject({ revision: 1, lifecycle: "provisional" });
  expect(issue("a", provisional, 7200)).toBeUndefined();
  const corrected = issue("b", provisional, 7200);
  expect(corrected).toMatchObject({ revision: 2, lifecycle: "provisional" });
  const final = issue("b", corrected, day(3));
  expect(final).toMatchObject({ revision: 3, lifecycle: "final", reason: "window closed" });
  expect(issue("b", final, day(30))).toBeUndefined();
  const revised = issue("c", final, day(30));
  expect(revised).toMatchObject({ revision: 4, lifecycle: "revised" });
  expect(issue("d", revised, day(31))).toMatchObject({ revision: 5, lifecycle: "revised" });
  expect(issue("a", undefined, day(31))).toMatchObject({ revision: 1, lifecycle: "final" });
});

function day(days: number): number {
  return days * 86_400;
}
