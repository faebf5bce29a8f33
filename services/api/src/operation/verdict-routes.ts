import { formatInstantMs } from "@meterbook/core/domain/time/instant";
import { z } from "zod";
import type { Api, ApiContext } from "../api-context.ts";
import { callerName } from "../http/access/access.ts";
import { answers } from "../http/documentation/documented.ts";
import { judgeReading, verdicts } from "./judge-reading.ts";

const reasonMax = 200;

const verdictSchema = z
  .strictObject({
    verdict: z.enum(verdicts).meta({
      description: "`accept`: it counts, whatever the rules say of it. `reject`: it counts for nothing",
    }),
    reason: z
      .string()
      .trim()
      .min(1)
      .max(reasonMax)
      .regex(/^\P{Cc}*$/u, "one line of text")
      .meta({ description: "Why; the month's revision names it" }),
  })
  .meta({ id: "Verdict" });

export const judgedSchema = z.strictObject({
  id: z.string().meta({ description: "The reading" }),
  verdict: z.enum(verdicts),
  reason: z.string(),
  by: z.string().meta({ description: "The name of the caller's key" }),
  recordedAt: z.string().meta({ format: "date-time" }),
});

const id = z
  .string()
  .max(200)
  .meta({ description: "Of a reading, as the list of readings says it, with %2F for its slashes" });

const example = {
  id: "m-1/1.8.0/register/0/2026-10-31T22:00:00Z/12345678",
  verdict: "accept" as const,
  reason: "read again on the spot",
  by: "anna",
  recordedAt: "2026-11-03T09:12:00.000Z",
};

const description = `What is accepted counts before all others of its instant, also a value that another one stands in
the place of. The months that it touches are evaluated again, and their revisions name the reason. A later verdict takes
the place of an earlier one.`;

/** An operator decides of a reading that the rules doubt, or do not. */
export function verdictRoutes(app: Api, { ports }: ApiContext): void {
  const schema = {
    tags: ["operation"],
    summary: "Accept or reject a reading",
    description,
    params: z.strictObject({ id }),
    querystring: z.strictObject({}),
    body: verdictSchema,
    response: answers("The verdict is in the log", judgedSchema, example, [
      "json_invalid",
      "reading_unknown",
      "store_damaged",
    ]),
  };
  app.post("/v1/readings/:id/verdict", { schema }, async (request) => {
    const { verdict, reason } = request.body;
    const by = callerName(request);
    const judged = await judgeReading(ports, request.params.id, { verdict, reason, by });
    return { id: judged.id, verdict, reason, by, recordedAt: formatInstantMs(judged.recordedAtMs) };
  });
}
