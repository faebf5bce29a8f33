import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import { spanOf } from "@meterbook/core/domain/valuation/month";
import { valuationRules } from "@meterbook/core/domain/valuation/valuation-rules";
import { expect, test } from "vitest";
import { channelRows } from "./channel-memory.ts";
import { advance, channelState, rememberedAround } from "./channel-state.ts";

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
