import { installedServers } from "../../../infra/servers/installed-servers.ts";
import type { Figure } from "../bench-table.ts";
import { meterbookPipeline } from "./meterbook-pipeline.ts";
import type { Pipeline } from "./pipeline.ts";
import { type RunOptions, type RunResult, runPipeline } from "./pipeline-run.ts";
import { telegrafPipeline } from "./telegraf-pipeline.ts";

export interface PipelineOptions {
  /** 1 = the whole; less makes every run shorter. */
  readonly share: number;
  /** Of each row, in the order ours, theirs, theirs, ours, … */
  readonly pairs: number;
  readonly rows: readonly PipelineRow[];
  /** Where our processes leave CPU profiles; what is measured then costs more. */
  readonly profileDirectory?: string | undefined;
}

export const pipelineRows = ["max", "paced", "queryable", "kills", "forms", "reports"] as const;
export type PipelineRow = (typeof pipelineRows)[number];

/** What the reference operator's 5.55 million meters send: one message each in a quarter of an hour. */
const fleetRate = 6167;
const killRate = 3000;

/** What is missing for it, and how to have it; undefined when all is there. */
export function pipelineMissing(): string | undefined {
  const { kafkaLibs, java, influxd, telegraf, mosquitto } = installedServers();
  const parts = {
    Kafka: kafkaLibs ?? "",
    Java: java ?? "",
    InfluxDB: influxd ?? "",
    Telegraf: telegraf ?? "",
    Mosquitto: mosquitto ?? "",
  };
  const missing = Object.entries(parts).flatMap(([name, found]) => (found === "" ? [name] : []));
  return missing.length === 0 ? undefined : `${missing.join(", ")} (npm run servers -- install all; docs/servers.md)`;
}

/** Meterbook and Telegraf side by side on the same servers and machine, in one run. Every run has fresh servers. */
export async function measurePipeline(options: PipelineOptions): Promise<{ figures: Figure[]; runs: RunResult[] }> {
  const missing = pipelineMissing();
  if (missing !== undefined) throw new Error(`the pipeline cannot be measured without ${missing}`);
  const bench = newBench(options);
  const figures: Figure[] = [];
  for (const row of options.rows) figures.push(...(await rowsOf[row](bench)));
  return { figures, runs: bench.runs };
}

interface Bench extends PipelineOptions {
  readonly runs: RunResult[];
  readonly own: Pipeline;
  readonly behind: Pipeline;
  run(pipeline: Pipeline, options: Partial<RunOptions> & { messages: number }): Promise<RunResult>;
  /** Ours against theirs in ABBA order. */
  pairsOf(ours: Pipeline, theirs: Pipeline, options: Partial<RunOptions> & { messages: number }): Promise<Pair[]>;
}

interface Pair {
  readonly ours: RunResult;
  readonly theirs: RunResult;
}

function newBench(options: PipelineOptions): Bench {
  const runs: RunResult[] = [];
  const { profileDirectory } = options;
  const bench: Bench = {
    ...options,
    runs,
    own: meterbookPipeline({ behind: "endpoint", profileDirectory }),
    behind: meterbookPipeline({ behind: "mosquitto", profileDirectory }),
    async run(pipeline, { messages, ...how }) {
      const scaled = Math.max(1000, Math.round(messages * options.share));
      const meters = 16 * Math.max(20, Math.round(3125 * options.share));
      const warm = { meters, warmMessages: 2 * meters };
      const result = await runPipeline(pipeline, { rate: 0, ...warm, ...how, messages: scaled });
      runs.push(result);
      console.log(lineOf(result));
      return result;
    },
    async pairsOf(ours, theirs, how) {
      const pairs: Pair[] = [];
      for (let pair = 0; pair < options.pairs; pair += 1) {
        const [first, second] = pair % 2 === 0 ? [ours, theirs] : [theirs, ours];
        const [a, b] = [await bench.run(first, how), await bench.run(second, how)];
        pairs.push(pair % 2 === 0 ? { ours: a, theirs: b } : { ours: b, theirs: a });
      }
      return pairs;
    },
  };
  return bench;
}

function lineOf({ pipeline, options, messagesPerSecond, bridgeCpu, allCpu, lost, queryableMs }: RunResult): string {
  const how = options.rate === 0 ? "at full speed" : `at ${options.rate}/s`;
  const killed = options.victim === undefined ? "" : `, ${options.victim} killed`;
  const seen = queryableMs === undefined ? "" : `, queryable after ${Math.round(queryableMs.p50)} ms (p50)`;
  return `  ${pipeline} ${how}${killed}: ${Math.round(messagesPerSecond)}/s, bridge ${bridgeCpu.toFixed(1)} us, all ${allCpu.toFixed(1)} us, lost ${lost}${seen}`;
}

const protobuf = telegrafPipeline("protobuf");

const rowsOf: Readonly<Record<PipelineRow, (bench: Bench) => Promise<Figure[]>>> = {
  async max(bench) {
    const pairs = await bench.pairsOf(bench.own, protobuf, { messages: 500_000 });
    const second = await bench.run(bench.behind, { messages: 500_000 });
    return [
      ...speeds("at full speed", pairs, { rate: 1.5, cpu: 0.5 }),
      figure("behind Mosquitto at full speed", second.messagesPerSecond, "messages/s", lossOf(second)),
      figure("behind Mosquitto: bridge CPU", second.bridgeCpu, "us/message"),
      ...memoryOf(pairs),
    ];
  },
  async paced(bench) {
    const pairs = await bench.pairsOf(bench.own, protobuf, { messages: 185_000, rate: fleetRate });
    return speeds(`at ${fleetRate}/s`, pairs, { cpu: 0.5 });
  },
  async queryable(bench) {
    const how = { messages: 185_000, rate: fleetRate, probe: "queryable" as const };
    const pairs = await bench.pairsOf(bench.own, protobuf, how);
    const ours = pairs.map(({ ours: { queryableMs } }) => queryableMs);
    const theirs = pairs.map(({ theirs: { queryableMs } }) => queryableMs);
    const of = (all: typeof ours, what: "p50" | "p99" | "max") => all.map((one) => one?.[what] ?? Number.NaN);
    return [
      { ...values("publish to queryable, p50", of(ours, "p50"), "ms"), bar: { atMost: 150 }, moonshot: 20 },
      values("publish to queryable, p99", of(ours, "p99"), "ms"),
      values("publish to queryable, max", of(ours, "max"), "ms"),
      values("Telegraf: publish to queryable, p50", of(theirs, "p50"), "ms"),
      values("Telegraf: publish to queryable, max", of(theirs, "max"), "ms"),
    ];
  },
  async kills(bench) {
    const figures: Figure[] = [];
    const how = { messages: 90_000, rate: killRate };
    const cases: [Pipeline, string, boolean][] = [
      [bench.own, "ingest", true],
      [bench.own, "aggregator", true],
      [bench.own, "kafka", true],
      [bench.own, "influx", true],
      [bench.behind, "ingest", true],
      [bench.behind, "mosquitto", false],
      [protobuf, "telegraf a", false],
      [protobuf, "telegraf b", false],
      [protobuf, "mosquitto", false],
    ];
    for (const [pipeline, victim, isOurs] of cases) {
      const { lost } = await bench.run(pipeline, { ...how, victim });
      const lostFigure = figure(`${pipeline.name}: lost when ${victim} is killed`, lost, "messages");
      figures.push(isOurs ? { ...lostFigure, bar: { atMost: 0 } } : lostFigure);
    }
    return figures;
  },
  async forms(bench) {
    const figures: Figure[] = [];
    for (const form of ["json", "line"] as const) {
      const result = await bench.run(telegrafPipeline(form), { messages: 500_000 });
      figures.push(figure(`Telegraf, ${form}, at full speed`, result.messagesPerSecond, "messages/s", lossOf(result)));
      figures.push(figure(`Telegraf, ${form}: bridge CPU`, result.bridgeCpu, "us/message"));
    }
    return figures;
  },
  async reports(bench) {
    const pairs = await bench.pairsOf(
      meterbookPipeline({ behind: "endpoint", load: "32" }),
      telegrafPipeline("line-32"),
      {
        messages: 60_000,
      },
    );
    return speeds("reports of 32 readings", pairs, {});
  },
};

function speeds(
  what: string,
  pairs: readonly Pair[],
  bars: { readonly rate?: number; readonly cpu?: number },
): Figure[] {
  const each = (pick: (run: RunResult) => number) => ({
    ours: pairs.map(({ ours }) => pick(ours)),
    theirs: pairs.map(({ theirs }) => pick(theirs)),
    ratio: pairs.map(({ ours, theirs }) => pick(ours) / pick(theirs)),
  });
  const [rate, bridge, all] = [
    each((run) => run.messagesPerSecond),
    each((run) => run.bridgeCpu),
    each((run) => run.allCpu),
  ];
  const lost = sum(pairs.map(({ ours }) => ours.lost));
  return [
    values(`Meterbook ${what}`, rate.ours, "messages/s", lost === 0 ? "nothing lost" : `${lost} LOST`),
    values(`Telegraf ${what}`, rate.theirs, "messages/s"),
    {
      ...values(`ratio ${what}`, rate.ratio, "x"),
      ...(bars.rate === undefined ? {} : { bar: { atLeast: bars.rate } }),
    },
    values(`Meterbook ${what}: bridge CPU`, bridge.ours, "us/message"),
    values(`Telegraf ${what}: bridge CPU`, bridge.theirs, "us/message"),
    {
      ...values(`ratio of bridge CPU ${what}`, bridge.ratio, "x"),
      ...(bars.cpu === undefined ? {} : { bar: { atMost: bars.cpu }, moonshot: 0.25 }),
    },
    values(`Meterbook ${what}: CPU of all processes`, all.ours, "us/message"),
    values(`Telegraf ${what}: CPU of all processes`, all.theirs, "us/message"),
  ];
}

function memoryOf(pairs: readonly Pair[]): Figure[] {
  const peaks = (runs: readonly RunResult[], name: string) => runs.map(({ peakBytes }) => (peakBytes[name] ?? 0) / 1e6);
  const [ours, theirs] = [pairs.map((pair) => pair.ours), pairs.map((pair) => pair.theirs)];
  return [
    values("peak memory of ingest", peaks(ours, "ingest"), "MB"),
    values("peak memory of the aggregator", peaks(ours, "aggregator"), "MB"),
    values("peak memory of Telegraf a", peaks(theirs, "telegraf a"), "MB"),
    values("peak memory of Telegraf b", peaks(theirs, "telegraf b"), "MB"),
  ];
}

/** The median, with all values beside it. */
function values(name: string, all: readonly number[], unit: string, more?: string): Figure {
  const sorted = [...all].sort((a, b) => a - b);
  const shown = all.map((value) => Number(value.toPrecision(3))).join(" ");
  return figure(name, sorted[sorted.length >> 1] ?? Number.NaN, unit, more === undefined ? shown : `${shown}; ${more}`);
}

function figure(name: string, value: number, unit: string, note?: string): Figure {
  return { name, value, unit, ...(note === undefined ? {} : { note }) };
}

function lossOf({ lost }: RunResult): string {
  return lost === 0 ? "nothing lost" : `${lost} LOST`;
}

function sum(all: readonly number[]): number {
  return all.reduce((total, one) => total + one, 0);
}
