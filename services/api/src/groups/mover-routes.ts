import { setImmediate as nextTurn } from "node:timers/promises";
import { periodName, type Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { z } from "zod";
import type { Api, ApiContext } from "../api-context.ts";
import { answers } from "../http/documentation/documented.ts";
import { period, register, wholeNumber } from "../http/requests/query-schemas.ts";
import { groupId, ifDamaged, knownGroup, namedMembers } from "./group-query.ts";

const amount = z.int().min(0).nullable();

export const moverSchema = z
  .strictObject({
    meterId: z.string(),
    usagePointId: z.string(),
    consumption: amount.meta({ description: "As issued for the month; null where it is not known" }),
    before: amount.meta({ description: "As issued for the month it is compared with" }),
    change: z.int(),
  })
  .meta({ id: "Mover" });

export const moversSchema = z
  .strictObject({
    groupId: z.string(),
    register: z.string(),
    period: z.string(),
    against: z.string().meta({ description: "The month it is compared with" }),
    meters: z.int().meta({ description: "Members now" }),
    compared: z.int().meta({ description: "Those of whom both months are known" }),
    items: z.array(moverSchema).meta({ description: "Those that changed most, whichever way, first" }),
  })
  .meta({ id: "Movers" });

const example = {
  ...{ groupId: "feeder:F-12", register: "1.8.0", period: "2026-10", against: "2026-09", meters: 412, compared: 409 },
  items: [{ meterId: "m-1", usagePointId: "up-1", consumption: 905_000, before: 245_000, change: 660_000 }],
};
const limitDefault = 10;
const lookUpsPerTurn = 100;

export function moverRoutes(app: Api, context: ApiContext): void {
  const schema = {
    tags: ["analysis"],
    summary: "The members of a group whose use changed most",
    description:
      "By what was issued for two months. A group with more members than one partition names (5000) has no such list.",
    params: z.strictObject({ groupId }),
    querystring: z.strictObject({
      period,
      register: register.default("1.8.0"),
      against: z
        .enum(["month", "year"])
        .default("month")
        .meta({ description: "The month before, or that of a year before" }),
      limit: wholeNumber(1, 100, { description: `${limitDefault} where absent` }).optional(),
    }),
    response: answers("The movers", moversSchema, example, ["group_unknown", "group_too_large"]),
  };
  app.get("/v1/groups/:groupId/movers", { schema }, async (request) => {
    const { period: of, register: wanted, against, limit = limitDefault } = request.query;
    const group = await knownGroup(context, request.params.groupId);
    const meterIds = await namedMembers(context, group.groupId, group.meters);
    const before = of - (against === "month" ? 1 : 12);
    const found = await compare(context, meterIds, wanted, [of, before]);
    return {
      ...{ groupId: group.groupId, register: wanted, period: periodName(of), against: periodName(before) },
      ...{ meters: group.meters, compared: found.length },
      items: found.sort((a, b) => Math.abs(b.change) - Math.abs(a.change)).slice(0, limit),
    };
  });
}

async function compare(
  { ports }: ApiContext,
  meterIds: readonly string[],
  register: string,
  [period_, before]: readonly [number, number],
): Promise<z.infer<typeof moverSchema>[]> {
  const found: z.infer<typeof moverSchema>[] = [];
  for (const [index, meterId] of meterIds.entries()) {
    if (index % lookUpsPerTurn === 0) await nextTurn();
    const now = await ports.snapshots.find(meterId, period_).catch(ifDamaged);
    const then = await ports.snapshots.find(meterId, before).catch(ifDamaged);
    const [used, earlier] = [usedIn(now, register), usedIn(then, register)];
    if (now === undefined || used === null || earlier === null) continue;
    const { usagePointId } = now;
    found.push({ meterId, usagePointId, consumption: used, before: earlier, change: used - earlier });
  }
  return found;
}

/** A register may have several rows of a month; what one of them does not know, nobody does. */
function usedIn(snapshot: Snapshot | undefined, register: string): number | null {
  const rows = snapshot?.registers.filter((row) => row.register === register) ?? [];
  if (rows.length === 0 || rows.some(({ consumption }) => consumption === null)) return null;
  return rows.reduce((sum, { consumption }) => sum + (consumption ?? 0), 0);
}
