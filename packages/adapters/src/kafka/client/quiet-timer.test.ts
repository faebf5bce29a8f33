import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { quietTimer } from "./quiet-timer.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function counted() {
  const calls: number[] = [];
  const began = Date.now();
  const options = { quietMs: 1000, waitMsMax: 10_000, nowMs: () => Date.now() };
  return { calls, timer: quietTimer(options, () => void calls.push(Date.now() - began)) };
}

test("it calls once, when nothing has happened for the time", () => {
  const { calls, timer } = counted();
  timer.happened();
  vi.advanceTimersByTime(600);
  timer.happened();
  vi.advanceTimersByTime(999);
  expect(calls).toEqual([]);
  vi.advanceTimersByTime(60_000);
  expect(calls).toEqual([1600]);
});

test("while it goes on it calls seldom, and none is left out at the end", () => {
  const { calls, timer } = counted();
  for (let ms = 0; ms < 25_000; ms += 40) {
    timer.happened();
    vi.advanceTimersByTime(40);
  }
  expect(calls.length).toBeGreaterThanOrEqual(2);
  expect(calls.length).toBeLessThanOrEqual(3);
  vi.advanceTimersByTime(1000);
  expect(calls.at(-1)).toBeGreaterThanOrEqual(25_000);
});

test("ended, it calls no more", () => {
  const { calls, timer } = counted();
  timer.happened();
  timer.end();
  vi.advanceTimersByTime(60_000);
  expect(calls).toEqual([]);
});
