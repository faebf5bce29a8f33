import type { WireUnit } from "@meterbook/core/domain/quantity/amount";
import { baseAmount, wireUnits } from "@meterbook/core/domain/quantity/amount";
import { canonicalRegister } from "@meterbook/core/domain/reading/identifiers";
import { type ExchangedMeter, exchangeMeters } from "@meterbook/core/domain/registry/exchange-meters";
import type { EntityWrite } from "@meterbook/core/domain/registry/master-data-change";
import type { MeterRecord, RegisteredRegister } from "@meterbook/core/domain/registry/meter-record";
import { formatInstant } from "@meterbook/core/domain/time/instant";
import { z } from "zod";
import type { Api, ApiContext } from "../../api-context.ts";
import { callerName } from "../../http/access/access.ts";
import { answers } from "../../http/documentation/documented.ts";
import type { FieldError } from "../../http/problems/problem.ts";
import { ApiProblem, fewErrors, requestInvalid } from "../../http/problems/problem.ts";
import { nameVersion, versionMismatch, wantedVersion } from "../../http/requests/entity-versions.ts";
import { meterId, recordedInstant, usagePointId } from "../../http/requests/query-schemas.ts";
import { registersMax } from "../meter-record-checks.ts";
import { baseRegister, meterRecordJson, registerSchema } from "../meter-record-json.ts";
import { registeredMeterSchema } from "../meter-routes.ts";
import { knownUsagePoint } from "./known-usage-point.ts";
import { usagePointExample, usagePointJson, usagePointSchema } from "./usage-point-routes.ts";

const values = z
  .record(z.string(), z.union([z.string(), z.number()]))
  .nullable()
  .optional()
  .meta({ description: "Register to its value, in the register's `displayUnit`; null, or absent, where nobody knows" });

const meter = z.strictObject({
  meterId,
  values,
  registers: z
    .array(registerSchema)
    .max(registersMax)
    .optional()
    .meta({ description: "Of a meter that the registry does not know, or that has others now" }),
});

const exchangeSchema = z
  .strictObject({
    at: recordedInstant("When", "2026-08-15T10:00:00+03:00"),
    removed: meter.nullable().optional(),
    installed: meter.nullable().optional(),
    reason: z.string().max(200).optional(),
  })
  .meta({ id: "MeterExchange" });
type WireExchange = z.output<typeof exchangeSchema>;

export const exchangedSchema = z.strictObject({
  usagePoint: usagePointSchema,
  removed: registeredMeterSchema.nullable(),
  installed: registeredMeterSchema.nullable(),
});

const register = { register: "1.8.0", unit: "Wh", displayUnit: "kWh" };
const example = {
  usagePoint: usagePointExample,
  removed: {
    ...{ meterId: "m-1", usagePointId: "up-1", registers: [register] },
    installed: usagePointExample.meters[0]?.installed,
    removed: { at: "2026-08-15T07:00:00Z", values: { "1.8.0": 180_000 } },
  },
  installed: {
    ...{ meterId: "m-2", usagePointId: "up-1", registers: [register] },
    installed: { at: "2026-08-15T07:00:00Z", values: { "1.8.0": 500 } },
  },
};

const attemptsMax = 10;

/** One meter leaves, another takes its place. Both records and the usage point's version change together. */
export function exchangeRoutes(app: Api, context: ApiContext): void {
  const schema = {
    tags: ["meters"],
    summary: "Exchange the meter of a usage point",
    description: `At \`at\` the meter \`removed\` leaves, with its last values, and \`installed\` takes its place, with its first ones. Either may be absent, and so may values. \`registers\` are those of a meter that
the registry does not know yet. All of it holds, or nothing. Months that it touches are evaluated again. Sending the same again changes nothing.`,
    params: z.strictObject({ usagePointId }),
    querystring: z.strictObject({}),
    body: exchangeSchema,
    response: answers("Both meters and the usage point", exchangedSchema, example, [
      "json_invalid",
      "body_too_large",
      "media_type_unsupported",
      "installation_conflict",
      "record_damaged",
      "version_mismatch",
    ]),
  };
  app.post("/v1/usage-points/:usagePointId/exchange", { schema }, async (request, reply) => {
    const { usagePointId: id } = request.params;
    const { registry } = context.ports;
    const wanted = await wantedVersion(request, async () => (await registry.usagePoint(id))?.version ?? 0);
    const meters = await exchange(context, request.body, { id, wanted, by: callerName(request) });
    const point = await knownUsagePoint(context, id);
    nameVersion(reply, point.version);
    const jsonOf = (of: string | undefined) => {
      const record = meters.find((one) => one.meterId === of);
      return record === undefined ? null : meterRecordJson(record);
    };
    return {
      usagePoint: usagePointJson(point),
      removed: jsonOf(request.body.removed?.meterId),
      installed: jsonOf(request.body.installed?.meterId),
    };
  });
}

interface Asked {
  readonly id: string;
  readonly wanted: number | undefined;
  readonly by: string;
}

/** Made from what is known now, and made again where somebody else was faster. */
async function exchange({ ports }: ApiContext, wire: WireExchange, { id, wanted, by }: Asked) {
  const { registry } = ports;
  const named = [wire.removed?.meterId, wire.installed?.meterId].filter((one) => one !== undefined);
  if (named.length === 0) throw requestInvalid([{ field: "removed", message: "or installed is required" }]);
  if (new Set(named).size < named.length)
    throw requestInvalid([{ field: "installed.meterId", message: "is the meter that is removed" }]);
  for (let attempt = 1; ; attempt += 1) {
    const point = await registry.usagePoint(id);
    const versions = await Promise.all(named.map((meter) => registry.meterVersion(meter)));
    const records = new Map((await registry.metersAt(id)).map((record) => [record.meterId, record]));
    for (const [i, meter] of named.entries()) {
      const record = versions[i]?.record;
      if (record) records.set(meter, record);
    }
    const meters = exchanged(id, wire, records);
    const writes: EntityWrite[] = meters.map((meter) => {
      const base = versions[named.indexOf(meter.meterId)]?.version ?? 0;
      return { base, meter };
    });
    const guard = { base: wanted ?? point?.version ?? 0, guard: { kind: "usage-point", id } as const };
    const all = [writes[0] as EntityWrite, ...writes.slice(1), guard] as const;
    const [outcome] = await registry.apply([{ writes: all, by, reason: wire.reason ?? "exchange" }]);
    if (outcome?.outcome !== "conflict") return meters;
    const isPoint = outcome.entity.kind === "usage-point";
    if ((wanted !== undefined && isPoint) || attempt === attemptsMax)
      throw versionMismatch(`${isPoint ? "usage point" : "meter"} ${outcome.entity.id}`, outcome.version);
  }
}

function exchanged(id: string, wire: WireExchange, known: ReadonlyMap<string, MeterRecord>): readonly MeterRecord[] {
  const old = known.get(wire.removed?.meterId ?? "");
  const fresh = known.get(wire.installed?.meterId ?? "");
  const removed = meterOf("removed", wire.removed, { known: old, fallback: undefined });
  const installed = meterOf("installed", wire.installed, { known: fresh, fallback: old });
  const errors = [...removed.errors, ...installed.errors];
  if (errors.length > 0) throw requestInvalid(errors);
  const asked = { usagePointId: id, at: wire.at, removed: removed.meter, installed: installed.meter };
  const result = exchangeMeters(asked, [...known.values()], formatInstant);
  if ("meters" in result) return result.meters;
  const faults = fewErrors(result.faults);
  const detail = faults.map(({ field, message }) => `${field}: ${message}`).join("; ");
  throw new ApiProblem("installation_conflict", detail, { errors: faults });
}

interface Registers {
  readonly known: MeterRecord | undefined;
  /** Of whom it may have the same registers. */
  readonly fallback: MeterRecord | undefined;
}

function meterOf(
  name: "removed" | "installed",
  wire: WireExchange["removed"],
  { known, fallback }: Registers,
): { readonly meter: ExchangedMeter | undefined; readonly errors: readonly FieldError[] } {
  if (wire === null || wire === undefined) return { meter: undefined, errors: [] };
  const sent = wire.registers?.map(baseRegister);
  const registers = sent ?? known?.registers ?? [];
  const errors: FieldError[] = [];
  // A multiplier must not be guessed.
  const isGuess = name === "installed" && sent === undefined && (known?.registers.length ?? 0) === 0;
  const needs = fallback?.registers.some(({ multiplier, multipliers }) => (multiplier ?? 1) > 1 || multipliers);
  if (isGuess && (needs || Object.keys(wire.values ?? {}).length > 0))
    errors.push({
      field: `${name}.registers`,
      message: `is required: the registry knows no registers of ${wire.meterId}`,
    });
  const read = new Map<string, number>();
  for (const [code, amount] of Object.entries(isGuess ? {} : (wire.values ?? {}))) {
    const register = canonicalRegister(code) ?? code;
    const entry = registers.find((one) => one.register === register);
    const value = baseValueOf(amount, entry);
    const field = `${name}.values.${code}`;
    if (typeof value === "string") errors.push({ field, message: value });
    else if (read.has(register)) errors.push({ field, message: `${register} is there twice` });
    else read.set(register, value);
  }
  const meter = {
    meterId: wire.meterId,
    values: Object.fromEntries(read),
    ...(sent === undefined ? {} : { registers: sent }),
  };
  return { meter, errors };
}

/** In base units, or what is wrong with it. */
function baseValueOf(amount: string | number, entry: RegisteredRegister | undefined): number | string {
  if (entry === undefined) return "is not among the registers of the meter: PUT its record first, or send registers";
  const unit: WireUnit = entry.displayUnit ?? entry.unit;
  const value = baseAmount(amount, unit);
  if (value === undefined)
    return `a plain decimal in ${unit}, 0 or more, with at most ${wireUnits[unit].zeros} decimals`;
  if (entry.digits !== undefined && value >= 10 ** (entry.digits + 3))
    return `does not fit a display of ${entry.digits} digits`;
  return value;
}
