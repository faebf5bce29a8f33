import { slotCount, slotOf } from "@meterbook/sharding/slot";
import { rangeProblems, slotDigits } from "@meterbook/sharding/slot-ranges";
import type { InfluxConnection, InfluxOptions } from "../client/influx-connection.ts";
import { influxConnection } from "../client/influx-connection.ts";

/**
 * Which server holds what: a meter's points where its slot is, a partition's progress where the slot of its number is.
 */
export interface SlotRoutes {
  readonly connections: readonly InfluxConnection[];
  /** Index into `connections`. */
  serverOf(slot: number): number;
  serverOfMeter(meterId: string): number;
  /** The things of which `meterOf` names the meter, by server. */
  byServer<Thing>(things: readonly Thing[], meterOf: (thing: Thing) => string): ReadonlyMap<InfluxConnection, Thing[]>;
  close(): void;
}

/** @throws where the ranges do not hold each slot exactly once. */
export function slotRoutes(options: InfluxOptions): SlotRoutes {
  const problems = rangeProblems(options.servers);
  if (problems.length > 0) throw new Error(`METERBOOK_INFLUX_URL: ${problems.join("; ")}`);
  const connections = options.servers.map((server) => influxConnection(server, options));
  const servers = Array.from({ length: slotCount }, (_, slot) =>
    options.servers.findIndex(({ first, last }) => first <= slot && slot <= last),
  );
  const serverOf = (slot: number): number => servers[slot] ?? -1;
  const serverOfMeter = (meterId: string): number => serverOf(slotOf(meterId));
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

/** The tag `k` of each slot. */
export const slotTags: readonly string[] = Array.from({ length: slotCount }, (_, slot) => slotDigits(slot));
