import { expect, test } from "vitest";
import { localCalendar } from "../time/local-calendar.ts";
import { type AskRules, askedGaps, nextAsking } from "./ask-for-gaps.ts";
import type { FoundGap } from "./find-gaps.ts";
import { needOf, periodsOf } from "./gap-periods.ts";
import { answeredKeptMs, gapsPerMeterMax, joinGaps, type MeterGaps, withFound } from "./meter-gaps.ts";

const calendar = localCalendar("Europe/Kyiv");
const instant = (text: string) => Date.parse(text) / 1000;
const hour = 3600;
const noon = instant("2026-11-02T12:00:00Z");

function gap(from: number, to: number, over: Partial<FoundGap> = {}): FoundGap {
  const channel = { register: "1.8.0", kind: "interval", unit: "Wh", stepSeconds: 900 } as const;
  return { ...channel, from, to, missing: (to - from) / 900, goesOn: false, ...over };
}

function known(over: Partial<MeterGaps> = {}): MeterGaps {
  return { meterId: "m-1", usagePointId: "m-1", zone: "Europe/Kyiv", gaps: [], asking: null, sequence: null, ...over };
}

test("a gap that is found again keeps its story, one that shrinks or splits too, and one that is not found is answered", () => {
  const first = joinGaps([], [gap(0, 8 * hour), gap(20 * hour, 21 * hour)], 1_000);
  const asked = first.map((one) => ({ ...one, asked: { times: 2, atMs: 1_500 } }));
  const second = joinGaps(asked, [gap(0, 2 * hour), gap(6 * hour, 8 * hour), gap(30 * hour, 31 * hour)], 2_000);
  expect(
    second.map(({ from, sinceMs, asked: of, answeredAtMs }) => [from / hour, sinceMs, of?.times, answeredAtMs]),
  ).toEqual([
    [0, 1_000, 2, null],
    [6, 1_000, 2, null],
    [20, 1_000, 2, 2_000],
    [30, 2_000, undefined, null],
  ]);
});

test("a gap that went on and has an end now is the same gap, and one of another register is not", () => {
  const first = joinGaps([], [gap(0, 2 * hour, { goesOn: true })], 1_000);
  expect(joinGaps(first, [gap(0, 9 * hour)], 2_000)).toMatchObject([{ sinceMs: 1_000, goesOn: false }]);
  const other = joinGaps(first, [gap(0, 9 * hour, { register: "2.8.0" })], 2_000);
  expect(other.map(({ register, answeredAtMs }) => [register, answeredAtMs])).toEqual([
    ["1.8.0", 2_000],
    ["2.8.0", null],
  ]);
});

test("answered gaps are forgotten after a while, and of too many the newest are kept", () => {
  const answered = joinGaps(joinGaps([], [gap(0, hour)], 0), [], 1_000);
  expect(joinGaps(answered, [], 1_000 + answeredKeptMs)).toEqual([]);
  const many = Array.from({ length: gapsPerMeterMax + 5 }, (_, i) => gap(i * 2 * hour, (i * 2 + 1) * hour));
  const kept = joinGaps([], many, 0);
  expect([kept.length, kept[0]?.from]).toEqual([gapsPerMeterMax, 10 * hour]);
});

const octoberEnd = instant("2026-10-31T22:00:00Z");

test.for<[string, FoundGap, (number | boolean)[][], number | undefined]>([
  ["in the middle of October", gap(octoberEnd - 9 * hour, octoberEnd - 8 * hour), [[9, false]], 1],
  ["up to its end", gap(octoberEnd - hour, octoberEnd), [[9, true]], 0],
  [
    "over its end",
    gap(octoberEnd - hour, octoberEnd + hour),
    [
      [9, true],
      [10, false],
    ],
    0,
  ],
  ["after its end", gap(octoberEnd, octoberEnd + hour), [[10, false]], 2],
  [
    "a register that was read at its end",
    gap(octoberEnd - hour, octoberEnd, { kind: "register", stepSeconds: 0 }),
    [[9, false]],
    1,
  ],
  ["in a month that is final", gap(octoberEnd - 40 * 24 * hour, octoberEnd - 39 * 24 * hour), [[8, false]], undefined],
])("a gap %s", ([, of, months, need]) => {
  expect(periodsOf(of, calendar).map(({ period, isAtClose }) => [period % 12, isAtClose])).toEqual(months);
  expect(needOf(of, calendar, noon)).toBe(need);
});

const rules: AskRules = { waitMs: 600_000, backOffMs: 900_000, timesMax: 3 };
const nowMs = noon * 1000;
const heard = { calendar, newestAtMs: nowMs + 1e9 };
const silent = { calendar, newestAtMs: 0 };
const gaps = withFound(
  known(),
  [gap(octoberEnd - 9 * hour, octoberEnd - 8 * hour), gap(octoberEnd - hour, octoberEnd)],
  nowMs,
);

/** Asks as often as it may; answers when, in minutes since the gap was noticed. */
function askings(of: MeterGaps, meter: typeof heard, untilMs: number): (number | string)[] {
  const told: (number | string)[] = [];
  let state = of;
  for (let ms = nowMs; ms <= nowMs + untilMs; ms += 60_000) {
    const next = nextAsking(state, meter, rules, ms);
    if (next === "same" || next === null) continue;
    told.push(next.state === "ended" ? "ended" : (ms - nowMs) / 60_000);
    state = { ...state, asking: next, gaps: next.state === "ended" ? state.gaps : askedGaps(state.gaps, next) };
  }
  return told;
}

test("a meter is asked after a while, again after longer and longer pauses, and at last no more", () => {
  expect(askings(gaps, heard, 40 * hour * 1000)).toEqual([10, 25, 55, "ended"]);
});

test("a meter of which nothing was heard since is asked once: the request stands until it comes", () => {
  expect(askings(gaps, silent, 40 * hour * 1000)).toEqual([10]);
});

test("a meter that has answered in part has heard, and is asked for the rest after the pause", () => {
  const asking = nextAsking(gaps, silent, rules, nowMs + 600_000);
  const asked = { ...gaps, asking: asking === "same" ? null : asking };
  const partly = withFound(asked, [gap(octoberEnd - hour, octoberEnd)], nowMs + 700_000);
  expect(nextAsking(partly, silent, rules, nowMs + 700_000)).toBe("same");
  expect(nextAsking(partly, silent, rules, nowMs + 1_500_000)).toMatchObject({
    times: 1,
    ranges: [{ to: octoberEnd }],
  });
});

test("what is missing newly is asked for although the request stands unheard, and of many all in turn", () => {
  const asking = nextAsking(gaps, silent, rules, nowMs + 600_000);
  const first = asking === "same" || asking === null ? [] : askedGaps(gaps.gaps, asking);
  const asked = { ...gaps, gaps: first, asking: asking === "same" ? null : asking };
  expect(nextAsking(asked, silent, rules, nowMs + 3_600_000)).toBe("same");
  const newer = withFound(asked, [...gaps.gaps, gap(octoberEnd - 5 * hour, octoberEnd - 4 * hour)], nowMs);
  const next = nextAsking(newer, silent, rules, nowMs + 1_500_000);
  expect(next).toMatchObject({ times: 1, ranges: [{ to: octoberEnd }, { to: octoberEnd - 4 * hour }, {}] });
  const many = Array.from({ length: 40 }, (_, n) =>
    gap(octoberEnd - (2 * n + 3) * hour, octoberEnd - (2 * n + 2) * hour),
  );
  let state = withFound(known(), many, nowMs);
  for (let ms = nowMs + 600_000; ms < nowMs + 3 * 900_000; ms += 900_000) {
    const one = nextAsking(state, silent, rules, ms);
    if (one === "same" || one === null) break;
    expect(one.ranges.length).toBeLessThanOrEqual(16);
    state = { ...state, asking: one, gaps: askedGaps(state.gaps, one) };
  }
  expect(state.gaps.filter((one) => one.asked !== null).length).toBe(40);
});

test("what closes first comes first, and all that is missing is asked for in one request", () => {
  const asking = nextAsking(gaps, heard, rules, nowMs + 600_000);
  expect(asking).toMatchObject({ times: 1, rank: 0, ranges: [{ to: octoberEnd }, { to: octoberEnd - 8 * hour }] });
});

test("a gap within an outage is not asked for, and the others are", () => {
  const dark = gaps.gaps.map((one) => (one.to === octoberEnd ? { ...one, inOutage: true } : one));
  const asking = nextAsking({ ...gaps, gaps: dark }, heard, rules, nowMs + 600_000);
  expect(asking).toMatchObject({ ranges: [{ to: octoberEnd - 8 * hour }] });
  const all = gaps.gaps.map((one) => ({ ...one, inOutage: true }));
  expect(nextAsking({ ...gaps, gaps: all }, heard, rules, nowMs + 600_000)).toBe("same");
});

test("what came of it begins the asking anew, and takes it back where nothing is missing any more", () => {
  const asking = nextAsking(gaps, heard, { ...rules, timesMax: 1 }, nowMs + 600_000);
  const ended = {
    ...gaps,
    asking: asking === "same" || asking === null ? null : { ...asking, state: "ended" as const },
  };
  const partly = withFound(ended, [gap(octoberEnd - hour, octoberEnd)], nowMs + 700_000);
  expect(partly.asking).toMatchObject({ state: "asked", times: 0 });
  expect(withFound(partly, [], nowMs + 800_000).asking).toBeNull();
  expect(
    withFound(
      ended,
      [gap(octoberEnd - 9 * hour, octoberEnd - 8 * hour), gap(octoberEnd - hour, octoberEnd)],
      nowMs + 700_000,
    ).asking,
  ).toMatchObject({ state: "ended" });
});

test("when the month is final nothing is asked any more", () => {
  const asking = nextAsking(gaps, heard, rules, nowMs + 600_000);
  const asked = { ...gaps, asking: asking === "same" ? null : asking };
  expect(nextAsking(asked, heard, rules, calendar.finalFrom(2026 * 12 + 9) * 1000)).toBeNull();
});
