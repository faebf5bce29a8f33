import { isUtf8 } from "node:buffer";
import { formatInstantMs } from "@meterbook/core/domain/time/instant";
import { rejectionReasons } from "@meterbook/core/domain/validation/rejection-reason";
import type { Rejection, StoredRejection } from "@meterbook/core/ports/rejected-log";
import { z } from "zod";
import type { Api, ApiContext } from "../api-context.ts";
import { csvRow, foreignCell } from "../http/answers/csv-cell.ts";
import { cursorForm } from "../http/answers/cursor.ts";
import type { List } from "../http/answers/list-answer.ts";
import { answerList, pagesBy } from "../http/answers/list-answer.ts";
import { textEncoder } from "../http/answers/row-encoder.ts";
import { answers, listAnswers } from "../http/documentation/documented.ts";
import { requestInvalid } from "../http/problems/problem.ts";
import { cursor, flag, instant, limit, meterId } from "../http/requests/query-schemas.ts";
import { rejectionReplays } from "./replay-rejection.ts";

const cursors = cursorForm("rejected", z.string());

const refused = {
  reason: z.string().meta({ description: "Stable code (docs/validation.md)" }),
  detail: z.string().meta({ description: "What was wrong, with the field's name" }),
  readingIndex: z.int().nullable().meta({ description: "Which reading of the message; null: the message" }),
};
export const rejectionSchema = z
  .strictObject({
    id: z.string(),
    ...refused,
    topic: z.string(),
    meterId: z.string().nullable(),
    clientId: z.string(),
    receivedAt: z.string().meta({ format: "date-time" }),
    replayedAt: z.string().nullable().meta({ format: "date-time" }),
    truncatedFrom: z.int().nullable().meta({ description: "Length of a message of which only the beginning was kept" }),
    payload: z.string().meta({ description: "The message's bytes, base64" }),
    text: z.string().nullable().meta({ description: "The same as text, where it is UTF-8" }),
  })
  .meta({ id: "Rejection" });

export const replaySchema = z.strictObject({
  accepted: z.int().meta({ description: "Readings that went into the log" }),
  stillRejected: z.array(z.strictObject(refused)),
});

const example = {
  id: "42",
  reason: "unit_unknown",
  detail: "readings[0].unit: kWhh",
  readingIndex: 0,
  topic: "meters/m-1/readings/json",
  meterId: "m-1",
  clientId: "m-1",
  receivedAt: "2026-11-01T08:15:00.120Z",
  replayedAt: null,
  truncatedFrom: null,
  payload: "eyJyZWFkaW5ncyI6W119",
  text: '{"readings":[]}',
};
const header =
  "id,reason,detail,reading_index,topic,meter_id,client_id,received_at,replayed_at,truncated_from,payload_base64\n";

const querystring = z.strictObject({
  includeReplayed: flag("Those that were replayed too").optional(),
  reason: z
    .string()
    .regex(/^\w{1,64}$/, "a reason code of docs/validation.md, such as unit_unknown")
    .meta({ description: "Only those that were refused for it" })
    .optional(),
  meterId: meterId.meta({ description: "Only those of this meter" }).optional(),
  from: instant("Received then or later", "2026-11-01T00:00:00Z").optional(),
  to: instant("Received before", "2026-11-02T00:00:00Z").optional(),
  order: z.enum(["oldest", "newest"]).optional().meta({ description: "Which come first; `oldest` where absent" }),
  limit,
  cursor,
});

export function rejectedRoutes(app: Api, { ports, streams, limits }: ApiContext): void {
  const list = {
    tags: ["operation"],
    summary: "Refused messages with reason and bytes",
    description:
      "A page may hold fewer entries than `limit` where messages are large. In CSV, texts that a spreadsheet would run begin with an apostrophe.",
    querystring,
    response: listAnswers(
      "Refused messages",
      rejectionSchema,
      example,
      `${header}42,unit_unknown,readings[0].unit: kWhh,0,meters/m-1/readings/json,m-1,m-1,2026-11-01T08:15:00.120Z,,,eyJyZWFkaW5ncyI6W119\n`,
    ),
  };
  app.get("/v1/rejected", { schema: list }, async (request, reply) => {
    const { limit: atMost, cursor: sent, ...of } = request.query;
    if (of.from !== undefined && of.to !== undefined && of.to <= of.from)
      throw requestInvalid([{ field: "to", message: "must be after from" }]);
    if (of.reason !== undefined) await refuseUnknownReason(of.reason, ports.rejectedLog);
    const asked = queryOf(of);
    const scope = JSON.stringify(asked);
    const place = sent === undefined ? undefined : cursors.decode(scope, sent);
    const read = (afterId: string | undefined, most: number) =>
      ports.rejectedLog.list({ ...asked, limit: most, ...(afterId === undefined ? {} : { afterId }) });
    const entries: List<StoredRejection, string> = {
      placeOf: ({ id }) => id,
      pages: (after, size) => pagesBy(read, entries.placeOf, after, size),
      json: rejectionJson,
      csv: () => textEncoder(rejectionRow, header),
      heavy: { pageMax: 32, bytesOf: ({ payload }) => payload.length },
    };
    return answerList(request, reply, streams, entries, {
      limit: atMost,
      place,
      cursors,
      scope,
      exportPage: limits.exportPage,
    });
  });
  const replays = rejectionReplays(ports);
  const replay = {
    tags: ["operation"],
    summary: "Try a refused message again under today's rules",
    description:
      "What is accepted now goes into the readings log; what is still refused stays here, with today's reason. An entry can be replayed with success once.",
    params: z.strictObject({ id: z.string().max(128) }),
    querystring: z.strictObject({}),
    response: answers("What came of it", replaySchema, { accepted: 3, stillRejected: [] }, [
      "rejection_unknown",
      "already_replayed",
      "replay_in_progress",
      "payload_truncated",
      "record_damaged",
    ]),
  };
  app.post("/v1/rejected/:id/replay", { schema: replay }, async (request) => {
    const { accepted, stillRejected } = await replays(request.params.id);
    return { accepted, stillRejected: stillRejected.map(refusedJson) };
  });
}

const isKnown = new Set<string>(rejectionReasons);

/** A newer version may have refused for reasons that this one does not know: what is in the log can be asked for. */
async function refuseUnknownReason(reason: string, log: ApiContext["ports"]["rejectedLog"]): Promise<void> {
  if (isKnown.has(reason) || (await log.list({ reason, limit: 1, includeReplayed: true })).length > 0) return;
  const message = `must be one of ${rejectionReasons.join(", ")}; nothing was refused for any other`;
  throw requestInvalid([{ field: "reason", message }]);
}

type Query = Omit<z.output<typeof querystring>, "limit" | "cursor">;

function queryOf({ includeReplayed = false, order, reason, meterId: of, from, to }: Query) {
  return {
    includeReplayed,
    newestFirst: order === "newest",
    ...(reason === undefined ? {} : { reason }),
    ...(of === undefined ? {} : { meterId: of }),
    ...(from === undefined ? {} : { fromMs: from * 1000 }),
    ...(to === undefined ? {} : { toMs: to * 1000 }),
  };
}

function refusedJson({
  reason,
  detail,
  readingIndex,
}: Rejection): z.infer<typeof replaySchema>["stillRejected"][number] {
  return { reason, detail, readingIndex };
}

function rejectionJson(rejection: StoredRejection): z.infer<typeof rejectionSchema> {
  const payload = Buffer.from(rejection.payload.buffer, rejection.payload.byteOffset, rejection.payload.byteLength);
  return {
    id: rejection.id,
    ...refusedJson(rejection),
    topic: rejection.topic,
    meterId: rejection.meterId,
    clientId: rejection.clientId,
    receivedAt: formatInstantMs(rejection.receivedAtMs),
    replayedAt: rejection.replayedAtMs === null ? null : formatInstantMs(rejection.replayedAtMs),
    truncatedFrom: rejection.truncatedFrom,
    payload: payload.toString("base64"),
    text: isUtf8(payload) ? payload.toString() : null,
  };
}

function rejectionRow(rejection: StoredRejection): string {
  const { id, reason, detail, readingIndex, topic, meterId, clientId, receivedAt, replayedAt, truncatedFrom, payload } =
    rejectionJson(rejection);
  const texts = [topic, meterId ?? "", clientId].map(foreignCell);
  return csvRow([
    foreignCell(id),
    foreignCell(reason),
    foreignCell(detail),
    readingIndex,
    ...texts,
    receivedAt,
    replayedAt,
    truncatedFrom,
    payload,
  ]);
}
