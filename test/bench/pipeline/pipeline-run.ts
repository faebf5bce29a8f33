import { cpuFromNow, ofEach, peaksOf } from "../../support/processes/process-usage.ts";
import { type FreshServers, onFreshServers } from "../fresh-servers.ts";
import { latencyProbe } from "../load/latency-probe.ts";
import { runLoad } from "../load/load-process.ts";
import { loadBatch, loadMeterId, loadStepSeconds, loadValue } from "../load/raw-load-formula.ts";
import type { BenchedProcess, Pipeline, RunningPipeline } from "./pipeline.ts";

export interface RunOptions {
  readonly messages: number;
  /** A multiple of 16. */
  readonly meters: number;
  /** A multiple of `meters`, so that all series are there. */
  readonly warmMessages: number;
  /** Messages a second; 0 = as fast as they are acknowledged. */
  readonly rate: number;
  readonly probe?: "queryable" | undefined;
  /** Killed in the middle and started again a second later. */
  readonly victim?: string | undefined;
}

/** One run on fresh servers. CPU in microseconds a message, memory in bytes at its peak, times in milliseconds. */
export interface RunResult {
  readonly pipeline: string;
  readonly options: RunOptions;
  readonly messagesPerSecond: number;
  /** Acknowledged and not in InfluxDB at the end. */
  readonly lost: number;
  readonly cpu: Readonly<Record<string, number>>;
  readonly bridgeCpu: number;
  readonly allCpu: number;
  readonly peakBytes: Readonly<Record<string, number>>;
  readonly queryableMs?: { readonly p50: number; readonly p99: number; readonly max: number };
}

const connections = 16;
const window = 500;
/** So long may nothing come in before what is missing is called lost. */
const stallMs = 20_000;

export function runPipeline(pipeline: Pipeline, options: RunOptions): Promise<RunResult> {
  return onFreshServers(async (servers) => {
    const running = await pipeline.start(servers);
    try {
      return await measured(pipeline, running, servers, options);
    } finally {
      await running.dispose();
    }
  });
}

async function measured(
  pipeline: Pipeline,
  running: RunningPipeline,
  servers: FreshServers,
  options: RunOptions,
): Promise<RunResult> {
  const { messages, warmMessages, meters, rate } = options;
  const instants = pipeline.load === "32" || pipeline.load === "peer-line-32" ? loadBatch : 1;
  const startAt = (Math.floor(Date.now() / 604_800_000) - 1) * 604_800 + 86_400;
  const firstRound = warmMessages / meters;
  const load = { port: running.port, meters, connections, window, readingsPerMessage: pipeline.load };
  const stored = () => countOf(servers, running);
  await runLoad({ ...load, messages: warmMessages, rate: 0, startAt });
  await arrived(stored, warmMessages * instants);

  const processes: Record<string, BenchedProcess> = { ...running.front, ...running.bridge, ...servers };
  const cpuUsed = cpuFromNow(processes);
  const begun = Promise.withResolvers<number>();
  const loading = runLoad({ ...load, messages, rate, startAt, firstRound }, () => begun.resolve(performance.now()));
  const startedMs = await begun.promise;
  const killing = options.victim === undefined ? undefined : killInTheMiddle(processes, options, startedMs);
  const probing =
    options.probe === undefined
      ? undefined
      : probe(servers, running, { startedMs, startAt: startAt + firstRound * loadStepSeconds, ...options });
  const result = await loading;
  await killing;
  const end = await arrived(stored, (warmMessages + messages) * instants);
  const count = options.victim === undefined ? end.count : await distinctOf(servers, running, startAt);
  const used = options.victim === undefined ? ofEach(cpuUsed(), (seconds) => (seconds / messages) * 1e6) : {};
  const queryableMs = await probing;
  return {
    pipeline: pipeline.name,
    options,
    messagesPerSecond: messages / ((end.atMs - startedMs) / 1000),
    lost: Math.max(0, Math.ceil(((warmMessages + result.acked) * instants - count) / instants)),
    cpu: used,
    bridgeCpu: sum(Object.keys(running.bridge).map((name) => used[name] ?? 0)),
    allCpu: sum(Object.values(used)),
    peakBytes: peaksOf(processes),
    ...(queryableMs === undefined ? {} : { queryableMs }),
  };
}

async function rows({ influx }: FreshServers, q: string): Promise<unknown[][]> {
  const form = new URLSearchParams({ db: influx.bucket, epoch: "s", q });
  const answer = await fetch(`${influx.url}/query?${form}`, { headers: { authorization: `Token ${influx.token}` } });
  const { results = [] } = (await answer.json()) as { results?: { series?: { values: unknown[][] }[] }[] };
  return results[0]?.series?.[0]?.values ?? [];
}

async function countOf(servers: FreshServers, { countQueries }: RunningPipeline): Promise<number> {
  const counts = await Promise.all(countQueries.map(async (query) => (await rows(servers, query))[0]?.[1] ?? 0));
  return sum(counts.map(Number));
}

/** Instants of meters that are stored with the value that was sent, each once. Throws where a value is another. */
async function distinctOf(servers: FreshServers, { rowQueries }: RunningPipeline, startAt: number) {
  const found = new Set<string>();
  for (const query of rowQueries) {
    for (const [at, meterId, value] of (await rows(servers, query)) as [number, string, number][]) {
      const sent = loadValue(Number(meterId.slice(1)), 0, (at - startAt) / loadStepSeconds);
      if (value !== sent) throw new Error(`${meterId} at ${at} is ${value} and not ${sent}`);
      found.add(`${meterId} ${at}`);
    }
  }
  return found.size;
}

/** Counting costs the server as much as it holds, so it is asked more seldom than it could be. */
async function arrived(stored: () => Promise<number>, wanted: number): Promise<{ count: number; atMs: number }> {
  let last = { count: -1, atMs: performance.now() };
  for (;;) {
    const count = await stored();
    if (count !== last.count) last = { count, atMs: performance.now() };
    if (count >= wanted || performance.now() - last.atMs > stallMs) return last;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

async function killInTheMiddle(
  processes: Readonly<Record<string, BenchedProcess>>,
  { victim = "", messages, rate }: RunOptions,
  startedMs: number,
): Promise<void> {
  const inMs = startedMs + (messages / rate / 3) * 1000 - performance.now();
  await new Promise((resolve) => setTimeout(resolve, inMs));
  await processes[victim]?.kill();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await processes[victim]?.start();
}

/** In step with nothing that the pipelines do. */
const probeEveryMs = 257;
const pollMs = 10;

/**
 * From when a message was due until it can be queried. Of one connection, whose messages follow each other in a known
 * order.
 */
async function probe(
  servers: FreshServers,
  running: RunningPipeline,
  { startedMs, startAt, messages, meters, rate }: RunOptions & { startedMs: number; startAt: number },
) {
  const samples = latencyProbe(10_000);
  const laneEveryMs = (connections / rate) * 1000;
  const lastMs = startedMs + (messages / rate) * 1000 - 1000;
  for (let next = startedMs + 2000; next < lastMs; next += probeEveryMs) {
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())));
    const index = Math.ceil((performance.now() - startedMs) / laneEveryMs);
    const perLane = meters / connections;
    const meterId = loadMeterId((index % perLane) * connections);
    const query = running.probeQuery(meterId, startAt + Math.floor(index / perLane) * loadStepSeconds);
    while ((await rows(servers, query)).length === 0) {
      if (performance.now() > lastMs + stallMs) throw new Error(`${meterId} never came: ${query}`);
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
    samples.add(performance.now() - startedMs - (index + 1) * laneEveryMs);
  }
  const { p50, p99, max } = samples.summary();
  return { p50, p99, max };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
