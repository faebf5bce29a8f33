import { setImmediate as nextTurn } from "node:timers/promises";
import { periodName, snapshotQualities } from "@meterbook/core/domain/snapshot/snapshot";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import { z } from "zod";
import type { Api, ApiContext } from "../../api-context.ts";
import { cursorForm } from "../../http/answers/cursor.ts";
import type { List } from "../../http/answers/list-answer.ts";
import { answerList } from "../../http/answers/list-answer.ts";
import { textEncoder } from "../../http/answers/row-encoder.ts";
import { answers, listAnswers, pageOf, withJson } from "../../http/documentation/documented.ts";
import { ApiProblem } from "../../http/problems/problem.ts";
import { cursor, limit, period, usagePointId } from "../../http/requests/query-schemas.ts";
import { refuseOpenPeriod } from "../open-period.ts";
import { readStatement } from "./read-statement.ts";
import { statementCsvHeader, statementCsvRows } from "./statement-csv.ts";
import { type StatementJson, statementExample, statementJson, statementSchema } from "./statement-json.ts";

const cursors = cursorForm("statements", z.string());

export const statementsSchema = pageOf(statementSchema).extend({
  damaged: z
    .int()
    .optional()
    .meta({ description: "Statements beside these that are left out, because a record of theirs cannot be read" }),
});

export function statementRoutes(app: Api, context: ApiContext): void {
  oneRoute(app, context);
  listRoute(app, context);
}

function oneRoute(app: Api, context: ApiContext): void {
  const schema = {
    tags: ["billing"],
    summary: "What a usage point used in a month: the issued segments of its meters, put together",
    description:
      "`incomplete` while the segments do not cover the usage point's time, each second once, or one has no value: `waitsFor` says what is missing. `void` where the month belongs to other usage points by now.",
    params: z.strictObject({ usagePointId, period }),
    querystring: z.strictObject({}),
    response: answers("The statement", statementSchema, statementExample, [
      "period_invalid",
      "period_open",
      "statement_unknown",
      "record_damaged",
    ]),
  };
  app.get("/v1/usage-points/:usagePointId/statements/:period", { schema }, async (request) => {
    const { usagePointId: id, period: month } = request.params;
    const statement = await readStatement(context, month, id);
    if (statement !== undefined) return statementJson(statement);
    await refuseOpenPeriod(context, month, async () => false);
    throw new ApiProblem("statement_unknown", `nothing was issued for usage point ${id} in ${periodName(month)}`);
  });
}

function listRoute(app: Api, context: ApiContext): void {
  const { ports, streams, limits } = context;
  const csvExample = `${statementCsvHeader}${statementCsvRows(statementExample)}`;
  const quality = z
    .enum(snapshotQualities)
    .optional()
    .meta({ description: "Only statements of which a register has this quality" });
  const schema = {
    tags: ["billing"],
    summary: "The statements of all usage points of a month, ordered by usage point id",
    description: "This is what billing pulls. NDJSON and CSV give all of them as a stream.",
    querystring: z.strictObject({ period, quality, limit, cursor }),
    response: withJson(
      listAnswers("Statements", statementSchema, statementExample, csvExample, ["period_invalid", "period_open"]),
      statementsSchema,
      { items: [statementExample], nextCursor: "eyJrIjoi…" },
    ),
  };
  app.get("/v1/statements", { schema }, async (request, reply) => {
    const { period: month, quality: wanted, ...page } = request.query;
    const scope = wanted === undefined ? periodName(month) : `${periodName(month)} ${wanted}`;
    const place = page.cursor === undefined ? undefined : cursors.decode(scope, page.cursor);
    const isThere = async () => (await ports.snapshots.latest({ period: month, limit: 1 })).length > 0;
    await refuseOpenPeriod(context, month, isThere);
    const read = statementReading(context, month, wanted);
    const list: List<StatementJson, string> = {
      placeOf: ({ usagePointId: id }) => id,
      pages: read.pages,
      json: (statement) => statement,
      csv: () => textEncoder(statementCsvRows, statementCsvHeader),
      more: read.member,
    };
    const asked = { limit: page.limit, place, cursors, scope, exportPage: limits.exportPage };
    return answerList(request, reply, streams, list, asked);
  });
}

function statementReading(
  context: ApiContext,
  month: number,
  wanted: StatementJson["registers"][number]["quality"] | undefined,
) {
  const damaged = new Set<string>();

  async function read(id: string): Promise<readonly StatementJson[]> {
    try {
      const statement = await readStatement(context, month, id);
      if (statement === undefined) return [];
      const json = statementJson(statement);
      return wanted === undefined || json.registers.some((row) => row.quality === wanted) ? [json] : [];
    } catch (error) {
      if (!(error instanceof AdapterError && error.code === "record_damaged")) throw error;
      damaged.add(id);
      return [];
    }
  }

  return {
    async *pages(after: string | undefined, size: number): AsyncGenerator<readonly StatementJson[]> {
      let from = after;
      for (;;) {
        const page = { period: month, limit: size, ...(from === undefined ? {} : { afterUsagePointId: from }) };
        const ids = await context.ports.snapshots.issuedUsagePoints(page);
        const statements: StatementJson[] = [];
        for (const id of ids) statements.push(...(await read(id)));
        if (statements.length > 0) yield statements;
        if (ids.length < size) return;
        from = ids.at(-1);
        // Others get their turn, also where a page has nothing.
        await nextTurn();
      }
    },
    member: (): Record<string, unknown> => (damaged.size === 0 ? {} : { damaged: damaged.size }),
  };
}
