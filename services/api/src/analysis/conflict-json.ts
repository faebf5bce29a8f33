import type { Reading } from "@meterbook/core/domain/reading/reading";
import {
  baseUnits,
  kinds,
  originOf,
  origins,
  qualityOf,
  readingQualities,
  revisionOf,
} from "@meterbook/core/domain/reading/reading";
import { formatInstant, formatInstantMs } from "@meterbook/core/domain/time/instant";
import type { StoredConflict } from "@meterbook/core/ports/series-store";
import { z } from "zod";
import { csvRow } from "../http/answers/csv-cell.ts";

const side = z.strictObject({
  value: z.int(),
  quality: z.enum(readingQualities),
  origin: z.enum(origins),
  revision: z.int().optional().meta({ description: "As the source said; absent where it said none, or 0" }),
});

export const conflictSchema = z
  .strictObject({
    id: z.int(),
    meterId: z.string(),
    register: z.string(),
    kind: z.enum(kinds),
    stepSeconds: z.int().optional(),
    unit: z.enum(baseUnits),
    at: z.string().meta({ format: "date-time" }),
    kept: side.meta({ description: "What curves and snapshots use" }),
    refused: side,
    receivedAt: z.string().meta({ format: "date-time", description: "When the later of the two came" }),
  })
  .meta({ id: "Conflict" });

export const conflictExample = {
  id: 7,
  meterId: "m-1",
  register: "1.8.0",
  kind: "register",
  unit: "Wh",
  at: "2026-10-31T22:00:00Z",
  kept: { value: 12_345_678, quality: "actual", origin: "remote" },
  refused: { value: 12_345_999, quality: "actual", origin: "remote" },
  receivedAt: "2026-11-01T08:15:00.120Z",
};
export const conflictHeader =
  "id,meter_id,register,kind,step_seconds,unit,at,kept_value,kept_quality,kept_origin,refused_value,refused_quality,refused_origin,received_at,kept_revision,refused_revision\n";

/** The example as a row. */
export const conflictRowExample =
  "7,m-1,1.8.0,register,,Wh,2026-10-31T22:00:00Z,12345678,actual,remote,12345999,actual,remote,2026-11-01T08:15:00.120Z,0,0\n";

export function conflictJson(conflict: StoredConflict): z.infer<typeof conflictSchema> {
  const { register, kind, unit, stepSeconds } = conflict.channel;
  return {
    id: conflict.id,
    meterId: conflict.meterId,
    register,
    kind,
    ...(kind === "interval" ? { stepSeconds } : {}),
    unit,
    at: formatInstant(conflict.at),
    kept: sideJson(conflict.kept),
    refused: sideJson(conflict.refused),
    receivedAt: formatInstantMs(conflict.receivedAtMs),
  };
}

function sideJson({ value, code }: Reading): z.infer<typeof side> {
  const revision = revisionOf(code);
  return { value, quality: qualityOf(code), origin: originOf(code), ...(revision === 0 ? {} : { revision }) };
}

export function conflictRow(conflict: StoredConflict): string {
  const {
    id,
    meterId: meter,
    register,
    kind,
    stepSeconds = "",
    unit,
    at,
    kept,
    refused,
    receivedAt,
  } = conflictJson(conflict);
  const sides = [kept, refused].flatMap(({ value, quality, origin }) => [value, quality, origin]);
  return csvRow([
    id,
    meter,
    register,
    kind,
    stepSeconds,
    unit,
    at,
    ...sides,
    receivedAt,
    kept.revision ?? 0,
    refused.revision ?? 0,
  ]);
}
