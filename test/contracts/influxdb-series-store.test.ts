import { openInfluxSeriesReader } from "@meterbook/adapters/influxdb/influxdb-series-reader";
import { openInfluxSeriesStores } from "@meterbook/adapters/influxdb/influxdb-series-store";
import { afterAll, describe } from "vitest";
import { influxServer } from "../support/servers.ts";
import type { SeriesStoreUnderTest } from "./series-store.contract.ts";
import { seriesStoreContract } from "./series-store.contract.ts";

const server = await influxServer();
afterAll(() => server?.dispose());

describe.skipIf(server === undefined)("on one server", () => {
  seriesStoreContract(
    async (): Promise<SeriesStoreUnderTest> => {
      if (server === undefined) throw new Error("no server");
      const { url, token, org } = server;
      const bucket = await server.newBucket();
      const options = { servers: [{ url, token, first: 0, last: 255 }], org, bucket };
      let epoch = 0;
      return {
        async open() {
          epoch += 1;
          const stores = openInfluxSeriesStores({ ...options, partitions: 1, refused: refuseNothing });
          const store = await stores.open(0, epoch);
          return { store, reader: openInfluxSeriesReader(options) };
        },
        tidyLater: async (store) => void (await store.tidy(1)),
      };
    },
    { numRuns: 5 },
  );
});

async function refuseNothing(lines: readonly { line: string; detail: string }[]): Promise<void> {
  throw new Error(`refused: ${JSON.stringify(lines)}`);
}
