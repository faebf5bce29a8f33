import {
  openInfluxGroupSums,
  openInfluxGroupSumsReader,
} from "@meterbook/adapters/influxdb/group-sums/influxdb-group-sums";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import type { InfluxServer } from "../support/servers/influx-server.ts";
import { influxServer } from "../support/servers/servers.ts";
import { aGroupDay, groupSumsContract } from "./group-sums.contract.ts";

const server = (await influxServer()) as InfluxServer;
afterAll(() => server?.dispose());

async function place() {
  const { url, token, org } = server;
  const bucket = await server.newBucket();
  const influx = { servers: [{ url, token, first: 0, last: 255 }], org, bucket };
  return { open: async () => ({ sums: openInfluxGroupSums(influx), reader: openInfluxGroupSumsReader(influx) }) };
}

describe.skipIf(server === undefined)("on InfluxDB", () => {
  groupSumsContract(place);

  test("an owner that was superseded writes no more", async () => {
    const { sums, reader } = await (await place()).open();
    onTestFinished(() => sums.close());
    onTestFinished(() => reader.close());
    const before = await sums.open(0, 1);
    await before.changed([{ from: 0, to: 0 }]);
    const after = await sums.open(0, 2);
    await after.put(0, [aGroupDay("fleet", 2)]);
    await expect(before.put(0, [aGroupDay("fleet", 1)])).rejects.toMatchObject({ code: "store_write_failed" });
    await expect(before.summed([])).rejects.toMatchObject({ code: "store_write_failed" });
    expect(await reader.pending({ from: 0, to: 0 })).toEqual([{ from: 0, to: 0 }]);
  });
});
