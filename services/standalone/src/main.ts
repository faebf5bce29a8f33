import { availableParallelism } from "node:os";
import { getHeapStatistics } from "node:v8";
import { MessageChannel } from "node:worker_threads";
import { lockDataDirectory, prepareDataDirectory } from "@meterbook/adapters/embedded/directory/data-directory";
import { keepMarks } from "@meterbook/adapters/embedded/directory/keep-marks";
import { systemClock } from "@meterbook/core/ports/clock";
import { optionsOrExit } from "@meterbook/runtime/process/command-options";
import { runService } from "@meterbook/runtime/process/run-service";
import { type ServiceThread, startThread } from "@meterbook/runtime/process/service-thread";
import { settingsOrExit } from "@meterbook/runtime/settings/load-settings";
import { machineBytes, rememberingHeapBytes } from "@meterbook/runtime/settings/memory-share";
import { mqttUrlOf } from "@meterbook/runtime/settings/mqtt-settings";
import { decidedFormat, openLogger } from "@meterbook/runtime/telemetry/telemetry";
import { startDemonstrationFleet } from "./demonstration/demonstration-fleet.ts";
import { aggregatorName, type RunningSettings } from "./thread-names.ts";
import { untilReady } from "./until-ready.ts";

/**
 * The whole of Meterbook in one process on embedded adapters: ingest, aggregators and api, each in a thread of its own,
 * joined by the files of the data directory. `--fleet` adds a small simulated fleet, so that there is something to see.
 */
const { values } = optionsOrExit({
  usage: `npm start                 everything in one process, with a small simulated fleet
npm run standalone        the same without the fleet

Settings are environment variables METERBOOK_* or a .env file (docs/operations.md).`,
  options: { fleet: { type: "boolean", default: false } },
});
const given = settingsOrExit();
const settings = { ...given, logFormat: decidedFormat(given.logFormat, process.stderr.isTTY === true) };
const log = openLogger({ name: "standalone", level: settings.logLevel, format: settings.logFormat });

/** What a thread has by itself; `--max-old-space-size` counts. */
const v8HeapMb = Math.floor(getHeapStatistics().heap_size_limit / 2 ** 20);

const moduleOf = (service: string) => new URL(`./${service}-thread.ts`, import.meta.url);

/** Ingest, and the aggregators: what they refuse is written where the door's refusals are. */
function startAggregating(running: RunningSettings): Promise<readonly ServiceThread[]> {
  const channels = Array.from({ length: running.aggregators }, () => new MessageChannel());
  const heapMb = Math.floor(rememberingHeapBytes(machineBytes()) / 2 ** 20 / running.aggregators);
  const resourceLimits = { maxOldGenerationSizeMb: Math.max(v8HeapMb, heapMb) };
  const aggregators = channels.map(({ port2 }, index) => {
    const options = { name: aggregatorName(index), transferList: [port2], resourceLimits };
    return startThread(moduleOf("aggregator"), { settings: running, index, refusals: port2 }, options);
  });
  const ports = channels.map(({ port1 }) => port1);
  const ingest = startThread(
    moduleOf("ingest"),
    { settings: running, refusals: ports },
    { name: "ingest", transferList: ports },
  );
  return Promise.all([ingest, ...aggregators]);
}

await runService(
  async (own) => {
    own(lockDataDirectory(settings.dataDir));
    const shards = prepareDataDirectory(settings.dataDir, settings.shards);
    const running = { ...settings, shards, aggregators: Math.min(shards, availableParallelism()) };
    own(keepMarks(settings.dataDir, systemClock));
    const [[ingest, ...aggregators], api, scrub] = await Promise.all([
      startAggregating(running),
      startThread(moduleOf("api"), running, { name: "api" }),
      startThread(moduleOf("scrub"), running, { name: "scrub" }),
    ]);
    // Things close newest first: what is downstream ends last, so nothing is cut off.
    for (const thread of [scrub, ...aggregators, api, ingest]) if (thread !== undefined) own(thread, thread.name);
    const addresses = { mqttUrl: mqttUrlOf(settings, String(ingest?.address)), httpUrl: `http://${api.address}` };
    await untilReady(addresses.httpUrl, log);
    console.log(`meterbook ready ${addresses.mqttUrl} ${addresses.httpUrl} data ${settings.dataDir}`);
    if (values.fleet) own(await startDemonstrationFleet({ ...addresses, settings, log, say: console.log }));
  },
  { log, settings },
);
