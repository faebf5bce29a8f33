import { idPattern } from "@meterbook/core/domain/reading/identifiers";
import type { OutageRecord } from "@meterbook/core/domain/registry/outage";
import { formatInstant, formatInstantMs } from "@meterbook/core/domain/time/instant";
import type { Registry } from "@meterbook/core/ports/registry";
import { z } from "zod";
import { fieldErrors } from "../../http/problems/plain-words.ts";
import type { FieldError } from "../../http/problems/problem.ts";
import { idRule, recordedInstant, usagePointId } from "../../http/requests/query-schemas.ts";
import { present } from "../meter-record-json.ts";

/** Of one outage; a feeder may supply more. */
const usagePointsMax = 1000;

export const outageId = z.string().regex(idPattern, idRule).meta({ description: "The outage's id, which you choose" });
const feeder = z.string().regex(idPattern, idRule);

const ignored = z.unknown().optional().meta({ description: "In answers only; ignored" });

/** An outage as it is sent. */
export const outageWire = z
  .strictObject({
    outageId: outageId.optional(),
    version: z.int().min(0).optional().meta({ description: "The version that this was made from" }),
    usagePoints: z
      .array(usagePointId)
      .max(usagePointsMax)
      .optional()
      .meta({ description: "Places without supply. Empty, and no feeder: it was told by mistake" }),
    feeder: feeder.optional().meta({ description: "All usage points that it supplied then" }),
    from: recordedInstant("When supply was lost", "2026-09-10T14:20:00+03:00"),
    to: recordedInstant("When it was back; it goes on where absent", "2026-09-10T18:05:00+03:00").optional(),
    reason: z.string().max(200).optional(),
    recordedAt: ignored,
    by: ignored,
  })
  .meta({ id: "OutageRecord" });

const moment = z.string().meta({ format: "date-time" });

export const outageSchema = z
  .strictObject({
    outageId: z.string(),
    version: z.int().min(1).meta({ description: "Grows with every change" }),
    recordedAt: moment,
    by: z.string().optional().meta({ description: "The name of the caller's key" }),
    usagePoints: z.array(z.string()),
    feeder: z.string().optional(),
    from: moment,
    to: moment.optional(),
    reason: z.string().optional(),
  })
  .meta({ id: "Outage" });

export const outageExample = {
  outageId: "o-17",
  version: 1,
  recordedAt: "2026-09-10T15:30:00Z",
  by: "jo",
  usagePoints: ["up-1", "up-2"],
  feeder: "f-7",
  from: "2026-09-10T11:20:00Z",
  to: "2026-09-10T15:05:00Z",
  reason: "a tree on the line",
};

export type SentOutage =
  | { readonly record: OutageRecord; readonly version: number | undefined }
  | { readonly errors: readonly FieldError[] };

/** @param id that of the address; undefined where the record itself must name it */
export function readOutage(sent: unknown, id: string | undefined): SentOutage {
  const parsed = outageWire.safeParse(sent);
  const named: unknown = Object(sent).outageId;
  const errors = parsed.success ? [] : fieldErrors(parsed.error.issues, "record");
  if (named === undefined && id === undefined) errors.push({ field: "outageId", message: "is required" });
  if (id !== undefined && typeof named === "string" && named !== id)
    errors.push({ field: "outageId", message: `is ${named.slice(0, 64)}, but the address says ${id}` });
  if (parsed.success && parsed.data.to !== undefined && parsed.data.to <= parsed.data.from)
    errors.push({ field: "to", message: "is not after from" });
  if (errors.length > 0 || !parsed.success) return { errors };
  return { record: outageOf(parsed.data, id ?? String(named)), version: parsed.data.version };
}

/** @param sent passed `readOutage` */
export function outageOf(sent: z.output<typeof outageWire>, id: string): OutageRecord {
  const { usagePoints = [], from, feeder: of, to, reason } = sent;
  const places = [...new Set(usagePoints)].sort();
  return { outageId: id, usagePoints: places, from, ...present({ feeder: of, to, reason }) };
}

export type ListedOutage = Awaited<ReturnType<Registry["outages"]>>[number];

/** Sent back unchanged, it is the same. */
export function outageJson(
  id: string,
  { version, recordedAtMs, by, record }: Omit<ListedOutage, "outageId" | "record"> & { readonly record: OutageRecord },
): z.infer<typeof outageSchema> {
  const { usagePoints, feeder: of, from, to, reason } = record;
  return {
    outageId: id,
    version,
    recordedAt: formatInstantMs(recordedAtMs),
    usagePoints: [...usagePoints],
    from: formatInstant(from),
    ...present({ by: by === "" ? undefined : by, feeder: of, reason }),
    ...(to === undefined ? {} : { to: formatInstant(to) }),
  };
}
