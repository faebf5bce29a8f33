import {
  type Acknowledgement,
  damageCodes,
  damagedPlaces,
  type KnownDamage,
  type Mending,
  mendingOutcomes,
} from "@meterbook/core/domain/damage/damage";
import { isDamagedDay } from "@meterbook/core/domain/damage/damaged-day";
import { formatInstantMs } from "@meterbook/core/domain/time/instant";
import { z } from "zod";
import type { Api, ApiContext } from "../api-context.ts";
import { callerName } from "../http/access/access.ts";
import { csvRow, foreignCell } from "../http/answers/csv-cell.ts";
import { cursorForm } from "../http/answers/cursor.ts";
import { answerList, type List, pagesBy } from "../http/answers/list-answer.ts";
import { textEncoder } from "../http/answers/row-encoder.ts";
import { answers, listAnswers } from "../http/documentation/documented.ts";
import { ApiProblem } from "../http/problems/problem.ts";
import { cursor, flag, limit } from "../http/requests/query-schemas.ts";

const cursors = cursorForm("damage", z.string());

const known = (names: readonly string[]) => `One of ${names.join(", ")}, or what a newer version names`;

/** `open`: nothing was done yet. `asked`: an operator has asked for a repair, which is to come. */
const states = ["open", "asked", ...mendingOutcomes] as const;

const instant = z.string().meta({ format: "date-time" });
const word = z.strictObject({ at: instant, by: z.string(), reason: z.string() });

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
    foundAt: instant,
    state: z.string().meta({ description: `One of ${states.join(", ")}` }),
    repair: word.nullable().meta({ description: "An operator's order to mend it" }),
    mended: z
      .strictObject({
        at: instant,
        outcome: z.string().meta({ description: known(mendingOutcomes) }),
        detail: z.string(),
        lost: z.int().nullable().meta({ description: "What could not be had again; null where nobody can count it" }),
      })
      .nullable(),
    acknowledged: word.nullable(),
  })
  .meta({ id: "Damage" });

const example: z.infer<typeof damageSchema> = {
  id: "ledger:m-1-2026-10-revision-1",
  place: "ledger",
  code: "checksum_mismatch",
  where: "m-1 2026-10 revision 1",
  detail: "the record's bytes are not those that were written",
  help: "strike it out, and the next revision is issued in its place",
  meterId: "m-1",
  period: "2026-10",
  lost: 0,
  foundAt: "2026-11-10T12:00:00Z",
  state: "struck",
  repair: { at: "2026-11-10T13:00:00Z", by: "anna", reason: "a bit has flipped" },
  mended: { at: "2026-11-10T13:00:01Z", outcome: "struck", detail: "revision 2 stands in its place", lost: null },
  acknowledged: null,
};
const header =
  "id,place,code,where,detail,help,meter_id,period,lost,found_at,state,repair_at,repair_by,repair_reason,mended_at,mended_detail,mended_lost,acknowledged_at,acknowledged_by,acknowledged_reason\n";

const querystring = z.strictObject({
  acknowledged: flag("Those that were acknowledged too").optional(),
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
  repairRoute(app, { ports });
}

const params = z.strictObject({ id: z.string().max(200) });
const body = z.strictObject({ reason: z.string().trim().min(1).max(1000) });

function acknowledgementRoute(app: Api, { ports }: Pick<ApiContext, "ports">): void {
  const schema = {
    tags: ["operation"],
    summary: "Say that damage was seen and what was done about it",
    description:
      "Appends a word to the entry; the first one counts and is answered whenever it is asked for again. Readiness names the entry no more. `by` is the key's name.",
    params,
    querystring: z.strictObject({}),
    body,
    response: answers("The entry", damageSchema, example, ["damage_unknown"]),
  };
  app.post("/v1/damage/:id/acknowledgements", { schema }, async (request) => {
    const { id } = request.params;
    const word = { atMs: ports.clock.nowMs(), by: callerName(request), reason: request.body.reason };
    const isKnown = await ports.damage.acknowledge(id, word);
    const entry = isKnown ? await ports.damage.find(id) : undefined;
    if (entry === undefined) throw unknownDamage(id);
    return damageJson(entry);
  });
}

/** What we can mend ourselves; elsewhere the entry's `help` says what helps. */
function isMendable(entry: KnownDamage): boolean {
  return entry.place === "ledger" || isDamagedDay(entry);
}

function repairRoute(app: Api, { ports }: Pick<ApiContext, "ports">): void {
  const schema = {
    tags: ["operation"],
    summary: "Ask for the repair of what is damaged",
    description:
      "Appends an order to the entry; nothing that is stored is edited. A damaged revision of the ledger is struck out: its number stays taken, and the next revision is issued in its place. A damaged block of readings is made again from the readings log, which also happens by itself. The aggregator carries it out within seconds, or when it starts; `state` says how far it is. The first order counts, and asking again does no harm.",
    params,
    querystring: z.strictObject({}),
    body,
    response: answers("The entry", damageSchema, example, ["damage_unknown", "repair_impossible"]),
  };
  app.post("/v1/damage/:id/repairs", { schema }, async (request) => {
    const { id } = request.params;
    const found = await ports.damage.find(id);
    if (found === undefined) throw unknownDamage(id);
    if (!isMendable(found)) {
      throw new ApiProblem(
        "repair_impossible",
        `this damage of the ${found.place} is not mended by a call: ${found.help}`,
      );
    }
    const order = { atMs: ports.clock.nowMs(), by: callerName(request), reason: request.body.reason };
    if (found.mended === null) await ports.damage.askRepair(id, order);
    return damageJson((await ports.damage.find(id)) ?? found);
  });
}

function unknownDamage(id: string): ApiProblem {
  return new ApiProblem("damage_unknown", `there is no entry ${id} in GET /v1/damage`);
}

function damageJson({ foundAtMs, acknowledged, asked, mended, ...entry }: KnownDamage): z.infer<typeof damageSchema> {
  return {
    ...entry,
    foundAt: formatInstantMs(foundAtMs),
    state: mended?.outcome ?? (asked === null ? "open" : "asked"),
    repair: wordJson(asked),
    mended: mended === null ? null : mendedJson(mended),
    acknowledged: wordJson(acknowledged),
  };
}

function mendedJson({ atMs, outcome, detail, lost }: Mending): z.infer<typeof damageSchema>["mended"] {
  return { at: formatInstantMs(atMs), outcome, detail, lost };
}

function wordJson(said: Acknowledgement | null): z.infer<typeof word> | null {
  return said === null ? null : { at: formatInstantMs(said.atMs), by: said.by, reason: said.reason };
}

function damageRow(entry: KnownDamage): string {
  const { id, place, code, where, detail, help, meterId, period, lost, foundAt, state, ...rest } = damageJson(entry);
  const texts = [id, place, code, where, detail, help].map(foreignCell);
  const { repair, mended, acknowledged } = rest;
  const done = [mended?.at ?? null, foreignCell(mended?.detail ?? ""), mended?.lost ?? null];
  return csvRow([
    ...texts,
    meterId,
    period,
    lost,
    foundAt,
    state,
    ...wordCells(repair),
    ...done,
    ...wordCells(acknowledged),
  ]);
}

function wordCells(said: z.infer<typeof word> | null): (string | null)[] {
  return [said?.at ?? null, foreignCell(said?.by ?? ""), foreignCell(said?.reason ?? "")];
}

function exampleEntry(): KnownDamage {
  const { foundAt, place: _place, code: _code, state: _state, repair: _order, ...entry } = example;
  const foundAtMs = Date.parse(foundAt);
  return {
    ...entry,
    place: "ledger",
    code: "checksum_mismatch",
    foundAtMs,
    asked: null,
    mended: null,
    acknowledged: null,
  };
}
