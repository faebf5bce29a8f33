// Goal: whatever intake can accept and master data can multiply gives a row that can be written and read again, and
// what leaves the safe integers is a suspect row with a code. Method: random readings at the edges of what is accepted.
import { expect, test } from "vitest";
import { seededRandom } from "../../../../../test/support/seeded-random.ts";
import { decodeSnapshot } from "../../records/decode-snapshot.ts";
import { encodeSnapshot } from "../../records/encode-snapshot.ts";
import { registerCurve } from "../curve/consumption-curve.ts";
import { intervalCurve, intervalsOf, nativeIntervalCurve } from "../curve/interval-curve.ts";
import type { ReadingSeries } from "../reading/reading.ts";
import { emptyColumns, pushReading, readingAt } from "../reading/reading.ts";
import { canonicalContent } from "../snapshot/canonical-content.ts";
import { localCalendar } from "../time/local-calendar.ts";
import { monthContent } from "../valuation/month-content.ts";

const calendar = localCalendar("Europe/Kyiv");
const period = 2026 * 12 + 9;
const span = { start: calendar.startOf(period), boundary: calendar.boundaryOf(period) };
const largest = Number.MAX_SAFE_INTEGER;

function series(kind: "register" | "interval", rows: readonly (readonly [at: number, value: number])[]): ReadingSeries {
  const columns = emptyColumns();
  for (const [at, value] of rows) pushReading(columns, at, value, 0);
  return { channel: { register: "1.8.0", kind, unit: "Wh", stepSeconds: kind === "interval" ? 3600 : 0 }, ...columns };
}

function compose(one: ReadingSeries, multiplier: number, intervals: readonly ReadingSeries[] = []) {
  const channels = [one, ...intervals].map(({ channel, ...readings }) => {
    return { channel, first: readingAt(readings, 0), readings };
  });
  const registers = [{ register: "1.8.0", unit: "Wh" as const, multiplier }];
  const record = { meterId: "m-1", usagePointId: "up-1", registers };
  return monthContent({ meterId: "m-1", record, channels }, period, calendar, []);
}

const outOfRange = { consumption: null, quality: "suspect", fault: "amount_out_of_range" };

test("H01: two amounts whose sum leaves the safe integers are a suspect row", () => {
  const amounts = series("interval", [
    [span.start + 3600, largest],
    [span.start + 7200, largest],
  ]);
  expect(compose(amounts, 1).registers[0]).toMatchObject({ ...outOfRange, method: "INTERVAL_SUM" });
});

test.for([131_073, 132_000, 1_000_000])("H02: a difference times %d that leaves them is one too", (multiplier) => {
  const totals = series("register", [
    [span.start, 0],
    [span.boundary, 68_719_476_736_000],
  ]);
  expect(compose(totals, multiplier).registers[0]).toMatchObject({ ...outOfRange, value: 68_719_476_736_000 });
});

test("H02: a closing that would leave them has no value and says why", () => {
  const intervals = series("interval", [
    [span.boundary - 3600, largest],
    [span.boundary, largest],
  ]);
  const totals = series("register", [[span.boundary - 7200, largest - 5]]);
  expect(compose(totals, 1, [intervals]).registers[0]).toMatchObject({ ...outOfRange, value: null });
});

test("H02: steps of a curve that leave them are suspect, others go on", () => {
  const amounts = series("interval", [
    [3600, largest],
    [7200, largest],
    [10_800, 1],
    [14_400, 2],
  ]);
  const edges = [0, 7200, 14_400];
  const expected = [
    { from: 0, to: 7200, consumption: null, quality: "suspect" },
    { from: 7200, to: 14_400, consumption: 3, quality: "actual" },
  ];
  expect(intervalCurve(intervalsOf([amounts]), edges, 1)).toEqual(expected);
  const range = { calendar, fillTo: undefined, multiplier: 2 };
  const native = nativeIntervalCurve(intervalsOf([amounts]), { reached: 0, hasBegun: false }, range);
  expect(native.points[0]).toMatchObject({ consumption: null });
  const totals = series("register", [
    [0, 0],
    [7200, largest],
  ]);
  expect(registerCurve(totals, [0, 7200], 2)[0]).toMatchObject({ consumption: null, quality: "suspect" });
});

test("H01, H02: every row can be written and read again, and none is actual without its consumption", () => {
  const seed = 20_261_129;
  const draw = seededRandom(seed);
  const amount = () => Math.floor(([1e3, 2 ** 31, 2 ** 40, largest][Math.floor(draw() * 4)] as number) * draw());
  for (let round = 0; round < 2000; round += 1) {
    const times = Array.from({ length: 1 + Math.floor(draw() * 6) }, (_, i) => span.boundary - (6 - i) * 3600);
    const isInterval = draw() < 0.5;
    const values = times.map(amount);
    if (!isInterval) values.sort((a, b) => a - b);
    const one = series(
      isInterval ? "interval" : "register",
      times.map((at, i) => [at, values[i] as number] as const),
    );
    const beside = series(
      "interval",
      times.map((at) => [at + 3600, amount()] as const),
    );
    const content = compose(one, 1 + Math.floor(draw() * 1_000_000), isInterval ? [] : [beside]);
    const snapshot = {
      ...content,
      revision: 1,
      lifecycle: "final" as const,
      issuedAtMs: 1,
      reason: "",
      hash: `sha256:${"0".repeat(64)}`,
    };
    const again = decodeSnapshot(encodeSnapshot(snapshot));
    expect(again, `seed ${seed} round ${round}`).toEqual(snapshot);
    expect(canonicalContent(again)).toBe(canonicalContent(content));
    for (const row of content.registers)
      if (row.consumption === null) expect(["suspect", "missing", "incomplete"]).toContain(row.quality);
  }
});
