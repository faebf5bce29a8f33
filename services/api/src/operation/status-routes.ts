import { z } from "zod";
import type { Api, ApiContext } from "../api-context.ts";
import { answers } from "../http/documentation/documented.ts";
import { readStatus } from "./read-status.ts";

const count = z.int().min(0);

export const statusSchema = z
  .strictObject({
    received: count.meta({
      description:
        "Readings that came, as counted at the door; a message refused whole counts as one. It is the sum of the next four and inFlight, but for what was lost since",
    }),
    stored: count,
    duplicates: count,
    conflicts: count,
    rejected: count.meta({ description: "Refused and not yet replayed" }),
    inFlight: count.meta({ description: "Received and not yet in one of the other four" }),
    lagSeconds: z
      .number()
      .min(0)
      .meta({ description: "Age of the oldest report that is not yet applied; 0 when none waits" }),
    lag: z
      .strictObject({
        records: count,
        partitions: z.array(z.strictObject({ partition: count, end: count, position: count, records: count })),
      })
      .meta({
        description:
          "Records of the readings log that are not in the store: its end minus the position, by partition, whoever owns it, and in sum",
      }),
    lost: z
      .strictObject({
        count: count.meta({ description: "Readings and records that are gone for good, over all places" }),
        unknown: count.meta({ description: "Open entries of GET /v1/damage of which nobody knows how much is lost" }),
        places: z.record(z.string(), count),
      })
      .meta({ description: "What GET /v1/damage lists as lost, acknowledged or not" }),
    snapshotsPending: count.meta({
      description: "Meters whose snapshots wait to be recomputed, and one for each partition that cannot tell yet",
    }),
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
  lag: { records: 0, partitions: [{ partition: 0, end: 17, position: 17, records: 0 }] },
  lost: { count: 0, unknown: 0, places: {} },
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
