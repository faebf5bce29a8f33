import { z } from "zod";
import type { Api, ApiContext } from "../api-context.ts";
import { answers } from "../http/documentation/documented.ts";
import { wholeNumber } from "../http/requests/query-schemas.ts";
import { findMeters } from "./find-meters.ts";

const foundSchema = z
  .strictObject({
    kind: z.enum(["meter", "usage-point"]),
    meterId: z.string().nullable().meta({ description: "Of a usage point the meter that is there; null: none is" }),
    usagePointId: z.string(),
    serialNumber: z.string().optional(),
    registered: z.boolean().meta({ description: "false: the meter reports and has no record" }),
  })
  .meta({ id: "FoundMeter" });

const limitDefault = 10;

export function searchRoutes(app: Api, context: ApiContext): void {
  const schema = {
    tags: ["meters"],
    summary: "Meters and usage points whose id or serial number begins or ends so",
    description:
      "What is called exactly so first, then what begins so, then meters with master data of which the id or the serial number ends so (three signs at least), each by id. A usage point is there where its name is another than its meter's. Meters that report and have no record are found too; on InfluxDB one that has only just begun is found by its whole id at once, and by the beginning of it when the list of meters has been gone over again. Of serial numbers capital and small letters are the same.",
    querystring: z.strictObject({
      q: z
        .string()
        .trim()
        .regex(
          /^[\p{L}\p{N}]\P{C}{0,63}$/u,
          "the beginning or the end of an id or of a serial number: a letter or a digit first",
        )
        .meta({ description: "The beginning or the end of an id or of a serial number", examples: ["m-1"] }),
      limit: wholeNumber(1, 100, { description: `At most so many; ${limitDefault} where absent` }).optional(),
    }),
    response: answers("What was found", z.strictObject({ items: z.array(foundSchema) }), {
      items: [{ kind: "meter", meterId: "m-1", usagePointId: "up-1", serialNumber: "NIK 2102-77", registered: true }],
    }),
  };
  app.get("/v1/search", { schema }, async ({ query: { q, limit = limitDefault } }) => ({
    items: await findMeters(context, q, limit),
  }));
}
