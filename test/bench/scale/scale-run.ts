import type { Status } from "../../support/network/api-client.ts";
import { type MeterbookCluster, startCluster } from "../../support/processes/meterbook-cluster.ts";
import { cpuFromNow, cpuSecondsOf, ofEach, peaksOf } from "../../support/processes/process-usage.ts";
import { type FreshServers, onFreshServers } from "../fresh-servers.ts";
import { runLoad } from "../load/load-process.ts";
import { loadMeterId, loadRegisters, loadStepSeconds } from "../load/raw-load-formula.ts";
import { measureExport } from "../month-close.bench.ts";
import { expectAll } from "../throughput.bench.ts";
import { askable, liveBytesOf } from "./live-memory.ts";

/** One size of fleet on fresh servers, with one process of each service. */
export interface ScaleRun {
  readonly meters: number;
  /** Master data of all meters over the API. */
  readonly importSeconds: number;
  /** The first two readings of each register of each meter, which makes it known everywhere. */
  readonly firstSeconds: number;
  readonly messagesPerSecond: number;
  /** CPU of each process in microseconds a message, of meters that are known. */
  readonly cpu: Readonly<Record<string, number>>;
  /** What the fleet added to what each process of ours holds, in bytes a meter. */
  readonly liveBytesPerMeter: Readonly<Record<string, number>>;
  readonly peakBytes: Readonly<Record<string, number>>;
  readonly closeSeconds: number;
  /** CPU of the aggregator over it. */
  readonly closeCpuSeconds: number;
  readonly exportRowsPerSecond: number;
}

const load = { connections: 16, window: 500, readingsPerMessage: "1", rate: 0 };

/** @param meters a multiple of 16 */
export function runScale(meters: number, messages: number): Promise<ScaleRun> {
  return onFreshServers(async (servers) => {
    const settings = { ...askable, METERBOOK_SETTLE_SECONDS: "86400", METERBOOK_TIME_ZONE: "UTC" };
    const one = { ingests: 1, aggregators: 1, apis: 1 };
    const cluster = await startCluster({ kafka: servers.kafka, influx: [servers.influx], settings, ...one });
    try {
      return await measured(cluster, servers, meters, messages);
    } finally {
      await cluster.dispose();
    }
  });
}

async function measured(
  cluster: MeterbookCluster,
  servers: FreshServers,
  meters: number,
  messages: number,
): Promise<ScaleRun> {
  const [[ingest], [aggregator], [api]] = [cluster.ingests, cluster.aggregators, cluster.apis];
  if (ingest === undefined || aggregator === undefined || api === undefined) throw new Error("a process is missing");
  const ours = { ingest, aggregator, api };
  const all = { ...ours, ...servers };
  const now = new Date();
  const boundary = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1) / 1000;
  const port = Number(new URL(ingest.mqttUrl).port);

  const liveBefore = await liveBytes(ours);
  const importSeconds = await secondsOf(() => importMeters(cluster, meters));
  const firstSeconds = await secondsOf(async () => {
    await runLoad({ ...load, port, meters, messages: 2 * meters, startAt: boundary - loadStepSeconds });
    await appliedOnServers(cluster);
  });
  const cpuUsed = cpuFromNow(all);
  const seconds = await secondsOf(async () => {
    await runLoad({ ...load, port, meters, messages, startAt: boundary - loadStepSeconds, firstRound: 2 });
    await appliedOnServers(cluster);
  });
  const cpu = ofEach(cpuUsed(), (used) => (used / messages) * 1e6);
  await expectAll(cluster, (2 * meters + messages) * loadRegisters.length);
  const closed = await close(cluster, aggregator.pid, new Date((boundary - 86_400) * 1000), meters);
  // Last: a full collection holds a process up for seconds, for which the group would give its partitions to another.
  const liveAfter = await liveBytes(ours);
  return {
    meters,
    importSeconds,
    firstSeconds,
    messagesPerSecond: messages / seconds,
    cpu,
    liveBytesPerMeter: ofEach(liveAfter, (value, name) => (value - (liveBefore[name] ?? 0)) / meters),
    ...closed,
    peakBytes: peaksOf(all),
  };
}

/** Asked more seldom than elsewhere: on servers every answer costs them something. */
export async function appliedOnServers(cluster: MeterbookCluster): Promise<Status> {
  for (;;) {
    const status = await cluster.get<Status>("/v1/status");
    if (status.inFlight === 0) return status;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

const metersPerImport = 20_000;

async function importMeters(cluster: MeterbookCluster, meters: number): Promise<void> {
  const registers = loadRegisters.map((register) => ({ register, unit: "Wh", digits: 6 }));
  for (let first = 0; first < meters; first += metersPerImport) {
    const numbers = Array.from({ length: Math.min(metersPerImport, meters - first) }, (_, i) => first + i);
    const lines = numbers.map((number) => {
      const meterId = loadMeterId(number);
      return `${JSON.stringify({ meterId, usagePointId: `up-${number}`, zone: "UTC", stepSeconds: 900, registers })}\n`;
    });
    const headers = { "content-type": "application/x-ndjson" };
    const answer = await cluster.request("/v1/meters:import", { method: "POST", headers, body: lines.join("") });
    const { stored } = (await answer.json()) as { stored?: number };
    if (stored !== numbers.length) throw new Error(`${stored} of ${numbers.length} meters were stored`);
  }
}

async function close(cluster: MeterbookCluster, aggregatorPid: number, within: Date, meters: number) {
  const period = within.toISOString().slice(0, 7);
  const cpuBefore = cpuSecondsOf(aggregatorPid);
  let issued = 0;
  const closeSeconds = await secondsOf(async () => {
    const asked = { method: "POST", headers: { prefer: "wait=600" } };
    const answer = await cluster.request(`/v1/periods/${period}/close`, asked);
    const body = (await answer.json()) as { result?: { issued: number } | null };
    if (!answer.ok) throw new Error(`close: ${answer.status} ${JSON.stringify(body)}`);
    issued = body.result?.issued ?? 0;
  });
  const closeCpuSeconds = cpuSecondsOf(aggregatorPid) - cpuBefore;
  if (issued !== meters) throw new Error(`${issued} of ${meters} meters were closed`);
  const registers = meters * loadRegisters.length;
  const { value } = await measureExport(`${cluster.httpUrl}/v1/snapshots?period=${period}`, registers);
  return { closeSeconds, closeCpuSeconds, exportRowsPerSecond: value };
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

async function liveBytes(processes: Readonly<Record<string, Parameters<typeof liveBytesOf>[0]>>) {
  const found = Object.entries(processes).map(async ([name, one]) => [name, await liveBytesOf(one)] as const);
  return Object.fromEntries(await Promise.all(found));
}
