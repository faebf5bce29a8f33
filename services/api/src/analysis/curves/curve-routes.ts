import { resolutions } from "@meterbook/core/domain/curve/curve-steps";
import { baseUnits, kinds } from "@meterbook/core/domain/reading/reading";
import { z } from "zod";
import type { Api, ApiContext } from "../../api-context.ts";
import { knownMeter, withSoundRecord } from "../../api-context.ts";
import { chunksOf } from "../../http/answers/list-answer.ts";
import { textEncoder } from "../../http/answers/row-encoder.ts";
import { listAnswers, withJson } from "../../http/documentation/documented.ts";
import { answerFormat, rowsAs } from "../../http/requests/answer-format.ts";
import { instant, meterId, register } from "../../http/requests/query-schemas.ts";
import { curveBytes, pointsMax } from "./curve-json.ts";
import {
  checkRange,
  curveCsvExample,
  curveHeader,
  curvePointSchema,
  curveProblems,
  curveSource,
  issuedOrCounted,
  pointCells,
  pointText,
  rangeDaysMax,
} from "./curve-rows.ts";
import type { MonthPoint } from "./month-pages.ts";

export const curveSchema = z.strictObject({
  meterId: z.string(),
  register: z.string(),
  unit: z.enum(baseUnits),
  kind: z.enum(kinds),
  resolution: z.enum(resolutions),
  zone: z.string(),
  items: z.array(curvePointSchema),
});

const example = { from: "2026-10-31T21:00:00Z", to: "2026-10-31T22:00:00Z", consumption: 412, quality: "actual" };
const curveExample = {
  meterId: "m-1",
  register: "1.8.0",
  unit: "Wh",
  kind: "register",
  resolution: "PT1H",
  zone: "Europe/Kyiv",
  items: [example],
};
const description = `Consumption per step. Every step that overlaps \`from\` to \`to\` is answered whole; days and months are local, and
clock steps count from local midnight. \`native\` is as the meter reports, within the range.

- A register's step is its reading at the end minus its reading at the start, both at that very instant; nothing is interpolated.
- An interval channel's step is the sum of its intervals where they cover all of it; intervals longer than the step are not split.
- What is not known is \`null\`: \`missing\`, \`incomplete\` (with \`present\` of \`expected\` intervals) or \`suspect\` (a reading at an end is doubted, nothing explains a jump, or what is there is suspect).
- Where intervals overlap, the curve has those that the month's sum counts, so that no second counts twice.
- \`native\` has the meter's own steps that lie within the range, from the first that begins in it.
- \`P1M\` has what was issued for a month, with the revision's id, so that it says what the bill does; a month of which
  nothing was issued follows the rules above, and so does the curve where \`kind\` is asked for.
- Where a register has both kinds of channel the intervals are taken, unless \`kind=register\` is asked for.

At most ${rangeDaysMax.native} days (days and months: ${rangeDaysMax.P1D}), and as JSON ${pointsMax} points. Not paged.`;

const querystring = z.strictObject({
  register,
  from: instant("Start of the range", "2026-09-30T21:00:00Z"),
  to: instant("End of the range", "2026-10-31T22:00:00Z"),
  resolution: z.enum(resolutions).default("native"),
  kind: z.enum(kinds).optional().meta({ description: "Which channel, where the register has both" }),
  unit: z.enum(baseUnits).optional().meta({
    description:
      "Which unit, where the register was counted in several; that in which it was first counted where absent",
  }),
});

export function curveRoutes(app: Api, context: ApiContext): void {
  const { ports, streams } = context;
  const schema = {
    tags: ["analysis"],
    summary: "The consumption curve of a register",
    description,
    params: z.strictObject({ meterId }),
    querystring,
    response: withJson(
      listAnswers("The curve", curvePointSchema, example, curveCsvExample, curveProblems),
      curveSchema,
      curveExample,
    ),
  };
  app.get("/v1/meters/:meterId/curve", { schema }, async (request, reply) => {
    const { register: of, kind, unit, ...range } = request.query;
    checkRange(range);
    const format = answerFormat(request.headers.accept);
    const source = curveSource(context, withSoundRecord(await knownMeter(context, request.params.meterId)), of, {
      kind,
      unit,
    });
    const pages = issuedOrCounted(ports, source, range, kind);
    if (format === "json")
      return reply.type("application/json; charset=utf-8").send(await curveBytes(source, range.resolution, pages));
    const shared = `${source.meterId},${of},${source.channels[0].unit},`;
    const isCsv = rowsAs(format) === "csv";
    const textOf = isCsv
      ? (point: MonthPoint) => shared + pointCells(point)
      : (point: MonthPoint) => `${pointText(point)}\n`;
    return streams.send(request, reply, format, chunksOf(pages, textEncoder(textOf, isCsv ? curveHeader : "")));
  });
}
