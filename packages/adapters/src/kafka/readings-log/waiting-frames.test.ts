import type { Damage } from "@meterbook/core/domain/damage/damage";
import { encodeFrame } from "@meterbook/core/records/frame-protobuf";
import type { KafkaMessage } from "kafkajs";
import { expect, test } from "vitest";
import { readingsHeader } from "./readings-header.ts";
import { waitingFrames } from "./waiting-frames.ts";

function messages(offsets: readonly number[], bytes = 1, readings: readonly number[] = []): KafkaMessage[] {
  const report = Buffer.alloc(bytes);
  return offsets.map((offset, index) => {
    const frame = encodeFrame([{ meterId: "m-1", receivedAtMs: 1, origin: "remote", report, readings: 1 }]);
    return {
      offset: `${offset}`,
      timestamp: `${1000 + offset}`,
      value: Buffer.from(frame),
      key: null,
      attributes: 0,
      headers: { [readingsHeader]: `${readings[index] ?? 1}` },
    };
  });
}

function waiting(from: number) {
  const gaps: unknown[] = [];
  const damages: Damage[] = [];
  const teller = { damaged: (damage: Damage) => damages.push(damage), nowMs: () => 1 };
  return { gaps, damages, frames: waitingFrames(7, from, (facts) => gaps.push(facts), teller) };
}

test.for([
  { case: "in order", offers: [[5, 6], [7]], expected: [5, 6, 7] },
  { case: "fetched again after a join", offers: [[5, 6], [4, 5, 6, 7], [7]], expected: [5, 6, 7] },
  { case: "nothing fresh", offers: [[3, 4]], expected: [] },
])("$case: $offers", ({ offers, expected }) => {
  const { frames, gaps } = waiting(5);
  for (const offsets of offers) expect(frames.offer(messages(offsets))).toBe("taken");
  expect(frames.first().map(({ offset }) => offset)).toEqual(expected);
  expect(gaps).toEqual([]);
});

test("what begins too far on is asked for again: once it was an old fetch, and once the log has forgotten", () => {
  const { frames, gaps } = waiting(5);
  expect(frames.offer(messages([9, 10]))).toBe("ask-again");
  expect(frames.nextOffset).toBe(5);
  expect(frames.offer(messages([5, 6]))).toBe("taken");
  expect(frames.offer(messages([9, 10]))).toBe("ask-again");
  expect(frames.offer(messages([9, 10]))).toBe("taken");
  expect(gaps).toEqual([{ partition: 7, from: 7, to: 9 }]);
  expect(frames.first().map(({ offset }) => offset)).toEqual([5, 6, 9, 10]);
});

test("is full at 4 MiB, gives at most 4 MiB at a time and at least one, and has room again", () => {
  const { frames } = waiting(0);
  const mebibyte = 1024 * 1024;
  frames.offer(messages([0, 1, 2], mebibyte));
  expect(frames.isFull).toBe(false);
  frames.offer(messages([3], 9 * mebibyte));
  expect(frames.isFull).toBe(true);
  expect(frames.first()).toHaveLength(3);
  frames.drop(3);
  expect([frames.isFull, frames.oldestAppendedAtMs]).toEqual([true, 1003]);
  expect(frames.first()).toHaveLength(1);
  frames.drop(1);
  expect([frames.isFull, frames.isEmpty, frames.nextOffset]).toEqual([false, true, 4]);
});

test.for([
  { readings: [6000, 6000, 1], expected: 1 },
  { readings: [6000, 4000, 1], expected: 2 },
  { readings: [20_000, 1], expected: 1 },
])(
  "gives at most 10 000 readings at a time and at least one frame: of $readings, $expected",
  ({ readings, expected }) => {
    const { frames } = waiting(0);
    frames.offer(messages([...readings.keys()], 1, readings));
    expect(frames.first()).toHaveLength(expected);
  },
);

test.for([
  { case: "a stranger's bytes", value: Buffer.from("hello"), code: "checksum_mismatch" },
  { case: "no value", value: null, code: "checksum_mismatch" },
  { case: "an empty value", value: Buffer.alloc(0), code: "checksum_mismatch" },
])("H07: a record with $case is set aside, and the next one is handed over", ({ value, code }) => {
  const { frames, damages } = waiting(5);
  const [first, second] = messages([5, 6], 1, [3, 1]);
  frames.offer([{ ...first, value } as KafkaMessage, second as KafkaMessage]);
  expect(frames.first().map(({ offset, reports }) => [offset, reports.length])).toEqual([
    [5, 0],
    [6, 1],
  ]);
  expect(damages).toMatchObject([{ place: "readings-log", where: "partition 7 offset 5", code, lost: 3 }]);
});
