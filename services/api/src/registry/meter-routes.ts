import { type WireUnit, wireUnitNames } from "@meterbook/core/domain/quantity/amount";
import { baseUnits, kinds } from "@meterbook/core/domain/reading/reading";
import { meterBeside } from "@meterbook/core/domain/registry/exchange-meters";
import { directions } from "@meterbook/core/domain/registry/meter-record";
import { formatInstant } from "@meterbook/core/domain/time/instant";
import { z } from "zod";
import type { Api, ApiContext, KnownMeter } from "../api-context.ts";
import { knownMeter, withSoundRecord } from "../api-context.ts";
import { callerName } from "../http/access/access.ts";
import { answers } from "../http/documentation/documented.ts";
import { requestInvalid } from "../http/problems/problem.ts";
import { nameVersion, versionMismatch, wantedVersion } from "../http/requests/entity-versions.ts";
import { meterId } from "../http/requests/query-schemas.ts";
import { unfitMembers } from "./meter-record-checks.ts";
import { meterRecord, meterRecordJson, meterRecordSchema } from "./meter-record-json.ts";
import { setMeters } from "./set-meters.ts";

const moment = z.string().meta({ format: "date-time" });
const event = z.strictObject({
  at: moment,
  values: z.record(z.string(), z.int().min(0)),
});
export const registeredMeterSchema = z
  .strictObject({
    meterId: z.string(),
    usagePointId: z.string(),
    zone: z.string().optional(),
    registers: z.array(
      z.strictObject({
        register: z.string(),
        unit: z.enum(baseUnits),
        digits: z.int().optional(),
        multiplier: z.int().optional(),
        multipliers: z.array(z.strictObject({ validFrom: moment, multiplier: z.int() })).optional(),
        modulus: z.int().optional(),
        direction: z.enum(directions).optional(),
        displayUnit: z.enum(wireUnitNames as [WireUnit, ...WireUnit[]]).optional(),
        annualUse: z.int().optional(),
      }),
    ),
    stepSeconds: z.int().optional(),
    connectionPowerW: z.int().optional(),
    serialNumber: z.string().optional().meta({ description: "What its maker has written on it" }),
    installed: event.optional(),
    removed: event.optional(),
    earlier: z
      .array(z.strictObject({ usagePointId: z.string(), installed: event.optional(), removed: event.optional() }))
      .optional()
      .meta({ description: "Where the meter was before" }),
  })
  .meta({ id: "RegisteredMeter" });

export const meterSchema = registeredMeterSchema
  .extend({
    zone: z.string().meta({ description: "The default zone where the record names none" }),
    registered: z.boolean().meta({ description: "false: the meter reports and has no record; these are the defaults" }),
    channels: z
      .array(
        z.strictObject({
          register: z.string(),
          kind: z.enum(kinds),
          unit: z.enum(baseUnits),
          stepSeconds: z.int().optional(),
          firstAt: z.string().meta({ format: "date-time" }),
        }),
      )
      .meta({ description: "What it has reported" }),
    warnings: z.array(z.string()).optional().meta({ description: "What of the record may not be meant so" }),
  })
  .meta({ id: "Meter" });

export const recordExample = {
  meterId: "m-1",
  usagePointId: "up-1",
  zone: "Europe/Kyiv",
  registers: [{ register: "1.8.0", unit: "Wh", digits: 6, multiplier: 1 }],
  stepSeconds: 900,
  connectionPowerW: 15_000,
  installed: { at: "2026-01-15T08:00:00Z", values: { "1.8.0": 12_000 } },
};
const example = {
  ...recordExample,
  registered: true,
  channels: [{ register: "1.8.0", kind: "register", unit: "Wh", firstAt: "2026-01-15T08:15:00Z" }],
};

export function meterRoutes(app: Api, context: ApiContext): void {
  const { ports } = context;
  const params = z.strictObject({ meterId });
  const one = {
    tags: ["meters"],
    summary: "Master data of a meter and what it has reported",
    params,
    querystring: z.strictObject({}),
    response: answers("The meter", meterSchema, example, ["meter_unknown", "record_damaged"]),
  };
  app.get("/v1/meters/:meterId", { schema: one }, async (request, reply) => {
    const { meterId: id } = request.params;
    const meter = withSoundRecord(await knownMeter(context, id));
    nameVersion(reply, (await ports.registry.meterVersion(id))?.version ?? 0);
    return meterJson(meter);
  });
  putRoute(app, context);
}

function putRoute(app: Api, context: ApiContext): void {
  const put = {
    tags: ["meters"],
    summary: "Set the master data of a meter",
    description:
      "The whole record, which replaces the one before; sending the same again changes nothing. Values of `installed` and `removed` are in their register's `unit`. `usagePointId`, `installed` and `removed` are those of the newest installation: places where the meter was before stay unless `earlier` says otherwise. `If-Match` with the `ETag` of an answer changes the record only if nobody else has since.",
    params: z.strictObject({ meterId }),
    querystring: z.strictObject({}),
    body: meterRecordSchema,
    response: answers("The meter as it is kept", meterSchema, example, [
      "json_invalid",
      "body_too_large",
      "media_type_unsupported",
      "version_mismatch",
    ]),
  };
  const preValidation = async ({ body }: { body: unknown }) => {
    const many = unfitMembers(body);
    if (many.length > 0) throw requestInvalid(many);
  };
  app.put("/v1/meters/:meterId", { schema: put, preValidation }, async (request, reply) => {
    const { meterId: id } = request.params;
    const named = request.body.meterId;
    if (named !== undefined && named !== id)
      throw requestInvalid([{ field: "meterId", message: `is ${named}, but the address says ${id}` }]);
    const { registry } = context.ports;
    const wanted = await wantedVersion(request, async () => (await registry.meterVersion(id))?.version ?? 0);
    const set = { by: callerName(request), base: wanted };
    const [outcome] = await setMeters(registry, [meterRecord(request.body, id)], set);
    if (outcome?.outcome === "fault") throw requestInvalid([outcome.fault]);
    if (outcome?.outcome === "conflict") throw versionMismatch(`meter ${id}`, outcome.version);
    nameVersion(reply, (await registry.meterVersion(id))?.version ?? 0);
    const kept = await knownMeter(context, id);
    const beside = kept.record && meterBeside(kept.record, await registry.metersAt(kept.record.usagePointId));
    return meterJson(kept, beside?.meterId);
  });
}

/** @param beside another meter at the same place */
function meterJson(
  { meterId: id, record: known, stored, calendar }: KnownMeter,
  beside?: string,
): z.infer<typeof meterSchema> {
  return {
    ...meterRecordJson(known ?? { meterId: id, usagePointId: id, registers: [] }),
    zone: calendar.zone,
    registered: known !== undefined,
    channels: (stored?.channels ?? []).map(({ register, kind, unit, stepSeconds, first }) => ({
      register,
      kind,
      unit,
      ...(kind === "interval" ? { stepSeconds } : {}),
      firstAt: formatInstant(first.at),
    })),
    ...warningsOf(known, stored, beside),
  };
}

/**
 * Of a meter that is silent from the start no snapshot is made, unless its record says since when it should report:
 * months only count it. Two meters of one place may be put one after the other, so that both are there for a moment:
 * that is told, not refused.
 */
function warningsOf(
  known: KnownMeter["record"],
  stored: KnownMeter["stored"],
  beside: string | undefined,
): { warnings?: string[] } {
  if (known === undefined) return {};
  const isSilent = known.installed === undefined && (stored?.channels.length ?? 0) === 0;
  const warnings = [
    ...(isSilent
      ? [
          "installed: is absent, so months before its first reading count the meter as silent, and no snapshot is made of it",
        ]
      : []),
    ...(beside === undefined
      ? []
      : [`usagePointId: ${beside} is at ${known.usagePointId} at the same time and counts the same registers`]),
  ];
  return warnings.length === 0 ? {} : { warnings };
}
