import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { standingProblems } from "./standing-problems.ts";
import { watchDisk } from "./watch-disk.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

// H18: ready on a full disk, because nothing was written just then.
test("a full disk is a problem within 10 s, one that is nearly full a notice, and both end", async () => {
  const standing = standingProblems();
  const notices = standingProblems({ kind: "notice" });
  const disk = { freeBytes: 1e9, bytes: 2e9 };
  const watch = watchDisk({ path: "/d", setting: "A_SETTING", standing, notices, roomOf: async () => disk });
  await vi.advanceTimersByTimeAsync(10_000);
  expect([standing.current(), notices.current()]).toEqual([[], []]);
  disk.freeBytes = 5e7;
  await vi.advanceTimersByTimeAsync(10_000);
  expect([standing.current(), notices.current()]).toEqual([
    [],
    ["less than 5 % of the disk of /d is free (A_SETTING)"],
  ]);
  disk.freeBytes = 0;
  await vi.advanceTimersByTimeAsync(10_000);
  expect([standing.current(), notices.current()]).toEqual([["no room on the disk of /d (A_SETTING)"], []]);
  disk.freeBytes = 1e9;
  await vi.advanceTimersByTimeAsync(10_000);
  expect([standing.current(), notices.current()]).toEqual([[], []]);
  watch.close();
});
