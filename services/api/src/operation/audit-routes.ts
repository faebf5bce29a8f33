import { readGroupId } from "@meterbook/core/domain/group/group-members";
import { idPattern, isId } from "@meterbook/core/domain/reading/identifiers";
import { formatInstantMs } from "@meterbook/core/domain/time/instant";
import { auditSubjects, type KeptRead } from "@meterbook/core/ports/audit-log";
import { z } from "zod";
import type { Api, ApiContext } from "../api-context.ts";
import { csvRow, foreignCell } from "../http/answers/csv-cell.ts";
import { cursorForm } from "../http/answers/cursor.ts";
import type { List } from "../http/answers/list-answer.ts";
import { answerList, pagesBy } from "../http/answers/list-answer.ts";
import { textEncoder } from "../http/answers/row-encoder.ts";
import { listAnswers } from "../http/documentation/documented.ts";
import { cursor, idRule, instant, limit } from "../http/requests/query-schemas.ts";

const cursors = cursorForm("audit", z.int().min(1));

export const auditEntrySchema = z
  .strictObject({
    id: z.int(),
    at: z.string().meta({ format: "date-time" }),
    caller: z.string().nullable().meta({ description: "The name of the key; null where none was needed" }),
    address: z.string().meta({ description: "From where the call came" }),
    call: z.string(),
    subject: z.enum(auditSubjects).meta({
      description: "Whose data: `fleet` is a list of all meters, `group` the members of a group",
    }),
    subjectId: z.string().nullable(),
    query: z.string().meta({ description: "What was asked for, at most 300 characters" }),
  })
  .meta({ id: "AuditEntry" });

const example = {
  id: 7,
  at: "2026-11-01T08:15:00.120Z",
  caller: "anna",
  address: "10.0.0.7",
  call: "GET /v1/meters/:meterId/curve",
  subject: "meter" as const,
  subjectId: "m-1",
  query: "register=1.8.0",
};
const header = "id,at,caller,address,call,subject,subject_id,query\n";

const id = z.string().regex(idPattern, idRule);
const subjectId = z
  .string()
  .max(80)
  .refine((text) => isId(text) || readGroupId(text) !== undefined, "an id of a meter, a usage point or a group")
  .meta({ description: "Only of this meter, usage point or group" });

/** Who has read what of whom: for an operator who is asked, and for those it is about. */
export function auditRoutes(app: Api, { ports, streams, limits, readsWritten }: ApiContext): void {
  const schema = {
    tags: ["operation"],
    summary: "Who has read what of whom",
    description: `Every answered read of curves, readings, months, statements, findings and gaps, newest first: when, by
which key, of which meter, usage point or group. \`METERBOOK_AUDIT_RETENTION_DAYS\` says how long it is kept.`,
    querystring: z.strictObject({
      subject: z.enum(auditSubjects).optional().meta({ description: "Only of this kind" }),
      subjectId: subjectId.optional(),
      caller: id.optional().meta({ description: "Only by the key of this name" }),
      from: instant("Then or later", "2026-11-01T00:00:00Z").optional(),
      to: instant("Before", "2026-11-02T00:00:00Z").optional(),
      limit,
      cursor,
    }),
    response: listAnswers("Reads", auditEntrySchema, example, `${header}${auditRow(exampleRead())}`),
  };
  app.get("/v1/audit", { schema }, async (request, reply) => {
    const { subject, subjectId, caller, from, to, ...page } = request.query;
    const scope = JSON.stringify([subject, subjectId, caller, from, to]);
    const place = page.cursor === undefined ? undefined : cursors.decode(scope, page.cursor);
    await readsWritten();
    const question = {
      ...{ subject, subjectId, caller },
      fromMs: from === undefined ? undefined : from * 1000,
      toMs: to === undefined ? undefined : to * 1000,
    };
    const list: List<KeptRead, number> = {
      placeOf: (read) => read.id,
      pages: (before, size) =>
        pagesBy(
          (beforeId, n) => ports.audit.list({ ...question, limit: n, ...(beforeId === undefined ? {} : { beforeId }) }),
          list.placeOf,
          before,
          size,
        ),
      json: auditJson,
      csv: () => textEncoder(auditRow, header),
    };
    const asked = { limit: page.limit, place, cursors, scope, exportPage: limits.exportPage };
    return answerList(request, reply, streams, list, asked);
  });
}

function auditJson({ atMs, caller, subjectId, ...rest }: KeptRead): z.infer<typeof auditEntrySchema> {
  return { ...rest, at: formatInstantMs(atMs), caller: caller || null, subjectId: subjectId || null };
}

function auditRow({ id: no, atMs, caller, address, call, subject, subjectId, query }: KeptRead): string {
  return csvRow([no, formatInstantMs(atMs), caller, address, call, subject, subjectId, foreignCell(query)]);
}

function exampleRead(): KeptRead {
  const { at, ...read } = example;
  return { ...read, atMs: Date.parse(at) };
}
