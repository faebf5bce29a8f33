import type { Damage } from "@meterbook/core/domain/damage/damage";
import { isDamagedDay } from "@meterbook/core/domain/damage/damaged-day";
import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { periodName, snapshotId } from "@meterbook/core/domain/snapshot/snapshot";
import { z } from "zod";
import type { Api, ApiContext } from "../api-context.ts";
import { knownMeter } from "../api-context.ts";
import { answers } from "../http/documentation/documented.ts";
import { ApiProblem } from "../http/problems/problem.ts";
import { meterId, period, wholeNumber } from "../http/requests/query-schemas.ts";
import { refuseOpenPeriod } from "./open-period.ts";
import { revisionChangesSchema, withChanges } from "./revision-changes.ts";
import { type SnapshotJson, snapshotExample, snapshotJson, snapshotSchema } from "./snapshot-json.ts";

const params = z.strictObject({ meterId, period });
const problems = [
  "period_invalid",
  "meter_unknown",
  "snapshot_unknown",
  "period_open",
  "record_damaged",
  "store_damaged",
] as const;

/** All revisions of one meter and period: a handful, so no list of pages. */
export const revisionsSchema = z.strictObject({
  items: z.array(snapshotSchema.extend({ changes: revisionChangesSchema.optional() })),
  damaged: z
    .array(z.strictObject({ where: z.string(), code: z.string(), damageId: z.string() }))
    .optional()
    .meta({ description: "Revisions that cannot be read: their numbers stay taken" }),
});

export function meterSnapshotRoutes(app: Api, context: ApiContext): void {
  const { ports } = context;
  const one = {
    tags: ["billing"],
    summary: "One snapshot: the latest revision, or the one asked for",
    params,
    querystring: z.strictObject({
      revision: wholeNumber(1, 1_000_000, { description: "The latest where absent" }).optional(),
    }),
    response: answers("The snapshot", snapshotSchema, snapshotExample, [...problems, "revision_unknown"]),
  };
  app.get("/v1/meters/:meterId/snapshots/:period", { schema: one }, async (request) => {
    const { meterId: of, period: month } = request.params;
    const { revision } = request.query;
    const found = await ports.snapshots.find(of, month, revision);
    if (found !== undefined)
      return snapshotJson(found, revision === undefined ? null : await replacing(context, found));
    throw await whyNot(context, of, month, revision === undefined ? undefined : await ports.snapshots.find(of, month));
  });
  monthsRoute(app, context);
  const all = {
    tags: ["billing"],
    summary: "All revisions of one meter and period, ascending, each with what it changed and why",
    params,
    querystring: z.strictObject({}),
    response: answers("The revisions", revisionsSchema, { items: [snapshotExample] }, problems),
  };
  app.get("/v1/meters/:meterId/snapshots/:period/revisions", { schema: all }, async (request) => {
    const { meterId: of, period: month } = request.params;
    const damaged: { where: string; code: string; damageId: string }[] = [];
    const leftOut = ({ id, code, where }: Damage) => void damaged.push({ where, code, damageId: id });
    const found = await ports.snapshots.revisions(of, month, leftOut);
    const items = await withChanges(ports.registry, found);
    if (damaged.length > 0) return { items, damaged };
    if (found.length === 0) throw await whyNot(context, of, month, undefined);
    return { items };
  });
}

/** The revision that came after one that estimates. */
async function replacing({ ports }: ApiContext, { meterId: of, period: month, revision, registers }: Snapshot) {
  if (registers.every(({ estimate }) => estimate === null)) return null;
  const next = await ports.snapshots.find(of, month, revision + 1);
  return next === undefined ? null : snapshotId(next);
}

const monthsMax = 120;

/** Months of one meter are a few dozen: each is looked up by its key, and there are no pages. */
function monthsRoute(app: Api, context: ApiContext): void {
  const { ports } = context;
  const schema = {
    tags: ["billing"],
    summary: "The latest snapshot of each month of a meter, newest first",
    params: z.strictObject({ meterId }),
    querystring: z.strictObject({
      limit: wholeNumber(1, monthsMax, { description: `At most so many months; ${monthsMax} where absent` }).optional(),
    }),
    response: answers("The months", z.strictObject({ items: z.array(snapshotSchema) }), { items: [snapshotExample] }, [
      "meter_unknown",
    ]),
  };
  app.get("/v1/meters/:meterId/snapshots", { schema }, async ({ params: { meterId: of }, query }) => {
    const { limit = monthsMax } = query;
    const items: SnapshotJson[] = [];
    for (const month of (await ports.snapshots.periods()).toReversed()) {
      const found = items.length < limit ? await ports.snapshots.find(of, month) : undefined;
      if (found !== undefined) items.push(snapshotJson(found));
    }
    if (items.length === 0) await knownMeter(context, of);
    return { items };
  });
}

const damagesMax = 100;

async function whyNot(
  context: ApiContext,
  meterId: string,
  period: number,
  latest: Snapshot | undefined,
): Promise<ApiProblem> {
  if (latest !== undefined) {
    return new ApiProblem(
      "revision_unknown",
      `${meterId} ${periodName(period)} has the revisions 1 to ${latest.revision}`,
    );
  }
  const { calendar } = await knownMeter(context, meterId);
  await refuseOpenPeriod(context, period, async () => false, calendar.zone);
  const damages = await context.ports.damage.unmended({ place: "series", meterId, limit: damagesMax });
  const held = damages.find(isDamagedDay);
  if (held !== undefined) {
    const detail = `meter ${meterId} is held back: ${held.detail} (GET /v1/damage has it as ${held.id})`;
    return new ApiProblem("store_damaged", detail);
  }
  return new ApiProblem("snapshot_unknown", `nothing was issued for meter ${meterId} in ${periodName(period)}`);
}
