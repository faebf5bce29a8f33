import { startCluster } from "../support/processes/meterbook-cluster.ts";
import { startMeterbook } from "../support/processes/meterbook-process.ts";
import { cpuFromNow } from "../support/processes/process-usage.ts";
import { benchSettings } from "./bench-settings.ts";
import type { Figure } from "./bench-table.ts";
import { onFreshServers } from "./fresh-servers.ts";
import { runLoad } from "./load/load-process.ts";
import { applied, expectAll, portOf } from "./throughput.bench.ts";

/** What a start has left to do is done by then. */
const restMs = 20_000;

const fewMeters = { connections: 4, window: 50, readingsPerMessage: "1", rate: 0, meters: 400, messages: 1200 };

/** CPU of the one process on files, with some meters known and none that reports. */
export async function measureIdleStandalone(seconds: number): Promise<Figure[]> {
  const meterbook = await startMeterbook({ ...benchSettings(), METERBOOK_SETTLE_SECONDS: "1" });
  try {
    await runLoad({ ...fewMeters, port: portOf(meterbook), startAt: threeDaysAgo() });
    await applied(meterbook);
    await expectAll(meterbook, 3600);
    await new Promise((resolve) => setTimeout(resolve, Math.min(restMs, seconds * 1000)));
    const used = cpuFromNow({ standalone: meterbook });
    const started = performance.now();
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    const tookSeconds = (performance.now() - started) / 1000;
    const value = (100 * (used()["standalone"] ?? Number.NaN)) / tookSeconds;
    return [{ name: "idle: CPU of the one process", value, unit: "% of a core" }];
  } finally {
    await meterbook.dispose();
  }
}

function threeDaysAgo(): number {
  return (Math.floor(Date.now() / 86_400_000) - 3) * 86_400;
}

/** CPU of each process of ours on servers, with some meters known and none that reports. */
export function measureIdle(seconds: number): Promise<{ figures: Figure[]; runs: unknown }> {
  return onFreshServers(async (servers) => {
    const settings = { METERBOOK_SETTLE_SECONDS: "1", METERBOOK_TIME_ZONE: "UTC" };
    const one = { ingests: 1, aggregators: 1, apis: 1 };
    const cluster = await startCluster({ kafka: servers.kafka, influx: [servers.influx], settings, ...one });
    try {
      const [[ingest], [aggregator], [api]] = [cluster.ingests, cluster.aggregators, cluster.apis];
      if (ingest === undefined || aggregator === undefined || api === undefined)
        throw new Error("a process is missing");
      await runLoad({ ...fewMeters, port: Number(new URL(ingest.mqttUrl).port), startAt: threeDaysAgo() });
      await cluster.settled();
      await expectAll(cluster, 3600);
      await new Promise((resolve) => setTimeout(resolve, Math.min(restMs, seconds * 1000)));
      const used = cpuFromNow({ ingest, aggregator, api });
      const started = performance.now();
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      const tookSeconds = (performance.now() - started) / 1000;
      const figures = Object.entries(used()).map(
        ([name, cpuSeconds]): Figure => ({
          name: `idle: CPU of ${name}`,
          value: (100 * cpuSeconds) / tookSeconds,
          unit: "% of a core",
          bar: { atMost: 1 },
        }),
      );
      return { figures, runs: { seconds: tookSeconds } };
    } finally {
      await cluster.dispose();
    }
  });
}
