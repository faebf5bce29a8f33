import { expect, test } from "vitest";
import { noTally, readingsAppended, talliedWritersMax, tallyFrames } from "./tally.ts";

const frame = (writer: string, total: number, readings: number) => ({ tally: { writer, total, readings } });

test("what a writer says counts, not what was found of it", () => {
  // The frame that held its readings 4 to 9 is gone.
  const { tally, fresh } = tallyFrames(noTally, [frame("a", 3, 3), frame("b", 5, 5), frame("a", 10, 1)]);
  expect(fresh).toHaveLength(3);
  expect(readingsAppended(tally, [], 0)).toBe(15);
  expect(
    readingsAppended(
      tally,
      [
        ["a", 12],
        ["c", 4],
        ["b", 2],
      ],
      7,
    ),
  ).toBe(28);
});

test("a frame that was written a second time is left out, also after a restart", () => {
  const first = tallyFrames(noTally, [frame("a", 3, 3), frame("a", 3, 3), frame("a", 5, 2)]);
  expect(first.fresh.map(({ tally }) => tally.total)).toEqual([3, 5]);
  const again = tallyFrames(JSON.parse(JSON.stringify(first.tally)), [frame("a", 5, 2), frame("a", 6, 1)]);
  expect(again.fresh.map(({ tally }) => tally.total)).toEqual([6]);
  expect(readingsAppended(again.tally, [], 0)).toBe(6);
});

test("frames of who does not count are taken as they are", () => {
  const { tally, fresh } = tallyFrames(noTally, [frame("", 0, 3), frame("", 0, 3), frame("a", 1, 1)]);
  expect(fresh).toHaveLength(3);
  expect(readingsAppended(tally, [["", 3]], 0)).toBe(7);
});

test("a tally stays small, and the writers that are folded count on, frame by frame", () => {
  const names = Array.from({ length: talliedWritersMax + 2 }, (_, i) => `w${String(i).padStart(3, "0")}`);
  const { tally } = tallyFrames(
    noTally,
    names.map((name) => frame(name, 10, 10)),
  );
  expect(Object.keys(tally.writers)).toHaveLength(talliedWritersMax);
  expect(tally.earlier).toEqual({ through: "w001", readings: 20 });
  const more = tallyFrames(tally, [frame("w000", 12, 2)]);
  expect(more.fresh).toHaveLength(1);
  expect(
    readingsAppended(
      more.tally,
      [
        ["w000", 99],
        ["w001", 99],
      ],
      0,
    ),
  ).toBe(10 * names.length + 2);
});
