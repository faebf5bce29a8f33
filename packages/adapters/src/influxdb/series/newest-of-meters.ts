import { anyOf, type QueryParameters, query } from "../client/influx-query.ts";
import type { SlotRoutes } from "../points/slot-routes.ts";

const metersPerQuery = 200;

/**
 * The newest instant of each meter: the last point of its series, for which InfluxDB reads one block. Late readings
 * never lie behind the newest point of `reading`. It may be of a batch that is being taken in.
 */
export async function newestOfMeters(
  routes: SlotRoutes,
  meterIds: readonly string[],
  signal: AbortSignal,
): Promise<(number | undefined)[]> {
  const found = new Map<string, number>();
  for (const [connection, theirs] of routes.byServer([...new Set(meterIds)], (meterId) => meterId)) {
    for (let first = 0; first < theirs.length; first += metersPerQuery) {
      const parameters: QueryParameters = {};
      const where = anyOf("m", theirs.slice(first, first + metersPerQuery), parameters);
      const text = `SELECT p FROM reading WHERE ${where} GROUP BY k, m ORDER BY time DESC LIMIT 1`;
      for (const { tags, values } of await query(connection, { text, parameters }, signal)) {
        const at = values[0]?.[0];
        if (typeof at === "number") found.set(tags?.["m"] ?? "", at);
      }
    }
  }
  return meterIds.map((meterId) => found.get(meterId));
}
