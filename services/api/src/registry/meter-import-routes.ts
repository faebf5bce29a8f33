import { z } from "zod";
import type { Api, ApiContext } from "../api-context.ts";
import { callerName } from "../http/access/access.ts";
import { answers } from "../http/documentation/documented.ts";
import { formats } from "../http/requests/answer-format.ts";
import { importMeters, meterLines, meterRows } from "./import-meters.ts";
import { answerImport, importSchemaOf, takingLines } from "./imports/import-body.ts";
import { meterCsvColumns } from "./meter-csv.ts";

export const importSchema = importSchemaOf("meterId");

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

export function meterImportRoutes(app: Api, context: ApiContext): void {
  takingLines(app, (scope) => importRoute(scope, context));
}

function importRoute(app: Api, context: ApiContext): void {
  const { importLinesMax, importBytesMax } = context.limits;
  const schema = {
    tags: ["meters"],
    summary: "Set the master data of many meters",
    description: `\`application/x-ndjson\`: a record per line, as in \`PUT /v1/meters/{meterId}\` with its \`meterId\`. \`text/csv\`: a row per register with the
columns \`${meterCsvColumns.join(",")}\`, in any order, those of a meter together. At most ${importLinesMax} lines and ${importBytesMax} bytes a request.
Each meter stands for itself: wrong ones are refused with what is wrong, the others are stored. A line with
\`registered: false\`, as the list has of meters that only report, is refused: it registers nobody. At most
8 errors a meter and 8 MiB of errors an answer are told, the rest is counted. Sending the same again changes nothing.`,
    consumes: [formats.ndjson, formats.csv],
    querystring: z.strictObject({}),
    response: answers("What became of each meter", importSchema, example, [
      "body_too_large",
      "import_too_large",
      "media_type_unsupported",
    ]),
  };
  app.post("/v1/meters::import", { schema }, (request, reply) =>
    answerImport(request, reply, context.limits, {
      idMember: "meterId",
      run: (lines, isCsv, tell) =>
        importMeters(isCsv ? meterRows(lines) : meterLines(lines), context.ports.registry, {
          by: callerName(request),
          tell,
        }),
    }),
  );
}
