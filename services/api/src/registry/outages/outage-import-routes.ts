import type { OutageRecord } from "@meterbook/core/domain/registry/outage";
import { z } from "zod";
import type { Api, ApiContext } from "../../api-context.ts";
import { callerName } from "../../http/access/access.ts";
import { answers } from "../../http/documentation/documented.ts";
import type { FieldError } from "../../http/problems/problem.ts";
import { formats } from "../../http/requests/answer-format.ts";
import type { Line } from "../../http/requests/split-lines.ts";
import { answerImport, importSchemaOf, takingLines } from "../imports/import-body.ts";
import type { Candidate, LineForm } from "../imports/import-rows.ts";
import { csvRecords, importRecords, jsonRecords } from "../imports/import-rows.ts";
import { importSteps, type VersionedRecords } from "../imports/versioned-records.ts";
import { type OutageCsvColumn, outageColumn, outageCsvColumns, outageOfRow } from "./outage-csv.ts";
import { readOutage } from "./outage-json.ts";

const importSchema = importSchemaOf("outageId");

const example = {
  stored: 1,
  refused: 1,
  results: [
    { line: 2, lines: 1, outageId: "o-17", status: "stored" },
    {
      line: 3,
      lines: 1,
      outageId: "o-18",
      status: "refused",
      errors: [{ field: "to", message: "line 3: is not after from" }],
    },
  ],
};

const form: LineForm<OutageCsvColumn> = {
  columns: outageCsvColumns,
  required: ["outage_id", "from"],
  idColumn: "outage_id",
  idMember: "outageId",
  rowsMax: 1,
};

interface Imported {
  readonly record: OutageRecord;
  readonly version: number | undefined;
}

const records: VersionedRecords<Imported> = {
  idMember: form.idMember,
  read: (sent) => readOutage(sent, undefined),
  write: ({ record }) => ({ write: { outage: record }, reason: "" }),
};

export function outageImportRoutes(app: Api, context: ApiContext): void {
  const { limits, ports } = context;
  const schema = {
    tags: ["meters"],
    summary: "Set many outages",
    description: `\`application/x-ndjson\`: an outage per line, as in \`PUT /v1/outages/{outageId}\` with its \`outageId\`.
\`text/csv\`: a row an outage, with the columns \`${outageCsvColumns.join(",")}\`, in any order; \`usage_points\` are
separated by spaces. Where a \`version\` is given, the outage is stored only if it is the newest. At most
${limits.importLinesMax} lines and ${limits.importBytesMax} bytes a request. Sending the same again changes nothing.`,
    consumes: [formats.ndjson, formats.csv],
    querystring: z.strictObject({}),
    response: answers("What became of each outage", importSchema, example, [
      "body_too_large",
      "import_too_large",
      "media_type_unsupported",
    ]),
  };
  takingLines(app, (scope) =>
    scope.post("/v1/outages::import", { schema }, (request, reply) =>
      answerImport(request, reply, limits, {
        idMember: form.idMember,
        run: (lines, isCsv, tell) =>
          importRecords(isCsv ? outageRows(lines) : jsonRecords(lines, form), {
            ...importSteps(records, { registry: ports.registry, by: callerName(request) }),
            tell,
          }),
      }),
    ),
  );
}

function outageRows(lines: AsyncIterable<Line>): AsyncGenerator<Candidate> {
  return csvRecords(lines, form, ({ line, rows: [row] }) => {
    const placed = ({ field, message }: FieldError) => ({
      field: outageColumn(field),
      message: `line ${line}: ${message}`,
    });
    return { record: outageOfRow(row), errors: [], placed };
  });
}
