import type { ConflictPlace, FleetConflict } from "@meterbook/core/ports/series-store";
import { z } from "zod";
import type { Api, ApiContext } from "../api-context.ts";
import { cursorForm } from "../http/answers/cursor.ts";
import { answerList, type List, pagesBy } from "../http/answers/list-answer.ts";
import { textEncoder } from "../http/answers/row-encoder.ts";
import { listAnswers } from "../http/documentation/documented.ts";
import { requestInvalid } from "../http/problems/problem.ts";
import { cursor, instant, limit, meterId } from "../http/requests/query-schemas.ts";
import {
  conflictExample,
  conflictHeader,
  conflictJson,
  conflictRow,
  conflictRowExample,
  conflictSchema,
} from "./conflict-json.ts";

const shardsMax = 256;
const cursors = cursorForm<ConflictPlace>("fleet-conflicts", z.array(z.int().nullable()).max(shardsMax));

const description = `What came twice for one instant and differed, of all meters. Begins with the values that came last:
those of one partition in the order of its log, the partitions by \`receivedAt\`. A conflict that comes meanwhile
is on a first page only. \`id\` grows with each conflict of a meter.`;

export function fleetConflictRoutes(app: Api, context: ApiContext): void {
  const { ports, streams, limits } = context;
  const schema = {
    tags: ["analysis"],
    summary: "Second values of the fleet, the newest first",
    description,
    querystring: z.strictObject({
      meterId: meterId.optional().meta({ description: "Only those of this meter" }),
      from: instant("The first instant of the readings", "2026-09-30T21:00:00Z").optional(),
      to: instant("The end, itself not included", "2026-10-31T22:00:00Z").optional(),
      limit,
      cursor,
    }),
    response: listAnswers("Conflicts", conflictSchema, conflictExample, `${conflictHeader}${conflictRowExample}`),
  };
  app.get("/v1/conflicts", { schema }, async (request, reply) => {
    const { limit: atMost, cursor: sent, ...asked } = request.query;
    if (asked.from !== undefined && asked.to !== undefined && asked.to <= asked.from)
      throw requestInvalid([{ field: "to", message: "must be after from" }]);
    const scope = JSON.stringify(asked);
    const place = sent === undefined ? undefined : cursors.decode(scope, sent);
    const read = (after: ConflictPlace | undefined, most: number) =>
      ports.series.conflicts({ ...asked, after, limit: most });
    const list: List<FleetConflict, ConflictPlace> = {
      placeOf: (one) => one.place,
      pages: (after, size) => pagesBy(read, list.placeOf, after, size),
      json: ({ conflict }) => conflictJson(conflict),
      csv: () => textEncoder(({ conflict }) => conflictRow(conflict), conflictHeader),
    };
    const page = { limit: atMost, place, cursors, scope, exportPage: limits.exportPage };
    return answerList(request, reply, streams, list, page);
  });
}
