// Goal: waits grow to their bound, and end as soon as nobody wants them any more. Method: a clock that the test moves.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { backOff } from "./back-off.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** How long each of the waits takes, in milliseconds. */
async function lengths(waits: readonly (() => Promise<void>)[]): Promise<number[]> {
  const taken: number[] = [];
  for (const wait of waits) {
    const began = Date.now();
    const waiting = wait();
    await vi.advanceTimersToNextTimerAsync();
    await waiting;
    taken.push(Date.now() - began);
  }
  return taken;
}

test.for([
  { random: 0.5, expected: [100, 200, 400, 500, 500] },
  { random: 0, expected: [75, 150, 300, 375, 375] },
  { random: 1, expected: [125, 250, 500, 625, 625] },
])("they grow from the first to the longest, with a drawn number of $random: $expected", async (row) => {
  const pause = backOff({ firstMs: 100, maxMs: 500, random: () => row.random });
  expect(await lengths(row.expected.map(() => () => pause.wait()))).toEqual(row.expected);
});

test("they begin anew after a reset, and are as long as a server asks for", async () => {
  const pause = backOff({ firstMs: 100, maxMs: 500, random: () => 0.5 });
  const waits = [
    () => pause.wait(),
    () => pause.wait(undefined, 3000),
    () => {
      pause.reset();
      return pause.wait();
    },
  ];
  expect(await lengths(waits)).toEqual([100, 3000, 100]);
});

test("an end cuts short what waits, and nothing waits any more", async () => {
  const pause = backOff({ firstMs: 100, maxMs: 500 });
  const waiting = pause.wait();
  pause.end();
  await waiting;
  await pause.wait();
  expect(vi.getTimerCount()).toBe(0);
});

test("a signal that aborts ends a wait with its reason, and leaves nothing behind", async () => {
  const pause = backOff({ firstMs: 100, maxMs: 500 });
  const gone = new AbortController();
  const removed = vi.spyOn(gone.signal, "removeEventListener");
  const waiting = pause.wait(gone.signal);
  gone.abort(new Error("closed"));
  await expect(waiting).rejects.toThrow("closed");
  await expect(pause.wait(gone.signal)).rejects.toThrow("closed");
  expect([vi.getTimerCount(), removed.mock.calls.length]).toEqual([0, 1]);
});
