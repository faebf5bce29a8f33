import { loadavg } from "node:os";
import { startCluster } from "../support/processes/meterbook-cluster.ts";
import type { ServiceProcess } from "../support/processes/service-process.ts";
import type { Figure } from "./bench-table.ts";
import { onFreshServers } from "./fresh-servers.ts";
import { runLoad } from "./load/load-process.ts";
import { loadRegisters } from "./load/raw-load-formula.ts";
import { appliedOnServers } from "./scale/scale-run.ts";
import { expectAll } from "./throughput.bench.ts";

/** How many readings an aggregator had applied, and when it said so. */
interface Sample {
  readonly atMs: number;
  readonly readings: number;
}

export interface RebalanceOptions {
  /** Of each of the two aggregators: so many are taken over. */
  readonly meters: number;
  readonly beforeSeconds: number;
  readonly afterSeconds: number;
}

const everyMs = 250;
/** Over which a rate is taken: what is fetched comes in large pieces. */
const windowMs = 5000;

/**
 * Two aggregators share a fleet that reports as fast as it is acknowledged. One is stopped, and the other takes its
 * meters over: after how long does it apply, and go on to apply, at four fifths of the rate that it had before?
 */
export function measureRebalance(options: RebalanceOptions): Promise<{ figures: Figure[]; runs: unknown }> {
  return onFreshServers(async (servers) => {
    const settings = { METERBOOK_SETTLE_SECONDS: "86400", METERBOOK_TIME_ZONE: "UTC" };
    const some = { ingests: 1, aggregators: 2, apis: 1 };
    const cluster = await startCluster({ kafka: servers.kafka, influx: [servers.influx], settings, ...some });
    try {
      const [[ingest], [stays, goes]] = [cluster.ingests, cluster.aggregators];
      if (ingest === undefined || stays === undefined || goes === undefined) throw new Error("a process is missing");
      const meters = 2 * options.meters;
      const startAt = (Math.floor(Date.now() / 86_400_000) - 3) * 86_400;
      const port = Number(new URL(ingest.mqttUrl).port);
      const load = { connections: 16, window: 500, readingsPerMessage: "1", rate: 0, port, meters, startAt };
      const first = await runLoad({ ...load, messages: meters });
      await appliedOnServers(cluster);
      // Enough for all the time, should it go faster then.
      const messages = Math.ceil((2 * first.acked * (options.beforeSeconds + options.afterSeconds)) / first.seconds);
      const loading = runLoad({ ...load, messages, firstRound: 1 });
      const samples = await samplesAround(stays, goes, options);
      await loading;
      await appliedOnServers(cluster);
      await expectAll(cluster, (meters + messages) * loadRegisters.length);
      return { figures: figuresOf(samples, options), runs: samples };
    } finally {
      await cluster.dispose();
    }
  });
}

interface Samples {
  readonly before: readonly Sample[];
  /** From when the other was told to stop. */
  readonly after: readonly Sample[];
}

async function samplesAround(stays: ServiceProcess, goes: ServiceProcess, options: RebalanceOptions): Promise<Samples> {
  await sampled(stays, windowMs / 1000);
  const before = await sampled(stays, options.beforeSeconds);
  const stopping = goes.stop();
  const after = await sampled(stays, options.afterSeconds);
  await stopping;
  return { before, after };
}

async function sampled(aggregator: ServiceProcess, seconds: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  const endMs = performance.now() + seconds * 1000;
  do {
    const response = await fetch(`${aggregator.httpUrl}/metrics`);
    samples.push({ atMs: performance.now(), readings: appliedIn(await response.text()) });
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  } while (performance.now() < endMs);
  return samples;
}

function appliedIn(metrics: string): number {
  const counts = metrics.matchAll(/^meterbook_readings_applied_total\{[^}]*\} (\S+)$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

function rateBetween(from: Sample, to: Sample): number {
  return ((to.readings - from.readings) * 1000) / (to.atMs - from.atMs);
}

/** When the last window ends in which it was slower than that, in seconds after the first sample. */
export function slowUntil(samples: readonly Sample[], rate: number): number {
  const [start] = samples;
  let last = start?.atMs ?? 0;
  for (const from of samples) {
    const to = samples.find(({ atMs }) => atMs >= from.atMs + windowMs);
    if (to !== undefined && rateBetween(from, to) < rate) last = to.atMs;
  }
  return (last - (start?.atMs ?? 0)) / 1000;
}

function figuresOf({ before, after }: Samples, { meters }: RebalanceOptions): Figure[] {
  const ends = (samples: readonly Sample[]) => [samples[0] as Sample, samples.at(-1) as Sample] as const;
  const rate = rateBetween(...ends(before));
  const later = after.filter(
    ({ atMs }) => atMs >= (after[0] as Sample).atMs + (ends(after)[1].atMs - (after[0] as Sample).atMs) / 2,
  );
  const note = `${meters} meters taken over, ${meters} before; load average ${loadavg()[0]?.toFixed(1)}`;
  return [
    {
      name: "rebalance: slower than 4/5 until",
      value: slowUntil(after, 0.8 * rate),
      unit: "s",
      bar: { atMost: 15 },
      note,
    },
    {
      name: "rebalance: the same before",
      value: slowUntil(before, 0.8 * rate),
      unit: "s",
      note: "what else runs on the machine: above 0 the figure above says little",
    },
    { name: "rebalance: applied before", value: rate, unit: "readings/s", note: "by the one that stays" },
    {
      name: "rebalance: applied in the second half after",
      value: rateBetween(...ends(later)),
      unit: "readings/s",
      bar: { atLeast: 0.8 * rate },
    },
  ];
}
