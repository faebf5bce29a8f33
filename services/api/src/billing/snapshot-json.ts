import { baseUnits, origins, readingQualities } from "@meterbook/core/domain/reading/reading";
import { judgedRules } from "@meterbook/core/domain/snapshot/finding";
import type { Estimate, Evidence, RegisterSnapshot, Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import {
  faults,
  isVoid,
  lifecycles,
  methods,
  openingBases,
  periodName,
  snapshotId,
  snapshotQualities,
} from "@meterbook/core/domain/snapshot/snapshot";
import { formatInstant, formatInstantMs } from "@meterbook/core/domain/time/instant";
import { z } from "zod";

const amount = z.int().min(0);
const instant = z.string().meta({ format: "date-time" });

const evidenceSchema = z
  .strictObject({ at: instant, value: amount, quality: z.enum(readingQualities) })
  .nullable()
  .meta({ description: "A reading beside the boundary" });

export const estimateSchema = z
  .strictObject({
    method: z.enum(methods),
    inputs: z.array(z.string()),
    low: amount,
    high: amount,
    cap: amount.nullable().meta({ description: "What the connection can carry in that time" }),
    outageSeconds: z.int().min(0).meta({ description: "Time without supply in what was estimated" }),
    replacedBy: z.string().nullable().meta({
      description: "The revision that came in its place, by an actual reading or otherwise; null while it stands",
    }),
  })
  .nullable()
  .meta({ description: "How good an estimated consumption is" });

const registerSchema = z.strictObject({
  register: z.string(),
  unit: z.enum(baseUnits),
  usagePointId: z.string().meta({
    description: "Where the meter was. A register has a row for each usage point and multiplier of the month, by time",
  }),
  value: amount.nullable().meta({ description: "The register at the boundary, or where the row ends" }),
  valueQuality: z
    .enum(snapshotQualities)
    .meta({ description: "Of the closing value alone; what the next opening inherits" }),
  opening: amount.nullable(),
  openingBasis: z.enum(openingBases).nullable(),
  openingAt: instant.nullable(),
  carried: z
    .int()
    .nullable()
    .meta({ description: "What the line shows at the opening minus the opening: made up for the month before" }),
  from: instant.nullable().meta({ description: "When the row begins, if not with the month" }),
  to: instant.nullable().meta({ description: "When it ends, if not with the month" }),
  consumption: amount
    .nullable()
    .meta({ description: "Closing minus opening times the multiplier; null rather than negative" }),
  quality: z.enum(snapshotQualities),
  method: z.enum(methods),
  origin: z.enum(origins).nullable(),
  readAt: instant.nullable(),
  evidence: z.strictObject({ before: evidenceSchema, after: evidenceSchema }),
  intervals: z.strictObject({ expected: z.int(), present: z.int() }).nullable(),
  fault: z.enum(faults).nullable().meta({ description: "Why there is no consumption although there are values" }),
  findings: z
    .array(z.strictObject({ rule: z.enum(judgedRules), at: instant }))
    .meta({ description: "What the rules of docs/validation.md say of readings of the month" }),
  estimate: estimateSchema,
});

export const snapshotExample = {
  id: "m-1/2026-10/2",
  meterId: "m-1",
  usagePointId: "up-1",
  period: "2026-10",
  revision: 2,
  lifecycle: "final",
  boundary: "2026-10-31T22:00:00Z",
  issuedAt: "2026-11-03T22:00:05Z",
  reason: "window closed",
  hash: "sha256:5f2b7a9d0c6e41d38f6a2b1c9e8d7f60514233445566778899aabbccddeeff00",
  registers: [
    {
      register: "1.8.0",
      unit: "Wh",
      usagePointId: "up-1",
      value: 12_345_678,
      valueQuality: "actual",
      opening: 12_100_000,
      openingBasis: "previous",
      openingAt: "2026-09-30T21:00:00Z",
      carried: 0,
      from: null,
      to: null,
      consumption: 245_678,
      quality: "actual",
      method: "EXACT",
      origin: "remote",
      readAt: "2026-10-31T22:00:00Z",
      evidence: {
        before: { at: "2026-10-31T22:00:00Z", value: 12_345_678, quality: "actual" },
        after: { at: "2026-10-31T22:15:00Z", value: 12_345_900, quality: "actual" },
      },
      intervals: null,
      fault: null,
      findings: [],
      estimate: null,
    },
  ],
  void: false,
};

/** A snapshot as the API shows it (contract, section 3). Amounts are whole base units, instants UTC. */
export const snapshotSchema = z
  .strictObject({
    id: z.string(),
    meterId: z.string(),
    usagePointId: z.string(),
    period: z.string(),
    revision: z.int().min(1),
    lifecycle: z.enum(lifecycles),
    boundary: instant,
    issuedAt: instant,
    reason: z.string(),
    hash: z.string().regex(/^sha256:[0-9a-f]{64}$/),
    registers: z.array(registerSchema),
    void: z.boolean().meta({
      description:
        "The month is no longer the meter's, as `reason` says: nothing is to be billed by it, and what was billed is taken back",
    }),
  })
  .meta({ id: "Snapshot", examples: [snapshotExample] });

export type SnapshotJson = z.infer<typeof snapshotSchema>;

/** @param replacedBy the id of the revision that came after it, where the caller knows of one */
export function snapshotJson(snapshot: Snapshot, replacedBy: string | null = null): SnapshotJson {
  return {
    id: snapshotId(snapshot),
    meterId: snapshot.meterId,
    usagePointId: snapshot.usagePointId,
    period: periodName(snapshot.period),
    revision: snapshot.revision,
    lifecycle: snapshot.lifecycle,
    boundary: formatInstant(snapshot.boundary),
    issuedAt: formatInstantMs(snapshot.issuedAtMs),
    reason: snapshot.reason,
    hash: snapshot.hash,
    registers: snapshot.registers.map((row) => registerJson(row, snapshot.usagePointId, replacedBy)),
    void: isVoid(snapshot),
  };
}

function registerJson(
  row: RegisterSnapshot,
  usagePointId: string,
  replacedBy: string | null,
): SnapshotJson["registers"][number] {
  return {
    register: row.register,
    unit: row.unit,
    usagePointId: row.usagePointId ?? usagePointId,
    value: row.value,
    valueQuality: row.valueQuality,
    opening: row.opening,
    openingBasis: row.openingBasis,
    openingAt: instantJson(row.openingAt),
    carried: row.carried,
    from: instantJson(row.from),
    to: instantJson(row.to),
    consumption: row.consumption,
    quality: row.quality,
    method: row.method,
    origin: row.origin,
    readAt: instantJson(row.readAt),
    evidence: { before: evidenceJson(row.before), after: evidenceJson(row.after) },
    intervals: row.intervals,
    fault: row.fault,
    findings: row.findings.map(({ rule, at }) => ({ rule, at: formatInstant(at) })),
    estimate: estimateJson(row.estimate, replacedBy),
  };
}

export function estimateJson(estimate: Estimate | null, replacedBy: string | null) {
  return estimate === null ? null : { ...estimate, inputs: [...estimate.inputs], replacedBy };
}

function instantJson(at: number | null): string | null {
  return at === null ? null : formatInstant(at);
}

function evidenceJson(evidence: Evidence | null): { at: string; value: number; quality: Evidence["quality"] } | null {
  return evidence === null
    ? null
    : { at: formatInstant(evidence.at), value: evidence.value, quality: evidence.quality };
}
