import { factNames, type UsagePointRecord } from "@meterbook/core/domain/registry/usage-point";
import { z } from "zod";
import type { Api, ApiContext } from "../../api-context.ts";
import { callerName } from "../../http/access/access.ts";
import { answers } from "../../http/documentation/documented.ts";
import { formats } from "../../http/requests/answer-format.ts";
import type { Line } from "../../http/requests/split-lines.ts";
import { answerImport, importSchemaOf, takingLines } from "../imports/import-body.ts";
import type { Candidate, LineForm } from "../imports/import-rows.ts";
import { csvRecords, importRecords, jsonRecords } from "../imports/import-rows.ts";
import { importSteps, type VersionedRecords } from "../imports/versioned-records.ts";
import type { UsagePointCsvColumn } from "./usage-point-csv.ts";
import { placedInUsagePointCsv, usagePointCsvColumns, usagePointOfRows } from "./usage-point-csv.ts";
import { readUsagePoint, type SentUsagePoint } from "./usage-point-json.ts";

export const usagePointImportSchema = importSchemaOf("usagePointId");

const example = {
  stored: 1,
  refused: 1,
  results: [
    { line: 2, lines: 2, usagePointId: "up-1", status: "stored" },
    {
      line: 4,
      lines: 1,
      usagePointId: "up-2",
      status: "refused",
      errors: [{ field: "status", message: 'line 4: "on": must be one of connected, disconnected, dead' }],
    },
  ],
};

const form: LineForm<UsagePointCsvColumn> = {
  columns: usagePointCsvColumns,
  required: ["usage_point_id"],
  idColumn: "usage_point_id",
  idMember: "usagePointId",
  rowsMax: 512,
};

interface Imported {
  readonly record: UsagePointRecord;
  readonly version: number | undefined;
  readonly reason: string;
}

const records: VersionedRecords<Imported> = {
  idMember: form.idMember,
  read: (sent) => spokenOf(readUsagePoint(sent, undefined)),
  write: ({ record, reason }) => ({ write: { usagePoint: record }, reason }),
};

/** A list of usage points has those of which nobody has spoken, too: sent back, it says nothing of them. */
function spokenOf(read: SentUsagePoint): SentUsagePoint {
  if ("errors" in read || read.version !== 0 || factNames.some((fact) => read.record[fact] !== undefined)) return read;
  return { errors: [{ field: "version", message: "is 0, and nothing is said of the usage point" }] };
}

export function usagePointImportRoutes(app: Api, context: ApiContext): void {
  const { limits, ports } = context;
  const schema = {
    tags: ["meters"],
    summary: "Set the master data of many usage points",
    description: `\`application/x-ndjson\`: a record per line, as in \`PUT /v1/usage-points/{usagePointId}\` with its \`usagePointId\`. \`text/csv\`: a row for each
time at which something begins to hold, with the columns \`${usagePointCsvColumns.join(",")}\`, in any order, those of a usage point together. A cell that is empty says nothing;
\`groups\` are separated by spaces, and \`-\` is none. Where a \`version\` is given, the record is stored only if it is the newest. A record with version 0 and no facts is refused.
At most ${limits.importLinesMax} lines and ${limits.importBytesMax} bytes a request. Each usage point stands for itself. Sending the same again changes nothing.`,
    consumes: [formats.ndjson, formats.csv],
    querystring: z.strictObject({}),
    response: answers("What became of each usage point", usagePointImportSchema, example, [
      "body_too_large",
      "import_too_large",
      "media_type_unsupported",
    ]),
  };
  takingLines(app, (scope) =>
    scope.post("/v1/usage-points::import", { schema }, (request, reply) =>
      answerImport(request, reply, limits, {
        idMember: form.idMember,
        run: (lines, isCsv, tell) =>
          importRecords(isCsv ? pointRows(lines) : jsonRecords(lines, form), {
            ...importSteps(records, { registry: ports.registry, by: callerName(request) }),
            tell,
          }),
      }),
    ),
  );
}

function pointRows(lines: AsyncIterable<Line>): AsyncGenerator<Candidate> {
  return csvRecords(lines, form, ({ line, rows }) => {
    const { record, differing } = usagePointOfRows(rows);
    const errors = differing.map((field) => ({ field, message: "differs between the rows of the usage point" }));
    return { record, errors, placed: (error) => placedInUsagePointCsv(error, rows, line) };
  });
}
