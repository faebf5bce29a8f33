import type { RegisterSnapshot, Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { withoutReadings } from "@meterbook/core/domain/snapshot/snapshot";
import { parseInstantMs } from "@meterbook/core/domain/time/instant";
import { closingsOf } from "@meterbook/core/domain/valuation/month";
import { expect, test } from "vitest";
import { namingTheReading } from "./replaced-estimate.ts";

const [midnight, before, after] = ["2026-09-30T21:00:00Z", "2026-09-28T21:00:00Z", "2026-10-02T21:00:00Z"].map(at);

function at(text: string): number {
  return (parseInstantMs(text) as number) / 1000;
}

function evidence(instant: number, value: number) {
  return { at: instant, value, quality: "actual" as const };
}

function revision(number: number, row: Partial<RegisterSnapshot>): Snapshot {
  return {
    meterId: "m",
    usagePointId: "m",
    period: 0,
    boundary: midnight as number,
    registers: [{ ...withoutReadings("1.8.0", "Wh"), ...row }],
    revision: number,
    lifecycle: "revised",
    issuedAtMs: 0,
    reason: "inputs changed",
    hash: `hash ${number}`,
  } as Snapshot;
}

const estimate = revision(1, { value: 196, valueQuality: "estimated", method: "FLAT_BETWEEN" });
const known = { hash: estimate.hash, closings: closingsOf(estimate.registers) };

test("a reading of the boundary itself is named, not the one that follows it", () => {
  const exact = {
    value: 199,
    valueQuality: "actual",
    method: "EXACT",
    readAt: midnight as number,
    before: evidence(midnight as number, 199),
    after: evidence(after as number, 202),
  } as const;
  expect(namingTheReading(revision(2, exact), known).reason).toBe(
    "inputs changed: the estimate of 1.8.0 gave way to the reading of 2026-09-30T21:00:00Z",
  );
});

test("between two readings the one behind the boundary is named", () => {
  const flat = {
    value: 198,
    valueQuality: "estimated",
    method: "FLAT_BETWEEN",
    readAt: before as number,
    before: evidence(before as number, 190),
    after: evidence(after as number, 206),
  } as const;
  expect(namingTheReading(revision(2, flat), known).reason).toBe(
    "inputs changed: the estimate of 1.8.0 gave way to the reading of 2026-10-02T21:00:00Z",
  );
});

test("the same value gives way to nothing", () => {
  const same = { value: 196, valueQuality: "actual", method: "EXACT", readAt: midnight as number } as const;
  expect(namingTheReading(revision(2, same), known).reason).toBe("inputs changed");
});
