import type { Damage } from "@meterbook/core/domain/damage/damage";
import { periodName, type Snapshot, snapshotQualities } from "@meterbook/core/domain/snapshot/snapshot";
import type { ChangesPage, LedgerEntry, SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import { isBeyond, type LedgerPlace, ledgerStart, placeAfter } from "@meterbook/sharding/ledger-place";
import { slotCount } from "@meterbook/sharding/slot";
import { z } from "zod";
import type { Api, ApiContext } from "../api-context.ts";
import { cursorForm } from "../http/answers/cursor.ts";
import type { List } from "../http/answers/list-answer.ts";
import { answerList, pagesBy } from "../http/answers/list-answer.ts";
import { listAnswers, pageOf, withJson } from "../http/documentation/documented.ts";
import { ApiProblem, requestInvalid } from "../http/problems/problem.ts";
import { cursor, emptyAsAbsent, instant, limit, period } from "../http/requests/query-schemas.ts";
import { recordChunks, rowHelpers } from "./csv/record-chunks.ts";
import { snapshotCsvEncoder, snapshotCsvHeader } from "./csv/snapshot-csv.ts";
import { refuseOpenPeriod } from "./open-period.ts";
import { snapshotExample, snapshotJson, snapshotSchema } from "./snapshot-json.ts";

const meterCursors = cursorForm("snapshots", z.string());
const placeCursors = cursorForm<LedgerPlace>("changes", z.array(z.int().min(0)).max(slotCount));

export const issuedSnapshotSchema = snapshotSchema
  .extend({
    cursor: z.string().meta({ description: "The place of this entry: `after` it come the next" }),
    shard: z.int().min(0).meta({ description: "The shard of the ledger that holds it" }),
  })
  .meta({ id: "IssuedSnapshot" });

const damaged = z
  .int()
  .optional()
  .meta({ description: "Records beside these items that cannot be read and are left out (GET /v1/damage names them)" });
export const latestSchema = pageOf(snapshotSchema).extend({ damaged });
export const changesSchema = pageOf(issuedSnapshotSchema).extend({ resumeCursor: z.string(), damaged });

const csvExample = `${snapshotCsvHeader}m-1,up-1,2026-10,2,final,2026-10-31T22:00:00Z,2026-11-03T22:00:05Z,window closed,${snapshotExample.hash},1.8.0,Wh,12345678,12100000,245678,actual,EXACT,remote,2026-10-31T22:00:00Z,2026-10-31T22:00:00Z,12345678,2026-10-31T22:15:00Z,12345900\n`;

export function snapshotRoutes(app: Api, context: ApiContext): void {
  latestRoute(app, context);
  changesRoute(app, context);
}

function latestRoute(app: Api, context: ApiContext): void {
  const { ports, streams, limits } = context;
  const { snapshots, rowThreads } = ports;
  const exports = { snapshots, aloneMax: limits.exportAloneMax, takeHelpers: rowHelpers(rowThreads) };
  const schema = {
    tags: ["billing"],
    summary: "The latest issued snapshot of each meter of a period, ordered by meter id",
    description:
      "A period that is not over and has no snapshots yet answers `period_open`, so that nobody bills an empty list.",
    querystring: z.strictObject({
      period,
      quality: z.enum(snapshotQualities).optional().meta({ description: "Only those with a row of this quality" }),
      limit,
      cursor,
    }),
    response: withJson(
      listAnswers("Snapshots", snapshotSchema, snapshotExample, csvExample, ["period_invalid", "period_open"]),
      latestSchema,
      { items: [snapshotExample], nextCursor: "eyJrIjoi…" },
    ),
  };
  app.get("/v1/snapshots", { schema }, async (request, reply) => {
    const { period: of, quality, ...page } = request.query;
    const scope = quality === undefined ? periodName(of) : `${periodName(of)} ${quality}`;
    const place = page.cursor === undefined ? undefined : meterCursors.decode(scope, page.cursor);
    await refuseOpenPeriod(
      context,
      of,
      async () => (await ports.snapshots.latest({ period: of, limit: 1 })).length > 0,
    );
    const { leftOut, member } = leftOutCount();
    const read = (after: string | undefined, limit: number) =>
      ports.snapshots.latest({
        period: of,
        limit,
        quality,
        leftOut,
        ...(after === undefined ? {} : { afterMeterId: after }),
      });
    const list: List<LedgerEntry, string> = {
      placeOf: ({ snapshot }) => snapshot.meterId,
      pages: (after, size) => pagesBy(read, list.placeOf, after, size),
      json: ({ snapshot }) => snapshotJson(snapshot),
      csv: snapshotCsvEncoder,
      more: member,
      ...(quality === undefined && {
        csvChunks: (after, size, most) => recordChunks({ ...exports, period: of }, after, { size, limit: most }),
      }),
    };
    return answerList(request, reply, streams, list, {
      limit: page.limit,
      place,
      cursors: meterCursors,
      scope,
      exportPage: limits.exportPage,
    });
  });
}

const changesDescription = `Every issued revision, those of a meter in order of issue, without end of retention. To
follow it: start without \`after\`, handle the items, store \`resumeCursor\` together with what you made of them, and
ask again with \`after\` set to it. \`resumeCursor\` is in every answer; while there is nothing new it is the one you
sent. So nothing is missed and nothing comes twice. The ledger is kept in shards, and a cursor holds a place in each of
them. Between meters there is no order. In NDJSON each line carries its own \`cursor\`; CSV has none. \`nextCursor\`
is there while more entries wait. Who needs nothing of before begins with \`after=now\`, or with \`since\` and a time.`;

function changesRoute(app: Api, { ports, streams, limits }: ApiContext): void {
  const after = z
    .string()
    .meta({
      description:
        "A `resumeCursor`, `nextCursor` or `cursor` of before; `now`: what comes from now on; absent: from the beginning",
    })
    .transform(emptyAsAbsent)
    .optional();
  const example = { ...snapshotExample, cursor: "eyJrIjoi…", shard: 0 };
  const schema = {
    tags: ["billing"],
    summary: "Every issued revision after a cursor",
    description: changesDescription,
    querystring: z.strictObject({
      after,
      since: instant("From the first revision issued then or later", "2026-11-01T00:00:00Z").optional(),
      cursor,
      limit,
    }),
    response: withJson(
      listAnswers("Issued revisions", issuedSnapshotSchema, example, csvExample, ["cursor_ahead"]),
      changesSchema,
      {
        items: [example],
        resumeCursor: example.cursor,
      },
    ),
  };
  app.get("/v1/snapshots/changes", { schema }, async (request, reply) => {
    const place = await beginning(ports.snapshots, request.query);
    const { leftOut, member } = leftOutCount();
    const list: List<Change, LedgerPlace> = {
      placeOf: (change) => change.place,
      pages: (from = ledgerStart, size) => changesAfter(ports.snapshots, from, { limit: size, leftOut }),
      json: ({ snapshot, shard, place: at }) => ({
        ...snapshotJson(snapshot),
        cursor: placeCursors.encode("", at),
        shard,
      }),
      csv: snapshotCsvEncoder,
      more: (entries) => ({
        resumeCursor: placeCursors.encode("", entries.at(-1)?.place ?? place),
        ...member(),
      }),
    };
    return answerList(request, reply, streams, list, {
      limit: request.query.limit,
      place,
      cursors: placeCursors,
      scope: "",
      exportPage: limits.exportPage,
    });
  });
}

/** A revision, and how far somebody has read who has read up to it. */
interface Change {
  readonly snapshot: Snapshot;
  readonly shard: number;
  readonly place: LedgerPlace;
}

async function* changesAfter(
  snapshots: SnapshotView,
  from: LedgerPlace,
  page: Omit<ChangesPage, "after">,
): AsyncGenerator<readonly Change[]> {
  let place = from;
  for (;;) {
    const entries = await snapshots.changes({ after: place, ...page });
    const changes = entries.map((entry): Change => {
      place = placeAfter(place, entry);
      return { snapshot: entry.snapshot, shard: entry.shard, place };
    });
    if (changes.length > 0) yield changes;
    if (entries.length < page.limit) return;
  }
}

/** Counts what a list leaves out, for a member of its page. */
function leftOutCount() {
  const left = new Set<string>();
  return {
    leftOut: ({ id }: Damage) => void left.add(id),
    member: (): Record<string, unknown> => (left.size === 0 ? {} : { damaged: left.size }),
  };
}

interface Beginning {
  readonly after?: string | undefined;
  readonly cursor?: string | undefined;
  /** Whole seconds. */
  readonly since?: number | undefined;
}

/** From where a reader of changes wants to go on. */
async function beginning(snapshots: SnapshotView, { after, cursor: next, since }: Beginning): Promise<LedgerPlace> {
  if (after !== undefined && next !== undefined)
    throw requestInvalid([{ field: "cursor", message: "is another name of after: send one" }]);
  const sent = after ?? next;
  if (since !== undefined && sent !== undefined)
    throw requestInvalid([{ field: "since", message: "is another way to say where to begin than after: send one" }]);
  if (sent === "now" || since !== undefined) await snapshots.catchUp();
  if (sent === "now") return snapshots.lastPlace();
  if (since !== undefined) return snapshots.placeBefore(since * 1000);
  const place = sent === undefined ? ledgerStart : placeCursors.decode("", sent);
  if (!(await isAhead(snapshots, place))) return place;
  throw new ApiProblem(
    "cursor_ahead",
    "the ledger ends before the cursor: it is another ledger, or an older copy; start from the beginning",
  );
}

/** A cursor may come from another API process, whose view of the ledger was ahead of this one's. */
async function isAhead(snapshots: SnapshotView, place: LedgerPlace): Promise<boolean> {
  if (!isBeyond(place, await snapshots.lastPlace())) return false;
  await snapshots.catchUp();
  return isBeyond(place, await snapshots.lastPlace());
}
