import type { Readable } from "node:stream";
import { z } from "zod";
import type { Api, ApiContext } from "../api-context.ts";
import { answers } from "../http/documentation/documented.ts";
import { ApiProblem } from "../http/problems/problem.ts";
import { formats } from "../http/requests/answer-format.ts";
import { mediaTypeUnsupported } from "../http/requests/request-body.ts";
import type { Line } from "../http/requests/split-lines.ts";
import { splitLines } from "../http/requests/split-lines.ts";
import { importAnswer } from "./import-answer.ts";
import { importMeters, meterLines, meterRows } from "./import-meters.ts";
import { meterCsvColumns } from "./meter-csv.ts";

const lineBytesMax = 64 * 1024;
const count = z.int().min(0);

export const importSchema = z.strictObject({
  stored: count.meta({ description: "Meters" }),
  refused: count,
  errorsLeftOut: count.meta({ description: "Errors of refused meters that the answer had no room for" }).optional(),
  results: z.array(
    z.strictObject({
      line: z.int().min(1).meta({ description: "The meter's first line" }),
      lines: z.int().min(1),
      meterId: z.string().nullable(),
      status: z.enum(["stored", "refused"]),
      errors: z.array(z.strictObject({ field: z.string(), message: z.string() })).optional(),
    }),
  ),
});

const example = {
  stored: 1,
  refused: 1,
  results: [
    { line: 2, lines: 2, meterId: "m-1", status: "stored" },
    {
      line: 4,
      lines: 1,
      meterId: "m-2",
      status: "refused",
      errors: [{ field: "zone", message: "an IANA time zone, such as Europe/Kyiv" }],
    },
  ],
};

/** Bodies of lines are read as they come, so this route alone takes them: elsewhere they are refused with 415. */
export function meterImportRoutes(app: Api, context: ApiContext): void {
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser([formats.ndjson, formats.csv], (_request, payload, done) => done(null, payload));
    importRoute(scope as unknown as Api, context);
  });
}

function importRoute(app: Api, { ports, limits }: ApiContext): void {
  const { importLinesMax, importBytesMax } = limits;
  const schema = {
    tags: ["meters"],
    summary: "Set the master data of many meters",
    description: `\`application/x-ndjson\`: a record per line, as in \`PUT /v1/meters/{meterId}\` with its \`meterId\`. \`text/csv\`: a row per register with the
columns \`${meterCsvColumns.join(",")}\`, in any order, those of a meter together. At most ${importLinesMax} lines and ${importBytesMax} bytes a request.
Each meter stands for itself: wrong ones are refused with what is wrong, the others are stored. At most
8 errors a meter and 8 MiB of errors an answer are told, the rest is counted. Sending the same again changes nothing.`,
    consumes: [formats.ndjson, formats.csv],
    querystring: z.strictObject({}),
    response: answers("What became of each meter", importSchema, example, [
      "body_too_large",
      "import_too_large",
      "media_type_unsupported",
    ]),
  };
  app.post("/v1/meters::import", { schema }, async (request, reply) => {
    if (request.body === undefined) throw mediaTypeUnsupported(request);
    const split = splitLines(request.body as Readable, { lineBytesMax, bytesMax: importBytesMax }, () => {
      throw tooLarge("body_too_large", `the body is larger than ${importBytesMax} bytes`);
    });
    const lines = atMost(split, importLinesMax);
    const csv = request.headers["content-type"]?.toLowerCase().startsWith(formats.csv) === true;
    const answer = importAnswer();
    await importMeters(
      csv ? meterRows(lines) : meterLines(lines),
      (records) => ports.registry.put(records),
      answer.add,
    );
    const { bytes, stream } = answer.end();
    return reply.type("application/json; charset=utf-8").header("content-length", bytes).send(stream);
  });
}

async function* atMost(lines: AsyncIterable<Line>, max: number): AsyncGenerator<Line> {
  for await (const line of lines) {
    if (line.number > max) throw tooLarge("import_too_large", `more than ${max} lines; split the file`);
    yield line;
  }
}

/** What lies before the bound may be stored already, and what lies after it is not read: the connection ends here. */
function tooLarge(code: "body_too_large" | "import_too_large", detail: string): ApiProblem {
  return new ApiProblem(code, `${detail}. Meters of lines before may be stored; sending them again does no harm`, {
    headers: { connection: "close" },
  });
}
