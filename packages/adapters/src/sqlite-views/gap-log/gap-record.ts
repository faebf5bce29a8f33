import type { MeterGaps } from "@meterbook/core/domain/gap/meter-gaps";
import { gapsPerMeterMax } from "@meterbook/core/domain/gap/meter-gaps";
import { baseUnits, kinds } from "@meterbook/core/domain/reading/reading";
import { isTimeZone } from "@meterbook/core/domain/time/local-calendar";
import { encodeJsonRecord, readJsonRecord } from "@meterbook/core/records/json-record";
import { z } from "zod";

/** The gaps of a meter as a record: JSON with a checksum behind it. */
export function encodeMeterGaps(gaps: MeterGaps): Buffer {
  return encodeJsonRecord(gaps);
}

/** To the end of the year 9999: what lies beyond cannot be written as a date. */
const secondsMax = 253_402_300_799;
const instant = z.int().min(0).max(secondsMax);
const instantMs = z
  .int()
  .min(0)
  .max(secondsMax * 1000);
const whole = z.int().min(0);

const channel = {
  register: z.string(),
  kind: z.enum(kinds),
  unit: z.enum(baseUnits),
  stepSeconds: whole,
};
const range = z.object({ ...channel, from: instant, to: instant, goesOn: z.boolean() });
const gap = z.object({
  ...channel,
  from: instant,
  to: instant,
  missing: whole,
  goesOn: z.boolean(),
  inOutage: z.boolean().optional(),
  sinceMs: instantMs,
  asked: z.object({ times: whole, atMs: instantMs }).nullable(),
  answeredAtMs: instantMs.nullable(),
});

const form = z.object({
  meterId: z.string(),
  usagePointId: z.string(),
  zone: z.string().refine(isTimeZone),
  gaps: z.array(gap).max(gapsPerMeterMax),
  asking: z
    .object({
      id: z.string(),
      atMs: instantMs,
      times: whole,
      rank: whole,
      ranges: z.array(range),
      state: z.enum(["asked", "ended"]),
    })
    .nullable(),
  sequence: z.object({ gaps: whole, missing: whole, after: whole, next: whole, atMs: instantMs }).nullable(),
});

/** Undefined where the bytes are not what was written, or no gaps of a meter. */
export function decodeMeterGaps(bytes: Uint8Array): MeterGaps | undefined {
  return form.safeParse(readJsonRecord(bytes)).data;
}

/** Whether there is nothing to be kept of the meter. */
export function isNothing({ gaps, asking, sequence }: MeterGaps): boolean {
  return gaps.length === 0 && asking === null && sequence === null;
}
