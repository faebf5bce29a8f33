import { periodName } from "@meterbook/core/domain/snapshot/snapshot";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { GapPlace, ListedGap } from "@meterbook/core/ports/gap-log";
import { z } from "zod";
import type { Api, ApiContext } from "../api-context.ts";
import { csvRow } from "../http/answers/csv-cell.ts";
import { cursorForm } from "../http/answers/cursor.ts";
import { answerList, type List, pagesBy } from "../http/answers/list-answer.ts";
import { textEncoder } from "../http/answers/row-encoder.ts";
import { listAnswers } from "../http/documentation/documented.ts";
import { cursor, limit, period } from "../http/requests/query-schemas.ts";
import { gapCells, gapExample, gapFields, gapHeader, gapJson, gapRowExample } from "./gap-json.ts";

const cursors = cursorForm<GapPlace>(
  "fleet-gaps",
  z.strictObject({ group: z.int(), to: z.int(), meterId: z.string().max(64), no: z.int() }),
);

export const fleetGapSchema = z
  .strictObject({
    ...gapFields,
    usagePointId: z.string(),
    atClose: z.boolean().meta({ description: "It lies around the month's end: the closing value has to do without" }),
  })
  .meta({ id: "FleetGap" });

const example = { ...gapExample, usagePointId: "up-1", atClose: false };
const header = `${gapHeader},usage_point_id,at_close,in_outage\n`;

const description = `Gaps that are open, as they were found when the meter was last looked at. First those around the
month's end, for which its closing value has to be estimated; then newer before older. A gap that is in several months is
listed in each. Gaps of a meter beyond the newest hundred are listed when others are answered.`;

export function fleetGapRoutes(app: Api, context: ApiContext): void {
  const { ports, streams, limits, timeZone } = context;
  const schema = {
    tags: ["analysis"],
    summary: "What the meters of the fleet still owe a month",
    description,
    querystring: z.strictObject({
      period: period.optional().meta({ description: "The oldest month that is not final where absent" }),
      limit,
      cursor,
    }),
    response: listAnswers("Gaps", fleetGapSchema, example, `${header}${gapRowExample},up-1,false,false\n`),
  };
  app.get("/v1/gaps", { schema }, async (request, reply) => {
    const of = request.query.period ?? closingNext(timeZone, ports.clock.nowMs() / 1000);
    const scope = periodName(of);
    const place = request.query.cursor === undefined ? undefined : cursors.decode(scope, request.query.cursor);
    const list: List<ListedGap, GapPlace> = {
      placeOf: (gap) => gap.place,
      pages: (after, size) =>
        pagesBy((from, n) => ports.gaps.list({ period: of, after: from, limit: n }), list.placeOf, after, size),
      json: listedJson,
      csv: () =>
        textEncoder(
          ({ meterId, usagePointId, isAtClose, gap }) =>
            csvRow([...gapCells(meterId, gap), usagePointId, String(isAtClose), String(gap.inOutage === true)]),
          header,
        ),
    };
    const asked = { limit: request.query.limit, place, cursors, scope, exportPage: limits.exportPage };
    return answerList(request, reply, streams, list, asked);
  });
}

function listedJson({ meterId, usagePointId, isAtClose, gap }: ListedGap): z.infer<typeof fleetGapSchema> {
  return { ...gapJson(meterId, gap), usagePointId, atClose: isAtClose };
}

/** The month before this until it is final. */
function closingNext(zone: string, now: number): number {
  const calendar = localCalendar(zone);
  const current = calendar.periodOf(now);
  return now < calendar.finalFrom(current - 1) ? current - 1 : current;
}
