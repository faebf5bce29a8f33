import { getHeapStatistics } from "node:v8";
import { MessageChannel, type MessagePort } from "node:worker_threads";
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
import { measuredThreadNames } from "./thread-names.ts";
import { untilReady } from "./until-ready.ts";

/**
 * The whole of Meterbook in one process on embedded adapters: ingest, aggregator and api, each in a thread of its own,
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

/** What the aggregator refuses is written where the door's refusals are. */
const { port1, port2 } = new MessageChannel();
const refusalsOf = new Map<string, MessagePort>([
  ["ingest", port1],
  ["aggregator", port2],
]);

/** What a thread has by itself; `--max-old-space-size` counts. */
const v8HeapMb = Math.floor(getHeapStatistics().heap_size_limit / 2 ** 20);

function startService(name: (typeof measuredThreadNames)[number]): Promise<ServiceThread> {
  const module = new URL(`./${name}-thread.ts`, import.meta.url);
  const refusals = refusalsOf.get(name);
  if (refusals === undefined) return startThread(module, settings, { name });
  const options = { name, transferList: [refusals] };
  if (name !== "aggregator") return startThread(module, { settings, refusals }, options);
  const maxOldGenerationSizeMb = Math.max(v8HeapMb, Math.floor(rememberingHeapBytes(machineBytes()) / 2 ** 20));
  const resourceLimits = { maxOldGenerationSizeMb };
  return startThread(module, { settings, refusals }, { ...options, resourceLimits });
}

await runService(
  async (own) => {
    own(lockDataDirectory(settings.dataDir));
    prepareDataDirectory(settings.dataDir);
    own(keepMarks(settings.dataDir, systemClock));
    const [aggregator, api, ingest, scrub] = await Promise.all(measuredThreadNames.map((name) => startService(name)));
    // Things close newest first: what is downstream ends last, so nothing is cut off.
    for (const thread of [scrub, aggregator, api, ingest]) if (thread !== undefined) own(thread, thread.name);
    const addresses = { mqttUrl: mqttUrlOf(settings, String(ingest?.address)), httpUrl: `http://${api?.address}` };
    await untilReady(addresses.httpUrl, log);
    console.log(`meterbook ready ${addresses.mqttUrl} ${addresses.httpUrl} data ${settings.dataDir}`);
    if (values.fleet) own(await startDemonstrationFleet({ ...addresses, settings, log, say: console.log }));
  },
  { log, settings },
);
