import type { StoredConflict } from "@meterbook/core/ports/series-store";
import { z } from "zod";
import type { Api, ApiContext } from "../api-context.ts";
import { knownMeter } from "../api-context.ts";
import { cursorForm } from "../http/answers/cursor.ts";
import type { List } from "../http/answers/list-answer.ts";
import { answerList, pagesBy } from "../http/answers/list-answer.ts";
import { textEncoder } from "../http/answers/row-encoder.ts";
import { listAnswers } from "../http/documentation/documented.ts";
import { cursor, limit, meterId } from "../http/requests/query-schemas.ts";
import {
  conflictExample,
  conflictHeader,
  conflictJson,
  conflictRow,
  conflictRowExample,
  conflictSchema,
} from "./conflict-json.ts";

const cursors = cursorForm("conflicts", z.int().min(0));
export function conflictRoutes(app: Api, context: ApiContext): void {
  const { ports, streams, limits } = context;
  const schema = {
    tags: ["analysis"],
    summary: "What came twice for one instant and differed",
    description: "In order of arrival.",
    params: z.strictObject({ meterId }),
    querystring: z.strictObject({ limit, cursor }),
    response: listAnswers("Conflicts", conflictSchema, conflictExample, `${conflictHeader}${conflictRowExample}`, [
      "meter_unknown",
    ]),
  };
  app.get("/v1/meters/:meterId/conflicts", { schema }, async (request, reply) => {
    const { meterId: scope } = await knownMeter(context, request.params.meterId);
    const place = request.query.cursor === undefined ? undefined : cursors.decode(scope, request.query.cursor);
    const list: List<StoredConflict, number> = {
      placeOf: ({ id }) => id,
      pages: (after, size) =>
        pagesBy((id, n) => ports.series.conflictsOf(scope, { afterId: id ?? 0, limit: n }), list.placeOf, after, size),
      json: conflictJson,
      csv: () => textEncoder(conflictRow, conflictHeader),
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
