import type { LogFrame } from "@meterbook/core/ports/readings-log";
import { expect, test } from "vitest";
import { type MissingReadings, type SameLog, sameLog } from "./same-log.ts";

const frame = (offset: number, writer: string, total: number) =>
  ({ offset, tally: { writer, total, readings: 10 } }) as unknown as LogFrame;

test("of several holes in one batch each is told, whoever's readings are missing", () => {
  const told: MissingReadings[] = [];
  const log = sameLog({ partition: 0, start: 0, again: () => undefined, missing: (one) => told.push(one) });
  const filled = {
    position: 10,
    tally: { writers: { w1: 100, w2: 100 }, earlier: { through: "" } },
  } as unknown as Parameters<SameLog["look"]>[1];
  log.look([frame(9, "w1", 100)], filled);
  log.look([frame(10, "w1", 160), frame(11, "w2", 170), frame(12, "w1", 200)], filled);
  expect(told.map(({ writer, readings }) => ({ writer, readings }))).toEqual([
    { writer: "w1", readings: 50 },
    { writer: "w2", readings: 60 },
    { writer: "w1", readings: 30 },
  ]);
});
