import { installationAt, installationsOf } from "@meterbook/core/domain/registry/installations";
import { factsAt, readingPolicies, usagePointStatuses } from "@meterbook/core/domain/registry/usage-point";
import { formatInstant, formatInstantMs } from "@meterbook/core/domain/time/instant";
import { z } from "zod";
import type { Api, ApiContext } from "../../api-context.ts";
import { callerName } from "../../http/access/access.ts";
import { cursorForm } from "../../http/answers/cursor.ts";
import type { List } from "../../http/answers/list-answer.ts";
import { answerList, pagesBy } from "../../http/answers/list-answer.ts";
import { textEncoder } from "../../http/answers/row-encoder.ts";
import { answers, listAnswers } from "../../http/documentation/documented.ts";
import { ApiProblem, requestInvalid } from "../../http/problems/problem.ts";
import { isTable } from "../../http/requests/answer-format.ts";
import { nameVersion, versionMismatch, wantedVersion } from "../../http/requests/entity-versions.ts";
import { cursor, instant, limit, usagePointId, wholeNumber } from "../../http/requests/query-schemas.ts";
import { eventJson, present } from "../meter-record-json.ts";
import { allUsagePoints } from "./all-usage-points.ts";
import { type KnownUsagePoint, knownUsagePoint, type ListedPoint, shownUsagePoint } from "./known-usage-point.ts";
import { usagePointCsvHeader, usagePointCsvRows } from "./usage-point-csv.ts";
import { factsJson, readUsagePoint, usagePointOf, usagePointWire, withLists } from "./usage-point-json.ts";

const cursors = cursorForm("usage-points", z.string());
const moment = z.string().meta({ format: "date-time" });
const event = z.strictObject({ at: moment, values: z.record(z.string(), z.int().min(0)) });

function dated<Value extends z.ZodType>(value: Value) {
  return z.array(z.strictObject({ value, validFrom: moment.optional() })).optional();
}

const versionNote = {
  version: z.int().min(0).meta({ description: "Grows with every change of the record and of the meters at it" }),
  recordedAt: moment.optional(),
  by: z.string().optional().meta({ description: "The name of the caller's key" }),
  reason: z.string().optional(),
};

export const listedUsagePointSchema = z
  .strictObject({
    usagePointId: z.string(),
    ...versionNote,
    zone: dated(z.string()),
    connectionPowerW: dated(z.int()),
    feeder: dated(z.string()),
    supplier: dated(z.string()),
    groups: dated(z.array(z.string())),
    status: dated(z.enum(usagePointStatuses)),
    readingPolicy: dated(z.enum(readingPolicies)),
    measures: dated(z.string()),
  })
  .meta({ id: "ListedUsagePoint" });

export const usagePointSchema = listedUsagePointSchema
  .extend({
    meters: z
      .array(z.strictObject({ meterId: z.string(), installed: event.optional(), removed: event.optional() }))
      .meta({ description: "Every installation there is or was, by meter" }),
  })
  .meta({ id: "UsagePoint" });

export const usagePointAtSchema = z
  .strictObject({
    usagePointId: z.string(),
    asOf: moment,
    zone: z.string(),
    connectionPowerW: z.int().optional(),
    feeder: z.string().optional(),
    supplier: z.string().optional(),
    groups: z.array(z.string()).optional(),
    status: z.enum(usagePointStatuses).optional(),
    readingPolicy: z.enum(readingPolicies).optional(),
    measures: z.string().optional(),
    meters: z.array(z.string()).meta({ description: "Those that were there at that moment" }),
  })
  .meta({ id: "UsagePointAt" });

export const versionSchema = z.strictObject({ ...versionNote, recordedAt: moment, by: z.string(), reason: z.string() });

const listed = {
  usagePointId: "up-1",
  version: 2,
  recordedAt: "2026-09-01T08:00:00Z",
  by: "jo",
  reason: "connection enlarged",
  zone: [{ value: "Europe/Kyiv" }],
  connectionPowerW: [{ value: 10_000 }, { value: 15_000, validFrom: "2026-08-31T21:00:00Z" }],
  status: [{ value: "connected" }],
};
export const usagePointExample = {
  ...listed,
  meters: [{ meterId: "m-1", installed: { at: "2026-01-15T08:00:00Z", values: { "1.8.0": 12_000 } } }],
};

const params = z.strictObject({ usagePointId });
const tags = ["meters"];

export function usagePointRoutes(app: Api, context: ApiContext): void {
  listRoute(app, context);
  oneRoute(app, context);
  putRoute(app, context);
  versionsRoute(app, context);
}

function listedJson({ usagePointId: id, version, recordedAtMs, by, reason, record }: ListedPoint) {
  const said = { by: by === "" ? undefined : by, reason: reason === "" ? undefined : reason };
  const recordedAt = recordedAtMs === undefined ? undefined : formatInstantMs(recordedAtMs);
  return {
    usagePointId: id,
    version,
    ...present({ recordedAt, ...said }),
    ...(record === null ? {} : factsJson(record)),
  };
}

function listRoute(app: Api, { ports, streams, limits }: ApiContext): void {
  const csvExample = `${usagePointCsvHeader}${usagePointCsvRows("up-1", null, 2)}`;
  const schema = {
    tags,
    summary: "Usage points, ordered by id",
    description:
      "Those that have a record, that a meter of another id has named, or that are their meter's own: these have its id, and the version 0 until somebody speaks of them. The CSV is the one that `POST /v1/usage-points:import` takes, and has none of those.",
    querystring: z.strictObject({ limit, cursor }),
    response: listAnswers("Usage points", listedUsagePointSchema, listed, csvExample),
  };
  app.get("/v1/usage-points", { schema }, async (request, reply) => {
    const place = request.query.cursor === undefined ? undefined : cursors.decode("", request.query.cursor);
    const read = (after: string | undefined, atMost: number): Promise<readonly ListedPoint[]> =>
      ports.registry.usagePoints({ limit: atMost, ...(after === undefined ? {} : { afterUsagePointId: after }) });
    const isCsv = isTable(request.headers.accept);
    const points: List<ListedPoint, string> = {
      placeOf: ({ usagePointId: id }) => id,
      pages: (after, size) => (isCsv ? pagesBy(read, points.placeOf, after, size) : allUsagePoints(ports, after, size)),
      json: listedJson,
      csv: () =>
        textEncoder(
          ({ usagePointId: id, record, version }) => usagePointCsvRows(id, record, version),
          usagePointCsvHeader,
        ),
    };
    const asked = { limit: request.query.limit, place, cursors, scope: "", exportPage: limits.exportPage };
    return answerList(request, reply, streams, points, asked);
  });
}

function oneRoute(app: Api, context: ApiContext): void {
  const { registry } = context.ports;
  const schema = {
    tags,
    summary: "A usage point, with its history and its meters",
    description:
      "`asOf` answers what held at a moment, by what is known now. `version` answers what was known in an earlier version.",
    params,
    querystring: z.strictObject({
      asOf: instant("A moment", "2026-10-01T00:00:00Z").optional(),
      version: wholeNumber(1, 1_000_000_000, { description: "The newest where absent" }).optional(),
    }),
    response: answers("The usage point", z.union([usagePointSchema, usagePointAtSchema]), usagePointExample, [
      "usage_point_unknown",
      "version_unknown",
      "record_damaged",
    ]),
  };
  app.get("/v1/usage-points/:usagePointId", { schema }, async (request, reply) => {
    const { usagePointId: id } = request.params;
    const { asOf, version } = request.query;
    const known = await shownUsagePoint(context, id);
    if (asOf !== undefined) return atJson(context, known, asOf);
    if (version === undefined) {
      nameVersion(reply, known.version);
      return usagePointJson(known);
    }
    const before = await registry.usagePoint(id, version);
    if (before === undefined)
      throw new ApiProblem("version_unknown", `usage point ${id} has the versions 1 to ${known.version}`);
    return listedJson({ usagePointId: id, ...before });
  });
}

function putRoute(app: Api, context: ApiContext): void {
  const { registry } = context.ports;
  const schema = {
    tags,
    summary: "Set the master data of a usage point",
    description:
      "The whole record, which replaces the one before; earlier versions can still be read. A fact is a list of values, each with the time from which it holds; a plain value, or one `{ value, validFrom }`, stands for a list of one. With `If-Match` and the `ETag` of an answer it changes the record only if nobody else has since, nor the meters at it; `If-None-Match: *` only if there is none.",
    params,
    querystring: z.strictObject({}),
    body: usagePointWire,
    response: answers("The usage point as it is kept", usagePointSchema, usagePointExample, [
      "json_invalid",
      "body_too_large",
      "media_type_unsupported",
      "version_mismatch",
    ]),
  };
  const preValidation = async (request: { body: unknown; params: unknown }) => {
    const { usagePointId: id } = Object(request.params) as { usagePointId?: string };
    const read = readUsagePoint(request.body, id);
    if ("errors" in read) throw requestInvalid(read.errors);
    request.body = withLists(request.body).lists;
  };
  app.put("/v1/usage-points/:usagePointId", { schema, preValidation }, async (request, reply) => {
    const { usagePointId: id } = request.params;
    const read = usagePointOf(request.body, id);
    const base = await wantedVersion(request, async () => (await registry.usagePoint(id))?.version ?? 0);
    const write = { base: base ?? read.version ?? null, usagePoint: read.record };
    const [outcome] = await registry.apply([{ writes: [write], by: callerName(request), reason: read.reason }]);
    if (outcome?.outcome === "conflict") throw versionMismatch(`usage point ${id}`, outcome.version);
    const known = await knownUsagePoint(context, id);
    nameVersion(reply, known.version);
    return usagePointJson(known);
  });
}

function versionsRoute(app: Api, context: ApiContext): void {
  const schema = {
    tags,
    summary: "Who has changed a usage point, and when; the newest first",
    params,
    querystring: z.strictObject({
      before: wholeNumber(1, 1_000_000_000, { description: "Only versions before this one" }).optional(),
      limit,
    }),
    response: answers(
      "The versions",
      z.strictObject({ items: z.array(versionSchema) }),
      { items: [{ version: 2, recordedAt: listed.recordedAt, by: listed.by, reason: listed.reason }] },
      ["usage_point_unknown"],
    ),
  };
  app.get("/v1/usage-points/:usagePointId/versions", { schema }, async (request) => {
    const { usagePointId: id } = request.params;
    await knownUsagePoint(context, id);
    const { before, limit: atMost = 100 } = request.query;
    const key = { kind: "usage-point", id } as const;
    const notes = await context.ports.registry.versions(key, { limit: atMost, ...present({ before }) });
    return {
      items: notes.map(({ recordedAtMs, ...note }) => ({ ...note, recordedAt: formatInstantMs(recordedAtMs) })),
    };
  });
}

export function usagePointJson(known: KnownUsagePoint): z.infer<typeof usagePointSchema> {
  const { meters, ...rest } = known;
  const installations = meters.flatMap((record) =>
    installationsOf(record)
      .filter((one) => one.usagePointId === known.usagePointId)
      .map(({ installed, removed }) => ({
        meterId: record.meterId,
        ...present({ installed: eventJson(installed), removed: eventJson(removed) }),
      })),
  );
  return { ...listedJson(rest), meters: installations } as z.infer<typeof usagePointSchema>;
}

function atJson({ timeZone }: ApiContext, { usagePointId: id, record, meters }: KnownUsagePoint, asOf: number) {
  const there = meters.filter((meter) => installationAt(meter, asOf)?.usagePointId === id);
  const zone = there[0]?.zone ?? timeZone;
  const facts = record === null ? {} : factsAt(record, asOf);
  const ids = there.map(({ meterId }) => meterId);
  return { usagePointId: id, asOf: formatInstant(asOf), zone, ...facts, meters: ids };
}
