import { steadyClock } from "@meterbook/runtime/clock/steady-clock";
import { timeWitnesses } from "@meterbook/runtime/clock/time-witnesses";
import { expect, test } from "vitest";
import { believedMsMax, monthsTime } from "./months-time.ts";
import type { PartitionMemory } from "./partition-memory.ts";

const dayMs = 86_400_000;

test("H16: a clock that is two days ahead at the very first start is not believed because a month turns", () => {
  const beganMs = Date.parse("2026-09-29T12:00:00+03:00");
  const time = { trueMs: beganMs };
  const wallMs = () => time.trueMs + 2 * dayMs;
  const steadyMs = () => time.trueMs - beganMs;
  const clock = steadyClock({ toleranceMs: 60_000, wallMs, steadyMs, uptimeMs: steadyMs });
  const witnesses = timeWitnesses({ clock, leapMs: dayMs, wallMs });
  const believed = { isThere: false, logBeganMs: wallMs() };
  const knownMeters = { zones: new Set(["Europe/Kyiv"]), numbered: 5 };
  const memory = { believed, time: { ms: 0 }, knownMeters };
  const months = monthsTime(memory as unknown as PartitionMemory, clock, witnesses, 0);
  const saidAt = (iso: string) => {
    time.trueMs = Date.parse(iso);
    clock.look();
    for (const meter of ["a", "b", "c"]) witnesses.reading(meter, time.trueMs - 600_000, 3_600_000);
    witnesses.judge(5, wallMs() - believed.logBeganMs);
    const atMs = months.nowMs();
    memory.time.ms = Math.max(memory.time.ms, atMs);
    // As pass-barrier.ts has it.
    if (atMs >= wallMs() - believedMsMax) believed.isThere = true;
    return atMs;
  };
  saidAt("2026-09-29T12:00:00+03:00");
  saidAt("2026-10-01T00:30:00+03:00");
  saidAt("2026-10-15T12:00:00+03:00");
  expect(believed.isThere).toBe(false);
  expect(saidAt("2026-10-30T12:00:00+02:00")).toBeLessThan(Date.parse("2026-11-01T00:00:00+02:00"));
});
