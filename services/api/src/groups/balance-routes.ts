import { balanceTotal, feederBalance } from "@meterbook/core/domain/group/feeder-balance";
import { groupId as idOf } from "@meterbook/core/domain/group/group-members";
import { groupResolutions } from "@meterbook/core/domain/group/sum-curve";
import { formatInstant } from "@meterbook/core/domain/time/instant";
import { z } from "zod";
import { checkRange } from "../analysis/curves/curve-rows.ts";
import type { Api, ApiContext } from "../api-context.ts";
import { answers } from "../http/documentation/documented.ts";
import { ApiProblem } from "../http/problems/problem.ts";
import { register } from "../http/requests/query-schemas.ts";
import { groupId, knownGroup, pendingDays, pendingSchema, rangeFields, readGroup } from "./group-query.ts";

const amount = (description: string) => z.int().nullable().meta({ description });
const moment = z.string().meta({ format: "date-time" });

export const balancePointSchema = z
  .strictObject({
    from: moment,
    to: moment,
    supplied: amount("By the feeder's own meters, less what went back up; null where it is not known whole"),
    delivered: amount("What the meters below took, less what they gave; null where none of them is known"),
    expected: z.int().meta({ description: "Meters below" }),
    present: z.int(),
    estimated: z.int(),
    losses: amount("Supplied less delivered, if the meters that are missing used what the others did on average"),
    low: amount("If they used twice as much"),
    high: amount("If they used nothing"),
  })
  .meta({ id: "BalancePoint" });

export const balanceSchema = z
  .strictObject({
    groupId: z.string(),
    feeder: z.string(),
    measuredBy: z.array(z.string()).meta({ description: "Meters that measure the feeder now" }),
    resolution: z.enum(groupResolutions),
    unit: z.literal("Wh"),
    zone: z.string(),
    pending: pendingSchema,
    total: z
      .strictObject({
        steps: z.int(),
        known: z.int().meta({ description: "Steps of which the losses are known: the sums are over these" }),
        supplied: z.int(),
        delivered: z.int(),
        losses: z.int(),
        low: z.int(),
        high: z.int(),
      })
      .meta({ id: "BalanceTotal" }),
    items: z.array(balancePointSchema),
  })
  .meta({ id: "Balance" });

const sums = { supplied: 105_000, delivered: 100_000, losses: 3980, low: 2960, high: 5000 };
const example = {
  groupId: "feeder:F-12",
  feeder: "F-12",
  measuredBy: ["feeder-meter-12"],
  resolution: "P1D",
  unit: "Wh",
  zone: "Europe/Kyiv",
  pending: 0,
  total: { steps: 1, known: 1, ...sums },
  items: [
    {
      from: "2026-10-29T22:00:00Z",
      to: "2026-10-30T22:00:00Z",
      ...sums,
      ...{ expected: 100, present: 99, estimated: 0 },
    },
  ],
};

const description = `What goes into a feeder, by the meter that measures it, against the sum of the meters below it.
A usage point says with \`measures\` which feeder its meter measures. The band is what is not known: \`high\` are the
losses if the meters that are missing used nothing, \`low\` if they used twice what the others did on average. Where
nobody is missing the three are equal.`;

export function balanceRoutes(app: Api, context: ApiContext): void {
  const schema = {
    tags: ["analysis"],
    summary: "Balance and losses of a feeder",
    description,
    params: z.strictObject({ groupId }),
    querystring: z.strictObject({
      ...rangeFields,
      register: register.default("1.8.0").meta({ description: "What is taken" }),
      returned: register.default("2.8.0").meta({ description: "What is given back" }),
    }),
    response: answers("The balance", balanceSchema, example, ["range_too_long", "group_unknown"]),
  };
  app.get("/v1/groups/:groupId/balance", { schema }, async (request) => {
    const { register: taken, returned, ...range } = request.query;
    checkRange(range);
    const group = await knownGroup(context, request.params.groupId);
    if (group.kind !== "feeder")
      throw new ApiProblem("group_unknown", `${group.groupId}: a balance is of a feeder, feeder:…`);
    const meter = idOf("measures", group.name);
    const [above, aboveReturned, below, belowReturned] = await Promise.all([
      readGroup(context, meter, taken, range),
      readGroup(context, meter, returned, range),
      readGroup(context, group.groupId, taken, range),
      readGroup(context, group.groupId, returned, range),
    ]);
    const points = feederBalance({
      above: above.points,
      aboveReturned: aboveReturned.points,
      below: below.points,
      belowReturned: belowReturned.points,
    });
    const measuredBy = [...(await context.ports.groupSums.memberIds(meter))];
    return {
      ...{ groupId: group.groupId, feeder: group.name, measuredBy },
      ...{ resolution: range.resolution, unit: "Wh" as const, zone: context.timeZone },
      pending: await pendingDays(context, range),
      total: balanceTotal(points),
      items: points.map(({ from, to, ...rest }) => ({ from: formatInstant(from), to: formatInstant(to), ...rest })),
    };
  });
}
