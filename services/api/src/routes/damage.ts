import { damageCodes, damagedPlaces, type KnownDamage } from "@meterbook/core/domain/damage";
import { formatInstantMs } from "@meterbook/core/domain/instant";
import { z } from "zod";
import { callerName } from "../access.ts";
import type { Api, ApiContext } from "../api-context.ts";
import { csvRow, foreignCell } from "../csv-cell.ts";
import { cursorForm } from "../cursor.ts";
import { answers, listAnswers } from "../documented.ts";
import { answerList, type List, pagesBy } from "../list-answer.ts";
import { ApiProblem } from "../problem.ts";
import { cursor, limit, readAs } from "../query-schemas.ts";
import { textEncoder } from "../row-encoder.ts";

const cursors = cursorForm("damage", z.string());

const known = (names: readonly string[]) => `One of ${names.join(", ")}, or what a newer version names`;

export const damageSchema = z
  .strictObject({
    id: z.string(),
    place: z.string().meta({ description: known(damagedPlaces) }),
    code: z.string().meta({ description: known(damageCodes) }),
    where: z.string().meta({ description: "The record's position in its log, or the row" }),
    detail: z.string(),
    help: z.string().meta({ description: "What an operator can do" }),
    meterId: z.string().nullable(),
    period: z.string().nullable(),
    lost: z.int().nullable().meta({ description: "How many readings or records are gone; null where it is not known" }),
    foundAt: z.string().meta({ format: "date-time" }),
    acknowledged: z
      .strictObject({ at: z.string().meta({ format: "date-time" }), by: z.string(), reason: z.string() })
      .nullable(),
  })
  .meta({ id: "Damage" });

const example: z.infer<typeof damageSchema> = {
  id: "ledger:m-1-2026-10-revision-1",
  place: "ledger",
  code: "checksum_mismatch",
  where: "m-1 2026-10 revision 1",
  detail: "the record's bytes are not those that were written",
  help: "the meter's next reading in or before the month issues the next revision in its place",
  meterId: "m-1",
  period: "2026-10",
  lost: 0,
  foundAt: "2026-11-10T12:00:00Z",
  acknowledged: null,
};
const header =
  "id,place,code,where,detail,help,meter_id,period,lost,found_at,acknowledged_at,acknowledged_by,acknowledged_reason\n";

const querystring = z.strictObject({
  acknowledged: readAs((text) => ({ true: true, false: false })[text], "true or false", {
    type: "boolean",
    description: "Those that were acknowledged too",
  }).optional(),
  limit,
  cursor,
});

export function damageRoutes(app: Api, { ports, streams, limits }: ApiContext): void {
  const list = {
    tags: ["operation"],
    summary: "What is damaged or lost, oldest first",
    description:
      "Each entry stands once and for ever. Until it is acknowledged, `/readyz` names it among its `notices`. In CSV, texts that a spreadsheet would run begin with an apostrophe.",
    querystring,
    response: listAnswers("Damage", damageSchema, example, `${header}${damageRow(exampleEntry())}`),
  };
  app.get("/v1/damage", { schema: list }, async (request, reply) => {
    const { acknowledged = false, ...page } = request.query;
    const scope = String(acknowledged);
    const read = (afterId: string | undefined, atMost: number) =>
      ports.damage.list({
        limit: atMost,
        includeAcknowledged: acknowledged,
        ...(afterId === undefined ? {} : { afterId }),
      });
    const entries: List<KnownDamage, string> = {
      placeOf: ({ id }) => id,
      pages: (after, size) => pagesBy(read, entries.placeOf, after, size),
      json: damageJson,
      csv: () => textEncoder(damageRow, header),
    };
    return answerList(request, reply, streams, entries, {
      limit: page.limit,
      place: page.cursor === undefined ? undefined : cursors.decode(scope, page.cursor),
      cursors,
      scope,
      exportPage: limits.exportPage,
    });
  });
  acknowledgementRoute(app, { ports });
}

function acknowledgementRoute(app: Api, { ports }: Pick<ApiContext, "ports">): void {
  const schema = {
    tags: ["operation"],
    summary: "Say that damage was seen and what was done about it",
    description:
      "Appends a word to the entry; the first one counts and is answered whenever it is asked for again. Readiness names the entry no more. `by` is the key's name.",
    params: z.strictObject({ id: z.string().max(200) }),
    querystring: z.strictObject({}),
    body: z.strictObject({ reason: z.string().trim().min(1).max(1000) }),
    response: answers("The entry", damageSchema, example, ["damage_unknown"]),
  };
  app.post("/v1/damage/:id/acknowledgements", { schema }, async (request) => {
    const { id } = request.params;
    const word = { atMs: ports.clock.nowMs(), by: callerName(request), reason: request.body.reason };
    const isKnown = await ports.damage.acknowledge(id, word);
    const entry = isKnown ? await ports.damage.find(id) : undefined;
    if (entry === undefined) throw new ApiProblem("damage_unknown", `there is no entry ${id} in GET /v1/damage`);
    return damageJson(entry);
  });
}

function damageJson({ foundAtMs, acknowledged, ...entry }: KnownDamage): z.infer<typeof damageSchema> {
  return {
    ...entry,
    foundAt: formatInstantMs(foundAtMs),
    acknowledged:
      acknowledged === null
        ? null
        : { at: formatInstantMs(acknowledged.atMs), by: acknowledged.by, reason: acknowledged.reason },
  };
}

function damageRow(entry: KnownDamage): string {
  const { id, place, code, where, detail, help, meterId, period, lost, foundAt, acknowledged } = damageJson(entry);
  const texts = [id, place, code, where, detail, help].map(foreignCell);
  const word = [acknowledged?.at ?? null, foreignCell(acknowledged?.by ?? ""), foreignCell(acknowledged?.reason ?? "")];
  return csvRow([...texts, meterId, period, lost, foundAt, ...word]);
}

function exampleEntry(): KnownDamage {
  const { foundAt, place: _place, code: _code, acknowledged: _open, ...entry } = example;
  const foundAtMs = Date.parse(foundAt);
  return { ...entry, place: "ledger", code: "checksum_mismatch", foundAtMs, acknowledged: null };
}
