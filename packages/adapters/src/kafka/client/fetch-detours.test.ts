import { expect, test } from "vitest";
import { fetchDetours, type PassedOver } from "./fetch-detours.ts";
import type { FetchedPartition, FetchedRecord } from "./unreadable-batches.ts";

const topic = "m.readings.v1";

function record(offset: number): FetchedRecord {
  const rest = { magicByte: 2, attributes: 0, timestamp: "0", key: null, headers: {}, isControlRecord: false };
  return { ...rest, offset: String(offset), value: Buffer.from("sound"), batchContext: {} };
}

const corruptMessage = 2;

function answerOf(offsets: readonly number[], over: Partial<FetchedPartition> = {}): FetchedPartition {
  const marks = { highWatermark: "20", lastStableOffset: "20" };
  return { partition: 3, errorCode: 0, ...marks, messages: offsets.map(record), ...over };
}

/** A partition that cannot be read from offset 0 on, and from 5 on it can. */
function stuck(nowMs: () => number) {
  const detours = fetchDetours(() => [], nowMs);
  return {
    detours,
    ask() {
      const own = { partition: 3, fetchOffset: "0" };
      const asked = detours.offsetToAsk(topic, own);
      const isReadable = Number(asked) >= 5;
      const answer = isReadable ? answerOf([Number(asked)]) : answerOf([], { errorCode: corruptMessage });
      detours.answerTo(topic, own, { asked, answer });
    },
  };
}

test("a stretch is told as long as somebody wants to read it, and no longer", () => {
  let nowMs = 0;
  const { detours, ask } = stuck(() => nowMs);
  for (let tries = 0; tries < 200; tries += 1) ask();
  const told = [{ topic, partition: 3, from: 0, readableFrom: 5 }];
  expect(detours.standing()).toEqual(told);
  nowMs += 9_000;
  ask();
  nowMs += 9_000;
  expect(detours.standing()).toEqual(told);
  // The partition went to another process.
  nowMs += 2_000;
  expect(detours.standing()).toEqual([]);
  ask();
  expect(detours.standing()).toEqual(told);
});

function offsetsGiven(given: PassedOver, from: number, answer: FetchedPartition): string[] {
  const detours = fetchDetours(() => [given]);
  const own = { partition: 3, fetchOffset: String(from) };
  return detours.answerTo(topic, own, { asked: String(from), answer }).messages.map(({ offset }) => offset);
}

test("what is given as passed over ends where the partition ends: what is still to come is read", () => {
  const given = { topic, partition: 3, from: 18, to: 25 };
  expect(offsetsGiven(given, 18, answerOf([18, 19]))).toEqual(["18", "19"]);
  const later = answerOf([20, 21], { highWatermark: "22" });
  expect(offsetsGiven({ ...given, to: 19 }, 20, later)).toEqual(["20", "21"]);
  expect(offsetsGiven(given, 20, answerOf([]))).toEqual([]);
  // A broker that finds damage says no end.
  const corrupt = answerOf([], { errorCode: corruptMessage, highWatermark: "-1" });
  expect(offsetsGiven({ ...given, to: 19 }, 18, corrupt)).toEqual(["18", "19"]);
});
