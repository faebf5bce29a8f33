import { parsePeriod } from "@meterbook/core/domain/snapshot/snapshot";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import { z } from "zod";
import type { Api, ApiContext } from "../../api-context.ts";
import { cursorForm } from "../../http/answers/cursor.ts";
import type { List } from "../../http/answers/list-answer.ts";
import { answerList } from "../../http/answers/list-answer.ts";
import { textEncoder } from "../../http/answers/row-encoder.ts";
import { listAnswers, withJson } from "../../http/documentation/documented.ts";
import { ApiProblem, requestInvalid } from "../../http/problems/problem.ts";
import { cursor, limit, period, usagePointId } from "../../http/requests/query-schemas.ts";
import { readStatement } from "./read-statement.ts";
import { statementCsvHeader, statementCsvRows } from "./statement-csv.ts";
import { type StatementJson, statementExample, statementJson, statementSchema } from "./statement-json.ts";
import { statementsSchema } from "./statement-routes.ts";

const cursors = cursorForm("point-statements", z.int());
const pageSize = 12;

/** The months of one usage point in one answer. */
export function pointStatementRoutes(app: Api, context: ApiContext): void {
  const { ports, streams, limits } = context;
  const csvExample = `${statementCsvHeader}${statementCsvRows(statementExample)}`;
  const schema = {
    tags: ["billing"],
    summary: "The statements of a usage point, the newest month first",
    description: "Months of which nothing was issued for it are left out.",
    params: z.strictObject({ usagePointId }),
    querystring: z.strictObject({
      from: period.optional().meta({ description: "The first month; the first that was issued where absent" }),
      to: period.optional().meta({ description: "The last month, itself included; the newest where absent" }),
      limit,
      cursor,
    }),
    response: withJson(
      listAnswers("Statements", statementSchema, statementExample, csvExample, ["usage_point_unknown"]),
      statementsSchema,
      { items: [statementExample] },
    ),
  };
  app.get("/v1/usage-points/:usagePointId/statements", { schema }, async (request, reply) => {
    const { usagePointId: id } = request.params;
    const { from, to, limit: atMost, cursor: sent } = request.query;
    if (from !== undefined && to !== undefined && to < from)
      throw requestInvalid([{ field: "to", message: "must not be before from" }]);
    const scope = JSON.stringify([id, from, to]);
    const place = sent === undefined ? undefined : cursors.decode(scope, sent);
    const months = (await ports.snapshots.periods()).filter((one) => one >= (from ?? one) && one <= (to ?? one));
    const read = pointReading(context, id, months.toReversed());
    const list: List<StatementJson, number> = {
      placeOf: ({ period: name }) => parsePeriod(name) ?? 0,
      pages: read.pages,
      json: (statement) => statement,
      csv: () => textEncoder(statementCsvRows, statementCsvHeader),
      more: read.member,
    };
    await refuseUnknown(context, id);
    return answerList(request, reply, streams, list, {
      ...{ limit: atMost, place, cursors, scope },
      exportPage: limits.exportPage,
    });
  });
}

function pointReading(context: ApiContext, id: string, months: readonly number[]) {
  let damaged = 0;

  async function read(month: number): Promise<readonly StatementJson[]> {
    try {
      const statement = await readStatement(context, month, id);
      return statement === undefined ? [] : [statementJson(statement)];
    } catch (error) {
      if (!(error instanceof AdapterError && error.code === "record_damaged")) throw error;
      damaged += 1;
      return [];
    }
  }

  return {
    async *pages(after: number | undefined, size: number): AsyncGenerator<readonly StatementJson[]> {
      const left = months.filter((month) => month < (after ?? Number.POSITIVE_INFINITY));
      const most = Math.min(size, pageSize);
      for (let from = 0; from < left.length; from += most) {
        const page = (await Promise.all(left.slice(from, from + most).map(read))).flat();
        if (page.length > 0) yield page;
      }
    },
    member: (): Record<string, unknown> => (damaged === 0 ? {} : { damaged }),
  };
}

/** @throws ApiProblem `usage_point_unknown` where neither master data nor any month names it */
async function refuseUnknown({ ports }: ApiContext, id: string): Promise<void> {
  const [point, meters] = await Promise.all([ports.registry.usagePoint(id), ports.registry.metersAt(id)]);
  if (point !== undefined || meters.length > 0) return;
  for (const month of (await ports.snapshots.periods()).toReversed())
    if ((await ports.snapshots.metersOfUsagePoint(month, id)).length > 0) return;
  throw new ApiProblem("usage_point_unknown", `neither master data nor any month names the usage point ${id}`);
}
