import type { DatabaseSync } from "node:sqlite";
import type { EntityKey } from "@meterbook/core/domain/registry/master-data-change";
import { checkOutage } from "@meterbook/core/records/registry/outage-protobuf";
import { checkUsagePoint } from "@meterbook/core/records/registry/usage-point-protobuf";
import { feederPlace, pointPlace } from "./registry-table.ts";

/** Notes whom an outage touches: the places that it names, and the points that a feeder supplies. */
export function outageReach(database: DatabaseSync): (entity: EntityKey, body: Uint8Array) => void {
  const reach = database.prepare("INSERT OR IGNORE INTO outage_at (place, outage_id) VALUES (?, ?)");
  const supply = database.prepare("INSERT OR IGNORE INTO supplied (feeder, usage_point_id) VALUES (?, ?)");
  return ({ kind, id }, body) => {
    if (kind === "outage") {
      const { usagePoints = [], feeder } = checkOutage(id, body).record ?? {};
      for (const point of usagePoints) reach.run(pointPlace(point), id);
      if (feeder !== undefined) reach.run(feederPlace(feeder), id);
    } else if (kind === "usage-point") {
      for (const { value } of checkUsagePoint(id, body).record?.feeder ?? []) supply.run(value, id);
    }
  };
}
