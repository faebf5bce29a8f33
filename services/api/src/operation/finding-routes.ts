import { setImmediate as nextTurn } from "node:timers/promises";
import { fleet } from "@meterbook/core/domain/group/group-members";
import type { BaseUnit } from "@meterbook/core/domain/reading/reading";
import { baseUnits } from "@meterbook/core/domain/reading/reading";
import type { Finding } from "@meterbook/core/domain/snapshot/finding";
import { judgedRules } from "@meterbook/core/domain/snapshot/finding";
import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { periodName, snapshotId, snapshotQualities } from "@meterbook/core/domain/snapshot/snapshot";
import { formatInstant } from "@meterbook/core/domain/time/instant";
import type { SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import { z } from "zod";
import type { Api, ApiContext } from "../api-context.ts";
import { groupId, ifDamaged, knownGroup, namedMembers } from "../groups/group-query.ts";
import { needScope } from "../http/access/access.ts";
import { profiles } from "../http/access/scope-table.ts";
import { csvRow } from "../http/answers/csv-cell.ts";
import { cursorForm } from "../http/answers/cursor.ts";
import { answerList, type List, pagesBy } from "../http/answers/list-answer.ts";
import { textEncoder } from "../http/answers/row-encoder.ts";
import { listAnswers } from "../http/documentation/documented.ts";
import { requestInvalid } from "../http/problems/problem.ts";
import { cursor, instant, limit, meterId, period } from "../http/requests/query-schemas.ts";

const placeForm = z.strictObject({ period: z.int(), meterId: z.string().max(64), no: z.int().min(0) });
/** Of a finding: its month, its meter, and which of the meter's in that month. */
type Place = z.infer<typeof placeForm>;
const cursors = cursorForm<Place>("findings", placeForm);

export const findingSchema = z
  .strictObject({
    rule: z.enum(judgedRules).meta({ description: "docs/validation.md explains each" }),
    at: z.string().meta({ format: "date-time", description: "The reading, or the end of the month that it is about" }),
    meterId: z.string(),
    usagePointId: z.string(),
    register: z.string(),
    unit: z.enum(baseUnits),
    period: z.string(),
    quality: z.enum(snapshotQualities).meta({ description: "Of the month's row" }),
    snapshotId: z.string(),
  })
  .meta({ id: "Finding" });

const example = {
  rule: "V13" as const,
  at: "2026-10-31T22:00:00Z",
  meterId: "m-1",
  usagePointId: "up-1",
  register: "1.8.0",
  unit: "Wh" as const,
  period: "2026-10",
  quality: "estimated" as const,
  snapshotId: "m-1/2026-10/1",
};
const header = "rule,at,meter_id,usage_point_id,register,unit,period,quality,snapshot_id\n";

const groupDescription =
  "Only those of meters that are in this group now. Who is in a group is for keys with one of the scopes " +
  `${profiles.map((scope) => `\`${scope}\``).join(", ")}`;

const querystring = z.strictObject({
  rule: z.enum(judgedRules).optional().meta({ description: "Only those of this rule" }),
  period: period.optional().meta({ description: "Only those of this month; all months where absent" }),
  meterId: meterId.optional().meta({ description: "Only those of this meter" }),
  group: groupId.optional().meta({ description: groupDescription }),
  from: instant("The first instant that they are about", "2026-09-30T21:00:00Z").optional(),
  to: instant("The end, itself not included", "2026-10-31T22:00:00Z").optional(),
  limit,
  cursor,
});
type Query = Omit<z.output<typeof querystring>, "limit" | "cursor">;
/** `meterIds`: of these alone, ascending. */
type Asked = Query & { readonly meterIds: readonly string[] | undefined };

type View = Pick<SnapshotView, "periods" | "latest" | "find">;

interface Listed {
  readonly finding: Finding;
  readonly snapshot: Snapshot;
  readonly row: {
    readonly register: string;
    readonly usagePointId: string | null;
    readonly unit: BaseUnit;
    readonly quality: Snapshot["registers"][0]["quality"];
  };
  readonly place: Place;
}

const description = `What the rules say of the months that are issued, the newest month first, then by meter id. It is that
of the latest revision of each. A finding that changed no number may have come after that revision: the next one has it.
A row shows at most 20. The ledger has an index by rule: months of which the rule says nothing cost nothing. A group with
more members than one partition names (5000) cannot be asked for; the fleet is all meters.`;

export function findingRoutes(app: Api, context: ApiContext): void {
  const { ports, streams, limits } = context;
  const schema = {
    tags: ["analysis"],
    summary: "What the rules say of the fleet's months",
    description,
    querystring,
    response: listAnswers(
      "Findings",
      findingSchema,
      example,
      `${header}V13,2026-10-31T22:00:00Z,m-1,up-1,1.8.0,Wh,2026-10,estimated,m-1/2026-10/1\n`,
      ["period_invalid", "group_unknown", "group_too_large"],
    ),
  };
  app.get("/v1/findings", { schema }, async (request, reply) => {
    const { limit: atMost, cursor: sent, ...asked } = request.query;
    if (asked.group !== undefined) needScope(request.caller, profiles);
    if (asked.from !== undefined && asked.to !== undefined && asked.to <= asked.from)
      throw requestInvalid([{ field: "to", message: "must be after from" }]);
    const scope = JSON.stringify(asked);
    const place = sent === undefined ? undefined : cursors.decode(scope, sent);
    const meterIds = await askedMeters(context, asked);
    const list: List<Listed, Place> = {
      placeOf: (one) => one.place,
      pages: (after) => findingPages(ports.snapshots, { ...asked, meterIds }, after, limits.exportPage),
      json: listedJson,
      csv: () => textEncoder((one) => csvRow(Object.values(listedJson(one))), header),
    };
    const page = { limit: atMost, place, cursors, scope, exportPage: limits.exportPage };
    return answerList(request, reply, streams, list, page);
  });
}

/** @throws ApiProblem `group_unknown`, `group_too_large` */
async function askedMeters(
  context: ApiContext,
  { meterId: one, group }: Query,
): Promise<readonly string[] | undefined> {
  if (group === undefined || group === fleet) return one === undefined ? undefined : [one];
  const { meters } = await knownGroup(context, group);
  const members = await namedMembers(context, group, meters);
  return members.filter((meterOf) => one === undefined || meterOf === one).sort();
}

async function* findingPages(
  view: View,
  asked: Asked,
  after: Place | undefined,
  metersPerRead: number,
): AsyncGenerator<readonly Listed[]> {
  const periods = (await view.periods()).filter((one) => isAsked(one, asked) && one <= (after?.period ?? one));
  for (const of of periods.toReversed()) {
    const behind = of === after?.period ? after : undefined;
    for await (const snapshots of snapshotPages(view, of, asked, behind, metersPerRead)) {
      const found = snapshots.flatMap((one) => findingsOf(one, asked)).filter((one) => isBehind(one.place, behind));
      if (found.length > 0) yield found;
      // Others get their turn between two pages, of which most may have nothing.
      await nextTurn();
    }
  }
}

const monthSecondsMax = 32 * 86_400;

/** A month in which a finding of that time can be; local months lie within a day of those of UTC. */
function isAsked(
  of: number,
  { period: wanted, from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY }: Query,
) {
  if (wanted !== undefined && wanted !== of) return false;
  const start = Date.UTC(Math.floor(of / 12), of % 12) / 1000;
  return start - 86_400 < to && start + monthSecondsMax + 86_400 > from;
}

async function* snapshotPages(
  view: View,
  of: number,
  { meterIds, rule }: Asked,
  behind: Place | undefined,
  limit: number,
): AsyncGenerator<readonly Snapshot[]> {
  const ofMeter = async (meter: string) => {
    const found = await view.find(meter, of).catch(ifDamaged);
    return found === undefined ? [] : [found];
  };
  if (meterIds !== undefined) {
    for (const meter of meterIds) if (meter >= (behind?.meterId ?? "")) yield await ofMeter(meter);
    return;
  }
  // The meter of the last one may have more.
  if (behind !== undefined) yield await ofMeter(behind.meterId);
  const read = async (afterMeterId: string | undefined, most: number) => {
    const after = afterMeterId === undefined ? {} : { afterMeterId };
    return (await view.latest({ period: of, finding: rule ?? "any", limit: most, ...after })).map(
      ({ snapshot }) => snapshot,
    );
  };
  yield* pagesBy(read, ({ meterId: last }) => last, behind?.meterId, limit);
}

function findingsOf(snapshot: Snapshot, { rule, from = 0, to = Number.POSITIVE_INFINITY }: Query): Listed[] {
  const all = snapshot.registers.flatMap((row) => row.findings.map((finding) => ({ finding, row })));
  return all
    .map(({ finding, row }, no) => {
      const place = { period: snapshot.period, meterId: snapshot.meterId, no };
      return { finding, row, snapshot, place };
    })
    .filter(({ finding }) => (rule === undefined || finding.rule === rule) && finding.at >= from && finding.at < to);
}

function isBehind(place: Place, after: Place | undefined): boolean {
  return after === undefined || place.meterId !== after.meterId || place.no > after.no;
}

function listedJson({ finding, snapshot, row }: Listed): z.infer<typeof findingSchema> {
  const { meterId: of, usagePointId } = snapshot;
  const { register, unit, quality } = row;
  return {
    rule: finding.rule,
    at: formatInstant(finding.at),
    ...{ meterId: of, usagePointId: row.usagePointId ?? usagePointId, register, unit },
    period: periodName(snapshot.period),
    quality,
    snapshotId: snapshotId(snapshot),
  };
}
