import { type Job, jobKinds, jobStates } from "@meterbook/core/domain/job/job";
import { periodName } from "@meterbook/core/domain/snapshot/snapshot";
import { formatInstantMs } from "@meterbook/core/domain/time/instant";
import { z } from "zod";
import { heldBackNamedMax } from "./close-period.ts";

const count = z.int().min(0);

export const closedPeriodSchema = z.strictObject({
  period: z.string(),
  issued: count.meta({ description: "Meters whose snapshot of the period stands now, whoever issued it" }),
  beside: count.meta({ description: "Those of them that stood before" }),
  heldBack: count.meta({ description: "Meters that cannot be issued until damage is mended (GET /v1/damage)" }),
  heldBackMeters: z.array(z.string()).meta({ description: `Which they are, the first ${heldBackNamedMax} of them` }),
  waiting: count.meta({ description: "Meters that still wait to be recomputed; with heldBack 0, none was left out" }),
});

export const jobSchema = z
  .strictObject({
    id: z.string(),
    kind: z.enum(jobKinds),
    state: z.enum(jobStates).meta({ description: "`done` means that who asks now sees what came of it" }),
    done: count.meta({ description: "Of `total` parts; of a close: partitions of the log in which it was passed" }),
    total: count,
    period: z.string().meta({ description: "Of a close" }),
    askedAt: z.string().meta({ format: "date-time" }),
    askedBy: z.string(),
    result: closedPeriodSchema.nullable().meta({ description: "null until it is done" }),
    problem: z.string().nullable().meta({ description: "Why it failed; asking for the same again does no harm" }),
  })
  .meta({ id: "Job" });

export function jobJson(job: Job): z.infer<typeof jobSchema> {
  const { id, kind, state, done, total, askedAtMs, askedBy, result, problem } = job;
  const period = periodName(job.period);
  return {
    ...{ id, kind, state, done, total, period, askedAt: formatInstantMs(askedAtMs), askedBy },
    result: result === null ? null : ({ period, ...result } as z.infer<typeof closedPeriodSchema>),
    problem,
  };
}

export const closedExample = {
  period: "2026-10",
  issued: 100,
  beside: 3,
  heldBack: 1,
  heldBackMeters: ["m-17"],
  waiting: 0,
};

export const jobExample = {
  id: "0d1c6a0e-5a9e-4a2e-9f3f-0d5c8a3b7f11",
  kind: "close",
  state: "done",
  done: 4,
  total: 4,
  period: "2026-10",
  askedAt: "2026-11-04T08:00:00Z",
  askedBy: "operator-1",
  result: closedExample,
  problem: null,
};
