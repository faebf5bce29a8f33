import { mkdir } from "node:fs/promises";
import { parseArgs } from "node:util";
import { lockDataDirectory } from "@meterbook/adapters/embedded/data-directory";
import { settingsOrExit } from "@meterbook/runtime/load-settings";
import { runService } from "@meterbook/runtime/run-service";
import { startThread } from "@meterbook/runtime/service-thread";
import { openLogger } from "@meterbook/runtime/telemetry";
import { startDemonstrationFleet } from "./demonstration-fleet.ts";
import { untilReady } from "./until-ready.ts";

/**
 * The whole of Meterbook in one process on embedded adapters: ingest, aggregator and api, each in a thread of its own,
 * joined by the files of the data directory. `--fleet` adds a small simulated fleet, so that there is something to see.
 */
const { values } = parseArgs({ options: { fleet: { type: "boolean", default: false } } });
const settings = settingsOrExit();
const log = openLogger({ name: "standalone", level: settings.logLevel, format: settings.logFormat });

await runService(
  async (own) => {
    await mkdir(settings.dataDir, { recursive: true });
    own(lockDataDirectory(settings.dataDir));
    // What is downstream starts first and, because things close newest first, ends last: nothing is cut off.
    own(await startThread(new URL("./aggregator-thread.ts", import.meta.url), settings, { name: "aggregator" }));
    const api = own(await startThread(new URL("./api-thread.ts", import.meta.url), settings, { name: "api" }));
    const ingest = own(await startThread(new URL("./ingest-thread.ts", import.meta.url), settings, { name: "ingest" }));
    const addresses = { mqttUrl: `mqtt://${ingest.address}`, httpUrl: `http://${api.address}` };
    await untilReady(addresses.httpUrl, log);
    console.log(`meterbook ready ${addresses.mqttUrl} ${addresses.httpUrl} data ${settings.dataDir}`);
    if (values.fleet) own(await startDemonstrationFleet({ ...addresses, settings, log, say: console.log }));
  },
  { log, settings },
);
