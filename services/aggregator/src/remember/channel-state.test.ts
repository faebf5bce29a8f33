import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import { spanOf } from "@meterbook/core/domain/valuation/month";
import { valuationRules } from "@meterbook/core/domain/valuation/valuation-rules";
import { expect, test } from "vitest";
import { channelRows } from "./channel-memory.ts";
import { advance, type ChannelState, channelState, rememberedAround } from "./channel-state.ts";
import { adopt, meterState } from "./meter-state.ts";
import { remember } from "./rebuild-memory.ts";

const calendar = localCalendar("UTC");
const secondsOf = (iso: string) => Date.parse(`${iso}Z`) / 1000;
const june = spanOf(calendar, 2027 * 12 + 5);

function registerOf(readings: readonly (readonly [iso: string, value: number])[]) {
  const first = { at: secondsOf(readings[0]?.[0] ?? ""), value: readings[0]?.[1] ?? 0, code: 0 };
  const channel = { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0, index: 0, first } as const;
  const state = channelState(channel, channelRows()(), -1);
  for (const [iso, value] of readings)
    advance(state, secondsOf(iso), value, 0, { calendar, record: undefined, rules: valuationRules });
  return state;
}

const before = [
  ["2027-03-27T00:00", 179_000],
  ["2027-04-23T00:00", 206_032],
] as const;
const [rose, fell] = [["2027-04-23T21:00", 206_900] as const, ["2027-04-23T21:00", 206_000] as const];
const after = ["2027-07-06T00:00", 280_009] as const;

test.for([
  { name: "a reading of long ago, and none since", readings: [...before, rose], known: ["2027-04-23T21:00"] },
  { name: "the same between two boundaries", readings: [...before, rose, after], known: [rose[0], after[0]] },
  { name: "one that contradicts the one before, and none since", readings: [...before, fell], known: undefined },
  { name: "the same between two boundaries", readings: [...before, fell, after], known: undefined },
])("memory knows the month's end unless the reading before it is doubted, however long ago: $name", (row) => {
  const found = rememberedAround(registerOf(row.readings), june);
  expect(found?.map(({ at }) => at)).toEqual(row.known?.map(secondsOf));
});

const silence = [
  ["2027-06-10T00:00", 200_000],
  ["2027-06-11T00:00", 1000],
  ["2027-06-12T00:00", 2000],
] as const;
const end = ["2027-09-05T00:00", 300_000] as const;
const days = ["06", "07", "08", "09", "10", "11", "12"];
const later = days.map((day, no) => [`2027-09-${day}T00:00`, 301_000 + no * 1000] as const);

test.for([
  { name: "the next one behind the silence", readings: [...silence, end] },
  { name: "so many that the newest are believed", readings: [...silence, end, ...later] },
])("what was left out as a glitch is not remembered, however few readings it had: $name", ({ readings }) => {
  const state = registerOf(readings);
  expect(rememberedAround(state, spanOf(calendar, 2027 * 12 + 7))).toBeUndefined();
  expect(rememberedAround(state, spanOf(calendar, 2027 * 12 + 6))).toBeUndefined();
});

test("once enough readings have come behind a fall, memory tells the months again", () => {
  const state = registerOf([...silence, end, ...later, ["2027-12-02T00:00", 400_000]]);
  const found = rememberedAround(state, spanOf(calendar, 2027 * 12 + 10));
  expect(found?.map(({ value }) => value)).toEqual([307_000, 400_000]);
});

test.for([
  {
    name: "two, and one behind the silence",
    last: [["2027-06-06T00:00", 2000] as const, ["2027-08-02T00:00", 300_000] as const],
  },
  { name: "one", last: [] },
])("memory that was rebuilt believes its first readings no sooner than the store does: $name", ({ last }) => {
  const readings = [["2027-06-05T00:00", 1000] as const, ...last];
  const meter = meterState("m", "UTC");
  const first = { at: secondsOf("2027-01-10T00:00"), value: 200_000, code: 0 };
  const channel = { register: "1.8.0", kind: "register", unit: "Wh", stepSeconds: 0 } as const;
  adopt(meter, { no: 0, meterId: "m", channels: [{ ...channel, index: 0, first }] }, channelRows(), first.at);
  const [at, value] = [readings.map(([iso]) => secondsOf(iso)), readings.map(([, one]) => one)];
  remember(meter, [{ channel, at, value, code: at.map(() => 0) }], secondsOf("2027-04-26T00:00"));
  expect(rememberedAround(meter.channels[0] as ChannelState, spanOf(calendar, 2027 * 12 + 6))).toBeUndefined();
});
