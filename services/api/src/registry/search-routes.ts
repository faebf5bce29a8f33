import { z } from "zod";
import type { Api, ApiContext } from "../api-context.ts";
import { answers } from "../http/documentation/documented.ts";
import { wholeNumber } from "../http/requests/query-schemas.ts";
import { findMeters } from "./find-meters.ts";

const foundSchema = z
  .strictObject({
    meterId: z.string(),
    usagePointId: z.string(),
    registered: z.boolean().meta({ description: "false: the meter reports and has no record" }),
  })
  .meta({ id: "FoundMeter" });

const limitDefault = 10;

export function searchRoutes(app: Api, context: ApiContext): void {
  const schema = {
    tags: ["meters"],
    summary: "Meters whose id begins so",
    description:
      "The meter of that very id first, then by id. A meter that has no record and no month yet is found by its whole id.",
    querystring: z.strictObject({
      q: z
        .string()
        .trim()
        .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "the beginning of a meter id: letters, digits and . _ -")
        .meta({ description: "The beginning of a meter id", examples: ["m-1"] }),
      limit: wholeNumber(1, 100, { description: `At most so many; ${limitDefault} where absent` }).optional(),
    }),
    response: answers("What was found", z.strictObject({ items: z.array(foundSchema) }), {
      items: [{ meterId: "m-1", usagePointId: "up-1", registered: true }],
    }),
  };
  app.get("/v1/search", { schema }, async ({ query: { q, limit = limitDefault } }) => ({
    items: await findMeters(context, q, limit),
  }));
}
