import type { OutageRecord } from "@meterbook/core/domain/registry/outage";
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
            judge,
            store: storeIn(ports.registry, callerName(request)),
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

function judge({ line, lines, record: sent, errors, placed = (error) => error }: Candidate): Judged<Imported> {
  const named: unknown = Object(sent).outageId;
  const id = typeof named === "string" ? named : null;
  if (sent === undefined) return { result: { line, lines, id: null, errors } };
  const read = readOutage(sent, undefined);
  const all = [...errors, ...("errors" in read ? read.errors.map(placed) : [])];
  const result = { line, lines, id, errors: all };
  return "errors" in read || all.length > 0 ? { result } : { result, item: read };
}

function storeIn(registry: Pick<Registry, "apply">, by: string) {
  return async (items: readonly Imported[]): Promise<readonly (readonly FieldError[])[]> => {
    const changes = items.map(({ record, version }) => ({
      writes: [{ base: version ?? null, outage: record }] as const,
      by,
      reason: "",
    }));
    const outcomes = await registry.apply(changes);
    return outcomes.map((outcome) =>
      outcome.outcome === "conflict"
        ? [{ field: "version", message: `it has version ${outcome.version} now: read it again` }]
        : [],
    );
  };
}
