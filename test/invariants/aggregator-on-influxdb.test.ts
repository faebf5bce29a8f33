import { openInfluxSeriesReader } from "@meterbook/adapters/influxdb/series/influxdb-series-reader";
import { openInfluxSeriesStores } from "@meterbook/adapters/influxdb/series/influxdb-series-store";
import { afterAll, describe } from "vitest";
import { influxServer } from "../support/servers/servers.ts";
import type { OpenSeries } from "../support/worlds/aggregator-world.ts";
import { aggregatorInvariants } from "./aggregator.invariants.ts";
import { masterDataInvariants } from "./master-data.invariants.ts";

const server = await influxServer();
afterAll(() => server?.dispose());

describe.skipIf(server === undefined)("on a real InfluxDB", () => {
  aggregatorInvariants({ share: 0.2, newSeries });
  masterDataInvariants({ share: 0.2, newSeries });
});

async function newSeries(): Promise<OpenSeries | undefined> {
  if (server === undefined) return undefined;
  const { url, token, org } = server;
  const influx = { servers: [{ url, token, first: 0, last: 255 }], org, bucket: await server.newBucket() };
  return async () => ({
    stores: openInfluxSeriesStores({ ...influx, partitions: 1, refused }),
    reader: openInfluxSeriesReader(influx),
  });
}

async function refused(lines: readonly { readonly detail: string }[]): Promise<void> {
  throw new Error(`refused: ${JSON.stringify(lines)}`);
}
