import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { standingProblems } from "../health/standing-problems.ts";
import { watchClock } from "../health/watch-clock.ts";
import { steadyClock } from "./steady-clock.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const startMs = Date.parse("2026-11-20T12:00:00Z");
const dayMs = 86_400_000;

function world() {
  const host = { wallMs: startMs, steadyMs: 1000, uptimeMs: 50_000 };
  const clock = steadyClock({
    toleranceMs: 60_000,
    wallMs: () => host.wallMs,
    steadyMs: () => host.steadyMs,
    uptimeMs: () => host.uptimeMs,
  });
  function passes(ms: number): void {
    host.wallMs += ms;
    host.steadyMs += ms;
    host.uptimeMs += ms;
  }
  return { host, clock, passes };
}

// H16: a host's clock that is 40 days ahead makes months final that are not over.
test("time that jumps ahead is not followed, and time that comes back is", () => {
  const { host, clock, passes } = world();
  passes(5000);
  host.wallMs += 40 * dayMs;
  passes(5000);
  expect(clock.nowMs()).toBe(startMs + 10_000);
  expect(clock.look()).toEqual({ aheadMs: 40 * dayMs, wentBackMs: 0, differs: undefined });
  host.wallMs -= 40 * dayMs;
  passes(5000);
  expect(clock.nowMs()).toBe(startMs + 15_000);
  expect(clock.look()).toEqual({ aheadMs: 0, wentBackMs: 0, differs: undefined });
});

test("time that jumps back is followed, and told for a while", () => {
  const { host, clock, passes } = world();
  host.wallMs -= 40 * dayMs;
  passes(5000);
  expect(clock.nowMs()).toBe(startMs + 5000 - 40 * dayMs);
  expect(clock.look()).toEqual({ aheadMs: 0, wentBackMs: 40 * dayMs, differs: undefined });
  passes(11 * 60_000);
  expect(clock.look().wentBackMs).toBe(0);
});

test("a clock that is set right by little, or a machine that slept, is in no doubt", () => {
  const { host, clock, passes } = world();
  for (let hour = 0; hour < 48; hour += 1) {
    passes(3_600_000);
    host.wallMs += 30_000;
    expect(clock.nowMs()).toBe(host.wallMs);
  }
  host.wallMs += dayMs;
  host.uptimeMs += dayMs;
  expect(clock.look().aheadMs).toBe(0);
  expect(clock.nowMs()).toBe(host.wallMs);
});

test("a server's clock is believed where ours is ahead of it, and where both agree", () => {
  const { host, clock, passes } = world();
  const server = (differsMs: number) =>
    clock.compare({ name: "http://influx", atMs: host.wallMs + differsMs, askedAtMs: host.wallMs - 20 });
  server(-40 * dayMs);
  passes(1000);
  expect(clock.nowMs()).toBe(startMs + 1000 - 40 * dayMs);
  expect(clock.look().differs?.from).toBe("http://influx");
  host.wallMs -= 40 * dayMs;
  server(0);
  expect(clock.nowMs()).toBe(host.wallMs);
  expect(clock.look()).toMatchObject({ aheadMs: 0, differs: undefined });
  // Theirs is ahead: nothing comes sooner by that.
  server(dayMs);
  expect(clock.nowMs()).toBe(host.wallMs);
  expect(clock.look()).toMatchObject({ aheadMs: 0, differs: { byMs: -dayMs } });
  // The whole country was set ahead, and they say so too.
  host.wallMs += dayMs;
  expect(clock.nowMs()).toBe(host.wallMs - dayMs);
  server(0);
  expect(clock.nowMs()).toBe(host.wallMs);
});

test("what an operator is told: within 10 s, once, and that it is over", async () => {
  const { host, clock, passes } = world();
  const lines: string[] = [];
  const say = (fields: Readonly<Record<string, unknown>>) =>
    void lines.push(String(fields["problem"] ?? fields["notice"]));
  const log = { info: say, warn: say };
  const standing = standingProblems({ log });
  const notices = standingProblems({ log, kind: "notice" });
  const watch = watchClock({ clock, holdsBack: "months", standing, notices });
  host.wallMs += 40 * dayMs;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(standing.current()).toEqual([expect.stringMatching(/jumped ahead by 40 days; no month's end/)]);
  host.wallMs -= 40 * dayMs;
  passes(1000);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(standing.current()).toEqual([]);
  host.wallMs -= dayMs;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(notices.current()).toEqual([expect.stringContaining("went back by 24 h")]);
  expect(lines).toEqual(["clock", "clock", "clock back"]);
  watch.close();
});
