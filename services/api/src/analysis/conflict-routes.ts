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
import type { Api, ApiContext } from "../api-context.ts";
import { knownMeter } from "../api-context.ts";
import { csvRow } from "../http/answers/csv-cell.ts";
import { cursorForm } from "../http/answers/cursor.ts";
import type { List } from "../http/answers/list-answer.ts";
import { answerList, pagesBy } from "../http/answers/list-answer.ts";
import { textEncoder } from "../http/answers/row-encoder.ts";
import { listAnswers } from "../http/documentation/documented.ts";
import { cursor, limit, meterId } from "../http/requests/query-schemas.ts";

const cursors = cursorForm("conflicts", z.int().min(0));
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

const example = {
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
const header =
  "id,meter_id,register,kind,step_seconds,unit,at,kept_value,kept_quality,kept_origin,refused_value,refused_quality,refused_origin,received_at,kept_revision,refused_revision\n";

export function conflictRoutes(app: Api, context: ApiContext): void {
  const { ports, streams, limits } = context;
  const schema = {
    tags: ["analysis"],
    summary: "What came twice for one instant and differed",
    description: "In order of arrival.",
    params: z.strictObject({ meterId }),
    querystring: z.strictObject({ limit, cursor }),
    response: listAnswers(
      "Conflicts",
      conflictSchema,
      example,
      `${header}7,m-1,1.8.0,register,,Wh,2026-10-31T22:00:00Z,12345678,actual,remote,12345999,actual,remote,2026-11-01T08:15:00.120Z,0,0\n`,
      ["meter_unknown"],
    ),
  };
  app.get("/v1/meters/:meterId/conflicts", { schema }, async (request, reply) => {
    const { meterId: scope } = await knownMeter(context, request.params.meterId);
    const place = request.query.cursor === undefined ? undefined : cursors.decode(scope, request.query.cursor);
    const list: List<StoredConflict, number> = {
      placeOf: ({ id }) => id,
      pages: (after, size) =>
        pagesBy((id, n) => ports.series.conflictsOf(scope, { afterId: id ?? 0, limit: n }), list.placeOf, after, size),
      json: conflictJson,
      csv: () => textEncoder(conflictRow, header),
    };
    return answerList(request, reply, streams, list, {
      limit: request.query.limit,
      place,
      cursors,
      scope,
      exportPage: limits.exportPage,
    });
  });
}

function conflictJson(conflict: StoredConflict): z.infer<typeof conflictSchema> {
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

function conflictRow(conflict: StoredConflict): string {
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
