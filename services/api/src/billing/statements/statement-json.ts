import { hash } from "node:crypto";
import { baseUnits, readingQualities } from "@meterbook/core/domain/reading/reading";
import type { Evidence } from "@meterbook/core/domain/snapshot/snapshot";
import { lifecycles, methods, periodName, snapshotQualities } from "@meterbook/core/domain/snapshot/snapshot";
import type { Segment, Statement, Wait } from "@meterbook/core/domain/statement/statement";
import { statementText, waitReasons } from "@meterbook/core/domain/statement/statement";
import { formatInstant } from "@meterbook/core/domain/time/instant";
import { z } from "zod";
import { estimateJson, estimateSchema } from "../snapshot-json.ts";

const amount = z.int().min(0);
const instant = z.string().meta({ format: "date-time" });
const evidence = z.strictObject({ at: instant, value: amount, quality: z.enum(readingQualities) }).nullable();

const segmentSchema = z.strictObject({
  meterId: z.string(),
  snapshotId: z.string().meta({ description: "The issued revision that it is taken from" }),
  from: instant,
  to: instant,
  opening: amount.nullable(),
  openingAt: instant.nullable(),
  openingBasis: z.string().nullable(),
  closing: amount.nullable(),
  method: z.enum(methods),
  multiplier: z.int().min(1).meta({ description: "By the master data as of `from`" }),
  consumption: amount.nullable(),
  quality: z.enum(snapshotQualities),
  evidence: z.strictObject({ before: evidence, after: evidence }),
  estimate: estimateSchema,
});

export const statementSchema = z
  .strictObject({
    id: z.string(),
    usagePointId: z.string(),
    period: z.string(),
    from: instant,
    to: instant,
    lifecycle: z.enum(lifecycles).meta({ description: "`provisional` while a part of it is; `revised` where one was" }),
    void: z.boolean().meta({ description: "The month belongs to other usage points by now: nothing is to be billed" }),
    incomplete: z.boolean(),
    waitsFor: z.array(
      z.strictObject({
        reason: z.enum(waitReasons),
        register: z.string().nullable(),
        meterId: z.string().nullable(),
        from: instant,
        to: instant,
        detail: z.string(),
      }),
    ),
    hash: z.string().regex(/^sha256:[0-9a-f]{64}$/),
    snapshots: z
      .array(z.strictObject({ id: z.string(), hash: z.string() }))
      .meta({ description: "What it is made of; the hash is over these" }),
    registers: z.array(
      z.strictObject({
        register: z.string(),
        unit: z.enum(baseUnits),
        consumption: amount.nullable(),
        quality: z.enum(snapshotQualities),
        correction: z.int().nullable().meta({
          description: "How much more or less this is than what was final first; null where nothing was revised since",
        }),
        segments: z.array(segmentSchema),
      }),
    ),
  })
  .meta({ id: "Statement" });
export type StatementJson = z.infer<typeof statementSchema>;

const snapshotHash = "sha256:5f2b7a9d0c6e41d38f6a2b1c9e8d7f60514233445566778899aabbccddeeff00";
const example = {
  meterId: "m-1",
  snapshotId: "m-1/2026-08/1",
  from: "2026-07-31T21:00:00Z",
  to: "2026-08-15T07:00:00Z",
  opening: 100_000,
  openingAt: "2026-07-31T21:00:00Z",
  openingBasis: "previous",
  closing: 180_000,
  method: "EXACT" as const,
  multiplier: 1,
  consumption: 80_000,
  quality: "actual" as const,
  evidence: { before: null, after: null },
  estimate: null,
};
export const statementExample: StatementJson = {
  id: "up-1/2026-08",
  usagePointId: "up-1",
  period: "2026-08",
  from: "2026-07-31T21:00:00Z",
  to: "2026-08-31T21:00:00Z",
  lifecycle: "final",
  void: false,
  incomplete: false,
  waitsFor: [],
  hash: snapshotHash.replace("5f2b", "77aa"),
  snapshots: [
    { id: "m-1/2026-08/1", hash: snapshotHash },
    { id: "m-2/2026-08/1", hash: snapshotHash },
  ],
  registers: [
    {
      register: "1.8.0",
      unit: "Wh",
      consumption: 120_000,
      quality: "actual",
      correction: null,
      segments: [
        example,
        {
          ...example,
          meterId: "m-2",
          snapshotId: "m-2/2026-08/1",
          from: example.to,
          to: "2026-08-31T21:00:00Z",
          opening: 500,
          openingAt: example.to,
          openingBasis: "installation",
          closing: 40_500,
          consumption: 40_000,
        },
      ],
    },
  ],
};

/** A statement as the API shows it. Amounts are whole base units, instants UTC. */
export function statementJson(statement: Statement): StatementJson {
  const { usagePointId, period, span, isVoid, waitsFor, registers, sources } = statement;
  const month = periodName(period);
  return {
    id: `${usagePointId}/${month}`,
    usagePointId,
    period: month,
    from: formatInstant(span.start),
    to: formatInstant(span.boundary),
    lifecycle: lifecycleOf(statement),
    void: isVoid,
    incomplete: waitsFor.length > 0,
    waitsFor: waitsFor.map(waitJson),
    hash: `sha256:${hash("sha256", statementText(statement, month))}`,
    snapshots: sources.map(({ snapshotId: id, hash: of }) => ({ id, hash: of })),
    registers: registers.map(({ segments, ...register }) => ({ ...register, segments: segments.map(segmentJson) })),
  };
}

function lifecycleOf({ sources }: Statement): StatementJson["lifecycle"] {
  const all = new Set(sources.map(({ lifecycle }) => lifecycle));
  return all.has("provisional") ? "provisional" : all.has("revised") ? "revised" : "final";
}

function waitJson(wait: Wait): StatementJson["waitsFor"][number] {
  const { reason, register, meterId, from, to } = wait;
  return { reason, register, meterId, from: formatInstant(from), to: formatInstant(to), detail: waitWords(wait) };
}

/** What would make the statement whole. */
function waitWords({ reason, register, meterId, from, to }: Wait): string {
  const time = `from ${formatInstant(from)} to ${formatInstant(to)}`;
  if (reason === "no_meter") return `nobody has said which meter was there ${time}`;
  if (reason === "overlap") return `${meterId} and another meter both counted ${register} ${time}`;
  if (reason === "not_issued") return `the month of ${meterId}, which was there ${time}, has not been issued`;
  return `${meterId} has no consumption of ${register} ${time}`;
}

function segmentJson({ before, after, from, to, openingAt, estimate, ...rest }: Segment) {
  return {
    ...rest,
    from: formatInstant(from),
    to: formatInstant(to),
    openingAt: openingAt === null ? null : formatInstant(openingAt),
    evidence: { before: evidenceJson(before), after: evidenceJson(after) },
    estimate: estimateJson(estimate, null),
  };
}

function evidenceJson(of: Evidence | null) {
  return of === null ? null : { at: formatInstant(of.at), value: of.value, quality: of.quality };
}
