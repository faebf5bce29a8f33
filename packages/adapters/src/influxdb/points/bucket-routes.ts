import { bucketCount, bucketOf } from "@meterbook/sharding/bucket";
import { bucketDigits, rangeProblems } from "@meterbook/sharding/bucket-ranges";
import type { InfluxConnection, InfluxOptions } from "../client/influx-connection.ts";
import { influxConnection } from "../client/influx-connection.ts";

/** Which server holds what: a meter's points where its bucket is, a partition's progress where the bucket of its number is. */
export interface BucketRoutes {
  readonly connections: readonly InfluxConnection[];
  /** Index into `connections`. */
  serverOf(bucket: number): number;
  serverOfMeter(meterId: string): number;
  /** The things of which `meterOf` names the meter, by server. */
  byServer<Thing>(things: readonly Thing[], meterOf: (thing: Thing) => string): ReadonlyMap<InfluxConnection, Thing[]>;
  close(): void;
}

/** @throws where the ranges do not hold each bucket exactly once. */
export function bucketRoutes(options: InfluxOptions): BucketRoutes {
  const problems = rangeProblems(options.servers);
  if (problems.length > 0) throw new Error(`METERBOOK_INFLUX_URL: ${problems.join("; ")}`);
  const connections = options.servers.map((server) => influxConnection(server, options));
  const servers = Array.from({ length: bucketCount }, (_, bucket) =>
    options.servers.findIndex(({ first, last }) => first <= bucket && bucket <= last),
  );
  const serverOf = (bucket: number): number => servers[bucket] ?? -1;
  const serverOfMeter = (meterId: string): number => serverOf(bucketOf(meterId));
  return {
    connections,
    serverOf,
    serverOfMeter,
    byServer: (things, meterOf) =>
      Map.groupBy(things, (thing) => connections[serverOfMeter(meterOf(thing))] as InfluxConnection),
    close() {
      for (const connection of connections) connection.close();
    },
  };
}

/** The tag `k` of each bucket. */
export const bucketTags: readonly string[] = Array.from({ length: bucketCount }, (_, bucket) => bucketDigits(bucket));
