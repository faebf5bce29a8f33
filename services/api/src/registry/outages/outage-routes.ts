import { z } from "zod";
import type { Api, ApiContext } from "../../api-context.ts";
import { callerName } from "../../http/access/access.ts";
import { cursorForm } from "../../http/answers/cursor.ts";
import type { List } from "../../http/answers/list-answer.ts";
import { answerList, pagesBy } from "../../http/answers/list-answer.ts";
import { textEncoder } from "../../http/answers/row-encoder.ts";
import { answers, listAnswers } from "../../http/documentation/documented.ts";
import { ApiProblem, requestInvalid } from "../../http/problems/problem.ts";
import { nameVersion, versionMismatch, wantedVersion } from "../../http/requests/entity-versions.ts";
import { cursor, instant, limit, wholeNumber } from "../../http/requests/query-schemas.ts";
import { outageCsvHeader, outageCsvRow } from "./outage-csv.ts";
import {
  type ListedOutage,
  outageExample,
  outageId,
  outageJson,
  outageOf,
  outageSchema,
  outageWire,
  readOutage,
} from "./outage-json.ts";

const cursors = cursorForm("outages", z.string());
const params = z.strictObject({ outageId });
const tags = ["meters"];

export function outageRoutes(app: Api, context: ApiContext): void {
  listRoute(app, context);
  oneRoute(app, context);
  putRoute(app, context);
}

/** Lists have those that can be read. */
type Shown = ListedOutage & { readonly record: NonNullable<ListedOutage["record"]> };

function listRoute(app: Api, { ports, streams, limits }: ApiContext): void {
  const csvExample = `${outageCsvHeader}${outageCsvRow(
    { outageId: "o-17", usagePoints: ["up-1", "up-2"], feeder: "f-7", from: 1_789_039_200, to: 1_789_052_700 },
    1,
  )}`;
  const schema = {
    tags,
    summary: "Outages, ordered by id",
    description:
      "Those that have time in common with `from` to `to`. The CSV is the one that `POST /v1/outages:import` takes.",
    querystring: z.strictObject({
      from: instant("Start; since ever where absent", "2026-09-01T00:00:00Z").optional(),
      to: instant("End; for all time where absent", "2026-10-01T00:00:00Z").optional(),
      limit,
      cursor,
    }),
    response: listAnswers("Outages", outageSchema, outageExample, csvExample),
  };
  app.get("/v1/outages", { schema }, async (request, reply) => {
    const { from, to } = request.query;
    const scope = `${from ?? ""} ${to ?? ""}`;
    const place = request.query.cursor === undefined ? undefined : cursors.decode(scope, request.query.cursor);
    const range = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
    const read = async (after: string | undefined, atMost: number) => {
      const behind = after === undefined ? {} : { afterOutageId: after };
      return (await ports.registry.outages({ ...range, ...behind, limit: atMost })) as readonly Shown[];
    };
    const outages: List<Shown, string> = {
      placeOf: (one) => one.outageId,
      pages: (after, size) => pagesBy(read, outages.placeOf, after, size),
      json: (one) => outageJson(one.outageId, one),
      csv: () => textEncoder(({ record, version }) => outageCsvRow(record, version), outageCsvHeader),
    };
    const asked = { limit: request.query.limit, place, cursors, scope, exportPage: limits.exportPage };
    return answerList(request, reply, streams, outages, asked);
  });
}

function oneRoute(app: Api, { ports }: ApiContext): void {
  const schema = {
    tags,
    summary: "An outage",
    description: "`version` answers what was known in an earlier version.",
    params,
    querystring: z.strictObject({
      version: wholeNumber(1, 1_000_000_000, { description: "The newest where absent" }).optional(),
    }),
    response: answers("The outage", outageSchema, outageExample, [
      "outage_unknown",
      "version_unknown",
      "record_damaged",
    ]),
  };
  app.get("/v1/outages/:outageId", { schema }, async (request, reply) => {
    const { outageId: id } = request.params;
    const { version } = request.query;
    const known = await knownOutage(ports, id);
    if (version === undefined) {
      nameVersion(reply, known.version);
      return outageJson(id, known);
    }
    const before = await ports.registry.outage(id, version);
    if (before?.record == null)
      throw new ApiProblem("version_unknown", `outage ${id} has the versions 1 to ${known.version}`);
    return outageJson(id, { ...before, record: before.record });
  });
}

function putRoute(app: Api, { ports }: ApiContext): void {
  const { registry } = ports;
  const schema = {
    tags,
    summary: "Say when places had no supply",
    description: `The whole outage, which replaces the one before. It is at usage points, at all that a feeder supplied then, or
both. In an outage no use is estimated, and a meter is not asked for what it did not report. Months that it touches are
made anew. An outage that was told by mistake is sent again without usage points and feeder. With \`If-Match\` and the
\`ETag\` of an answer it is changed only if nobody else has since; \`If-None-Match: *\` only if there is none.`,
    params,
    querystring: z.strictObject({}),
    body: outageWire,
    response: answers("The outage as it is kept", outageSchema, outageExample, [
      "json_invalid",
      "body_too_large",
      "media_type_unsupported",
      "version_mismatch",
    ]),
  };
  const preValidation = async (request: { body: unknown; params: unknown }) => {
    const { outageId: id } = Object(request.params) as { outageId?: string };
    const read = readOutage(request.body, id);
    if ("errors" in read) throw requestInvalid(read.errors);
  };
  app.put("/v1/outages/:outageId", { schema, preValidation }, async (request, reply) => {
    const { outageId: id } = request.params;
    const wanted = await wantedVersion(request, async () => (await registry.outage(id))?.version ?? 0);
    const base = wanted ?? request.body.version ?? null;
    const write = { base, outage: outageOf(request.body, id) };
    const [outcome] = await registry.apply([{ writes: [write], by: callerName(request), reason: "" }]);
    if (outcome?.outcome === "conflict") throw versionMismatch(`outage ${id}`, outcome.version);
    const known = await knownOutage(ports, id);
    nameVersion(reply, known.version);
    return outageJson(id, known);
  });
}

/** @throws ApiProblem `outage_unknown` */
async function knownOutage({ registry }: ApiContext["ports"], id: string) {
  const known = await registry.outage(id);
  if (known?.record == null) throw new ApiProblem("outage_unknown", `outage ${id} is not in the registry`);
  return { ...known, record: known.record };
}
