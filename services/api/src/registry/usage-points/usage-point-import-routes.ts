import type { UsagePointRecord } from "@meterbook/core/domain/registry/usage-point";
import type { Registry } from "@meterbook/core/ports/registry";
import { z } from "zod";
import type { Api, ApiContext } from "../../api-context.ts";
import { callerName } from "../../http/access/access.ts";
import { answers } from "../../http/documentation/documented.ts";
import type { FieldError } from "../../http/problems/problem.ts";
import { formats } from "../../http/requests/answer-format.ts";
import type { Line } from "../../http/requests/split-lines.ts";
import { answerImport, importSchemaOf, takingLines } from "../imports/import-body.ts";
import type { Candidate, Judged, LineForm } from "../imports/import-rows.ts";
import { csvRecords, importRecords, jsonRecords } from "../imports/import-rows.ts";
import type { UsagePointCsvColumn } from "./usage-point-csv.ts";
import { placedInUsagePointCsv, usagePointCsvColumns, usagePointOfRows } from "./usage-point-csv.ts";
import { readUsagePoint } from "./usage-point-json.ts";

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

export function usagePointImportRoutes(app: Api, context: ApiContext): void {
  const { limits, ports } = context;
  const schema = {
    tags: ["meters"],
    summary: "Set the master data of many usage points",
    description: `\`application/x-ndjson\`: a record per line, as in \`PUT /v1/usage-points/{usagePointId}\` with its \`usagePointId\`. \`text/csv\`: a row for each
time at which something begins to hold, with the columns \`${usagePointCsvColumns.join(",")}\`, in any order, those of a usage point together. A cell that is empty says nothing;
\`groups\` are separated by spaces, and \`-\` is none. Where a \`version\` is given, the record is stored only if it is the newest.
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
            judge,
            store: storeIn(ports.registry, callerName(request)),
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

function judge({ line, lines, record: sent, errors, placed = (error) => error }: Candidate): Judged<Imported> {
  const named: unknown = Object(sent).usagePointId;
  const id = typeof named === "string" ? named : null;
  if (sent === undefined) return { result: { line, lines, id: null, errors } };
  const read = readUsagePoint(sent, undefined);
  const all = [...errors, ...("errors" in read ? read.errors.map(placed) : [])];
  const result = { line, lines, id, errors: all };
  return "errors" in read || all.length > 0 ? { result } : { result, item: read };
}

function storeIn(registry: Pick<Registry, "apply">, by: string) {
  return async (items: readonly Imported[]): Promise<readonly (readonly FieldError[])[]> => {
    const changes = items.map(({ record, version, reason }) => ({
      writes: [{ base: version ?? null, usagePoint: record }] as const,
      by,
      reason,
    }));
    const outcomes = await registry.apply(changes);
    return outcomes.map((outcome) =>
      outcome.outcome === "conflict"
        ? [{ field: "version", message: `it has version ${outcome.version} now: read it again` }]
        : [],
    );
  };
}
