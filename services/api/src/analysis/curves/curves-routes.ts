import { resolutions } from "@meterbook/core/domain/curve/curve-steps";
import { canonicalRegister, idPattern } from "@meterbook/core/domain/reading/identifiers";
import { baseUnits } from "@meterbook/core/domain/reading/reading";
import { z } from "zod";
import type { Api, ApiContext } from "../../api-context.ts";
import { knownMeter, withSoundRecord } from "../../api-context.ts";
import { chunksOf } from "../../http/answers/list-answer.ts";
import { textEncoder } from "../../http/answers/row-encoder.ts";
import { listAnswers, withJson } from "../../http/documentation/documented.ts";
import { ApiProblem } from "../../http/problems/problem.ts";
import { answerFormat, rowsAs } from "../../http/requests/answer-format.ts";
import { instant, readAs, readInstant } from "../../http/requests/query-schemas.ts";
import { pointsMax } from "./curve-json.ts";
import type { CurveRange } from "./curve-pages.ts";
import {
  checkRange,
  curveCsvExample,
  curveHeader,
  curvePointSchema,
  curveProblems,
  curveSource,
  issuedOrCounted,
  pointCells,
  pointJson,
} from "./curve-rows.ts";
import type { CurveSource } from "./curve-source.ts";
import type { MonthPoint } from "./month-pages.ts";

/** A page shows a meter, what it gives to the grid, and eight others or a time before. */
const seriesMax = 20;

interface Series {
  readonly meterId: string;
  readonly register: string;
  /** Of its own; the call's where absent. */
  readonly from?: number;
  readonly to?: number;
}

const itemSchema = curvePointSchema
  .extend({ meterId: z.string(), register: z.string(), unit: z.enum(baseUnits) })
  .meta({ id: "CurvesPoint" });

const example = {
  meterId: "m-1",
  register: "1.8.0",
  unit: "Wh" as const,
  from: "2026-10-31T21:00:00Z",
  to: "2026-10-31T22:00:00Z",
  consumption: 412,
  quality: "actual" as const,
};

const querystring = z.strictObject({
  series: readAs(readSeries, `1 to ${seriesMax} of meter/register or meter/register/from/to, with commas between`, {
    description:
      "Which curves: `meter/register`, or `meter/register/from/to` with a range of its own, with commas between",
    examples: ["m-1/1.8.0"],
  }),
  from: instant("Start of the range", "2026-09-30T21:00:00Z"),
  to: instant("End of the range", "2026-10-31T22:00:00Z"),
  resolution: z.enum(resolutions).default("native"),
});

const description = `The curves of several registers and meters, one after the other, for a table or a file. Each is what
\`GET /v1/meters/{meterId}/curve\` says. A series may have a range of its own, such as the same days of the month
before. As JSON at most ${pointsMax} points together.`;

/** Several curves in one answer: what a page shows, in one file. */
export function curvesRoutes(app: Api, context: ApiContext): void {
  const schema = {
    tags: ["analysis"],
    summary: "Several consumption curves in one table",
    description,
    querystring,
    response: withJson(
      listAnswers("The curves", itemSchema, example, curveCsvExample, curveProblems),
      z.strictObject({ resolution: z.enum(resolutions), items: z.array(itemSchema) }),
      { resolution: "PT1H", items: [example] },
    ),
  };
  app.get("/v1/curves", { schema }, async (request, reply) => {
    const { series, resolution, ...range } = request.query;
    const wanted = series.map(({ meterId, register, from = range.from, to = range.to }) => {
      const own = { from, to, resolution };
      checkRange(own);
      return { meterId, register, range: own };
    });
    const sources = await Promise.all(
      wanted.map(async ({ meterId, register, range: own }) => ({
        source: curveSource(context, withSoundRecord(await knownMeter(context, meterId)), register, {}),
        range: own,
      })),
    );
    const pages = rowsOf(context, sources);
    const format = answerFormat(request.headers.accept);
    if (format === "json") return { resolution, items: await jsonItems(pages) };
    const isCsv = rowsAs(format) === "csv";
    const textOf = isCsv
      ? ({ shared, point }: CurvesRow) => shared + pointCells(point)
      : (row: CurvesRow) => `${JSON.stringify(rowJson(row))}\n`;
    return context.streams.send(request, reply, format, chunksOf(pages, textEncoder(textOf, isCsv ? curveHeader : "")));
  });
}

interface CurvesRow {
  readonly source: CurveSource;
  /** The first cells, which are the same for all of a series. */
  readonly shared: string;
  readonly point: MonthPoint;
}

async function* rowsOf(
  { ports }: ApiContext,
  sources: readonly { readonly source: CurveSource; readonly range: CurveRange }[],
): AsyncGenerator<readonly CurvesRow[]> {
  for (const { source, range } of sources) {
    const { register, unit } = source.channels[0];
    const shared = `${source.meterId},${register},${unit},`;
    for await (const page of issuedOrCounted(ports, source, range, undefined))
      yield page.map((point) => ({ source, shared, point }));
  }
}

async function jsonItems(pages: AsyncIterable<readonly CurvesRow[]>): Promise<ReturnType<typeof rowJson>[]> {
  const items: ReturnType<typeof rowJson>[] = [];
  for await (const page of pages) {
    for (const row of page) items.push(rowJson(row));
    if (items.length > pointsMax)
      throw new ApiProblem("range_too_long", `more than ${pointsMax} points; ask for less, or as a stream`);
  }
  return items;
}

function rowJson({ source, point }: CurvesRow) {
  const { register, unit } = source.channels[0];
  return { meterId: source.meterId, register, unit, ...pointJson(point) };
}

function readSeries(text: string): readonly Series[] | undefined {
  const all = text.split(",").map(seriesOf);
  const known = all.filter((one) => one !== undefined);
  return known.length === all.length && all.length <= seriesMax ? known : undefined;
}

function seriesOf(text: string): Series | undefined {
  const [meterId = "", code = "", ...range] = text.split("/");
  const register = canonicalRegister(code);
  if (!idPattern.test(meterId) || register === undefined) return undefined;
  if (range.length === 0) return { meterId, register };
  const [from, to] = range.map((at) => readInstant(at));
  if (range.length !== 2 || from === undefined || to === undefined) return undefined;
  return { meterId, register, from, to };
}
