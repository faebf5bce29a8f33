import { z } from "zod";
import type { Api, ApiContext } from "../api-context.ts";
import { answers } from "../documented.ts";
import { readStatus } from "../read-status.ts";

const count = z.int().min(0);

export const statusSchema = z
  .strictObject({
    received: count.meta({ description: "Readings that came; a message refused whole counts as one" }),
    stored: count,
    duplicates: count,
    conflicts: count,
    rejected: count.meta({ description: "Refused and not yet replayed" }),
    inFlight: count.meta({ description: "Received and not yet in one of the other four" }),
    lagSeconds: z
      .number()
      .min(0)
      .meta({ description: "Age of the oldest report that is not yet applied; 0 when none waits" }),
    snapshotsPending: count.meta({ description: "Meters whose snapshots wait to be recomputed" }),
    settled: z.boolean().meta({ description: "Nothing is in flight and no snapshot waits" }),
  })
  .meta({ id: "Status" });

const example = {
  received: 1203,
  stored: 1180,
  duplicates: 20,
  conflicts: 1,
  rejected: 2,
  inFlight: 0,
  lagSeconds: 0,
  snapshotsPending: 0,
  settled: true,
};

export function statusRoutes(app: Api, { ports }: ApiContext): void {
  const schema = {
    tags: ["operation"],
    summary: "Where every reading is",
    querystring: z.strictObject({}),
    response: answers("Counts of readings since the store was made", statusSchema, example),
  };
  app.get("/v1/status", { schema }, async () => readStatus(ports));
}
