import { groupKinds } from "@meterbook/core/domain/group/group-members";
import { groupResolutions } from "@meterbook/core/domain/group/sum-curve";
import { baseUnits } from "@meterbook/core/domain/reading/reading";
import { z } from "zod";
import { checkRange, rangeDaysMax } from "../analysis/curves/curve-rows.ts";
import type { Api, ApiContext } from "../api-context.ts";
import { csvRow } from "../http/answers/csv-cell.ts";
import { chunksOf } from "../http/answers/list-answer.ts";
import { textEncoder } from "../http/answers/row-encoder.ts";
import { listAnswers, withJson } from "../http/documentation/documented.ts";
import { ApiProblem } from "../http/problems/problem.ts";
import { answerFormat, rowsAs } from "../http/requests/answer-format.ts";
import { register } from "../http/requests/query-schemas.ts";
import { groupCurveBytes } from "./group-curve-json.ts";
import {
  groupId,
  groupPointExample,
  groupPointJson,
  groupPointSchema,
  knownGroup,
  pendingDays,
  pendingSchema,
  rangeFields,
  readGroup,
} from "./group-query.ts";

export const groupCurveSchema = z.strictObject({
  groupId: z.string(),
  kind: z.enum(groupKinds),
  name: z.string(),
  meters: z.int(),
  register: z.string(),
  unit: z.enum(baseUnits),
  resolution: z.enum(groupResolutions),
  zone: z.string(),
  pending: pendingSchema,
  items: z.array(groupPointSchema),
});

const curveExample = {
  groupId: "feeder:F-12",
  kind: "feeder",
  name: "F-12",
  meters: 412,
  register: "1.8.0",
  unit: "Wh",
  resolution: "PT1H",
  zone: "Europe/Kyiv",
  pending: 0,
  items: [groupPointExample],
};
const header = "group_id,register,unit,from,to,consumption,expected,present,estimated\n";
const csvExample = `${header}feeder:F-12,1.8.0,Wh,2026-10-31T21:00:00Z,2026-10-31T22:00:00Z,41200,100,98,1\n`;

const description = `What the members of a group used together, step by step, with how many of them each step knows:
the sum of their own curves (\`GET /v1/meters/{meterId}/curve\`). A member counts from the day on from which the registry says so.

- Sums are made before they are asked for, and made again when a reading comes late or is corrected, or master data
  change. \`pending\` says how many days of the range wait for that.
- A meter that reports full hours is missing at quarter hours, and there at full hours: what is not known of a step is
  not split.
- Days and months are those of the default zone. A month is the sum of its days, and counts meters times days.
- \`measures:…\` is what the meters count that measure a feeder. They are in no other group.

At most ${rangeDaysMax.PT1H} days (days and months: ${rangeDaysMax.P1D}). Not paged.`;

export function groupCurveRoutes(app: Api, context: ApiContext): void {
  const { streams, timeZone } = context;
  const problems = ["range_too_long", "group_unknown", "register_unknown"] as const;
  const schema = {
    tags: ["analysis"],
    summary: "The consumption curve of a group",
    description,
    params: z.strictObject({ groupId }),
    querystring: z.strictObject({ register, ...rangeFields }),
    response: withJson(
      listAnswers("The curve", groupPointSchema, groupPointExample, csvExample, problems),
      groupCurveSchema,
      curveExample,
    ),
  };
  app.get("/v1/groups/:groupId/curve", { schema }, async (request, reply) => {
    const { register: of, ...range } = request.query;
    checkRange(range);
    const format = answerFormat(request.headers.accept);
    const group = await knownGroup(context, request.params.groupId);
    if (!group.registers.includes(of)) {
      const known = group.registers.join(", ") || "none yet";
      throw new ApiProblem("register_unknown", `there are no sums of ${of} of ${group.groupId}; there are of ${known}`);
    }
    const { unit, points } = await readGroup(context, group.groupId, of, range);
    if (format === "json") {
      const { groupId: id, kind, name, meters } = group;
      const pending = await pendingDays(context, range);
      const of_ = { groupId: id, kind, name, meters, register: of, unit, resolution: range.resolution };
      const answer = groupCurveBytes({ ...of_, zone: timeZone, pending }, points);
      return reply.type("application/json; charset=utf-8").send(answer);
    }
    const items = points.map(groupPointJson);
    const lines =
      rowsAs(format) === "csv"
        ? textEncoder(
            (point: (typeof items)[number]) =>
              csvRow([
                ...[group.groupId, of, unit, point.from, point.to, point.consumption ?? undefined],
                ...[point.expected, point.present, point.estimated],
              ]),
            header,
          )
        : textEncoder((point: (typeof items)[number]) => `${JSON.stringify(point)}\n`);
    return streams.send(request, reply, format, chunksOf(inOne(items), lines));
  });
}

async function* inOne<Item>(items: readonly Item[]): AsyncGenerator<readonly Item[]> {
  yield items;
}
