import { groupResolutions } from "@meterbook/core/domain/group/sum-curve";
import { idPattern } from "@meterbook/core/domain/reading/identifiers";
import { baseUnits } from "@meterbook/core/domain/reading/reading";
import { formatInstant } from "@meterbook/core/domain/time/instant";
import { z } from "zod";
import { checkRange } from "../analysis/curves/curve-rows.ts";
import type { Api, ApiContext } from "../api-context.ts";
import { answers } from "../http/documentation/documented.ts";
import { register } from "../http/requests/query-schemas.ts";
import { groupPointExample, groupPointJson, groupPointSchema, rangeFields } from "./group-query.ts";
import { sumList } from "./sum-list.ts";

const idsMax = 1000;
const listDaysMax = 62;

export const listCurveSchema = z
  .strictObject({
    register: z.string(),
    unit: z.enum(baseUnits),
    resolution: z.enum(groupResolutions),
    zone: z.string(),
    meters: z.int().meta({ description: "Meters that were summed" }),
    unknown: z.array(z.string()).meta({ description: "Ids that are neither a meter nor a usage point" }),
    items: z.array(groupPointSchema),
  })
  .meta({ id: "ListCurve" });

const example = {
  ...{ register: "1.8.0", unit: "Wh", resolution: "PT1H", zone: "Europe/Kyiv", meters: 2, unknown: ["m-9"] },
  items: [groupPointExample],
};

const description = `The sum over a list of up to ${idsMax} meters or usage points, made while you wait, at most
${listDaysMax} days. A usage point stands for the meters that were installed at it, each for its time. A meter that is named twice counts once.`;

export function listCurveRoutes(app: Api, context: ApiContext): void {
  const schema = {
    tags: ["analysis"],
    summary: "The consumption curve of a list of meters",
    description,
    querystring: z.strictObject({}),
    body: z
      .strictObject({
        ids: z
          .array(z.string().regex(idPattern, "an id of a meter or a usage point"))
          .min(1)
          .max(idsMax)
          .meta({ examples: [["m-1", "m-2"]] }),
        register,
        ...rangeFields,
      })
      .meta({ id: "ListToSum" }),
    response: answers("The curve", listCurveSchema, example, ["range_too_long"]),
  };
  app.post("/v1/groups::curve", { schema }, async (request) => {
    const { ids, register: of, ...range } = request.body;
    checkRange(range, listDaysMax);
    const { points, meterIds, usagePointIds, ...told } = await sumList(context, ids, of, range);
    const { resolution } = range;
    request.told = {
      subjects: [
        ...usagePointIds.map((subjectId) => ({ subject: "usage-point" as const, subjectId })),
        ...meterIds.map((subjectId) => ({ subject: "meter" as const, subjectId })),
      ],
      query: `register=${of}&from=${formatInstant(range.from)}&to=${formatInstant(range.to)}&resolution=${resolution}`,
    };
    return { register: of, resolution, zone: context.timeZone, ...told, items: points.map(groupPointJson) };
  });
}
