import { mkdir, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { optionsOrExit } from "@meterbook/runtime/process/command-options";
import { benchSettings } from "./bench-settings.ts";
import type { Figure } from "./bench-table.ts";
import { machineLine, printFigures } from "./bench-table.ts";
import { measureCurveUnderLoad } from "./curve-under-load.bench.ts";
import { measureGroups } from "./groups.bench.ts";
import { measureIdle, measureIdleStandalone } from "./idle.bench.ts";
import { measureMonthClose } from "./month-close.bench.ts";
import { measureMonthEnd } from "./month-end.bench.ts";
import { measurePipeline, type PipelineRow, pipelineRows } from "./pipeline/pipeline.bench.ts";
import { measureRebalance } from "./rebalance.bench.ts";
import { measureRestart } from "./restart.bench.ts";
import { measureScale } from "./scale/scale.bench.ts";
import { measureScore } from "./score/score.bench.ts";
import type { ThroughputCase } from "./throughput.bench.ts";
import { measureThroughput } from "./throughput.bench.ts";

const fleet = { meters: 50_000, connections: 16, window: 200 };

/** `npm run bench -- [name ...]`: all of them where none is named; `--share 0.1` runs a tenth of each. */
const benches: Readonly<Record<string, (share: number) => Promise<Figure[]>>> = {
  single: (share) =>
    throughput({
      ...fleet,
      name: "3 registers",
      messages: 5_000_000 * share,
      readingsPerMessage: "1",
      readingsInMessage: 3,
    }),
  batch: (share) =>
    throughput({
      ...fleet,
      name: "32 readings",
      messages: 400_000 * share,
      readingsPerMessage: "32",
      readingsInMessage: 32,
    }),
  "batch-single": (share) =>
    throughput({
      ...fleet,
      name: "32 entries",
      messages: 200_000 * share,
      readingsPerMessage: "32-single",
      readingsInMessage: 32,
    }),
  close: (share) => measureMonthClose(16 * Math.ceil((333_344 * share) / 16)),
  "month-end": (share) => measureMonthEnd(16 * Math.ceil((333_344 * share) / 16)),
  curve: (share) =>
    measureCurveUnderLoad({ messagesPerSecond: 5000, requests: Math.ceil(1500 * share), restMs: 10_000 }),
  groups: (share) =>
    measureGroups({ meters: 16 * Math.ceil((100_000 * share) / 16), messagesPerSecond: 2000, seconds: 30 }),
  score: measureScore,
  "idle-standalone": (share) => measureIdleStandalone(Math.max(2, 60 * share)),
  restart: (share) => measureRestart(16 * Math.ceil((100_000 * share) / 16)),
};

/** Only where they are asked for by name: they want much memory and time. */
const large: Readonly<Record<string, (share: number) => Promise<Figure[]>>> = {
  "close-fleet": closeFleet,
};

/** One shard cannot hold so many meters. */
function closeFleet(share: number): Promise<Figure[]> {
  process.env["METERBOOK_SHARDS"] ??= "4";
  return measureMonthClose(16 * Math.ceil((5_550_000 * share) / 16));
}

/** On servers, and only where they are asked for by name. */
const onServers: Readonly<Record<string, (share: number) => Promise<{ figures: Figure[]; runs: unknown }>>> = {
  pipeline: (share) =>
    measurePipeline({
      share,
      pairs: Number(values.pairs),
      rows: chosenRows(),
      profileDirectory: values.profile === undefined ? undefined : resolve(values.profile),
    }),
  scale: measureScale,
  idle: (share) => measureIdle(Math.max(2, 60 * share)),
  rebalance: (share) =>
    measureRebalance({ meters: 8 * Math.ceil((500_000 * share) / 8), beforeSeconds: 15, afterSeconds: 45 }),
};

function chosenRows(): readonly PipelineRow[] {
  const wanted = values.rows?.split(",") ?? pipelineRows;
  const unknownRows = wanted.filter((row) => !pipelineRows.some((known) => known === row));
  if (unknownRows.length > 0) refuse(`there is no row ${unknownRows.join(", ")}; there are ${pipelineRows.join(", ")}`);
  return pipelineRows.filter((row) => wanted.includes(row));
}

function refuse(text: string): never {
  console.error(text);
  return process.exit(2);
}

const bars: Readonly<Record<string, Pick<Figure, "bar" | "moonshot">>> = {
  "3 registers: end to end": { bar: { atLeast: 15_000 }, moonshot: 40_000 },
  "32 readings: readings": { bar: { atLeast: 400_000 }, moonshot: 1_000_000 },
  "32 entries: readings": { bar: { atLeast: 400_000 }, moonshot: 1_000_000 },
};

async function throughput(run: ThroughputCase): Promise<Figure[]> {
  const figures = await measureThroughput({ ...run, messages: Math.round(run.messages) });
  return figures.map((figure) => ({ ...figure, ...bars[figure.name] }));
}

const usage = `npm run bench -- [name ...] [options]

Runs the benchmarks ${Object.keys(benches).join(", ")}, or those that are named. Only where they are named:
${Object.keys(large).join(", ")} (5.55 million meters in four shards), and on servers ${Object.keys(onServers).join(", ")}.

  --share 0.1         a tenth of each
  --shards 4          of all on one machine: the data directory has so many (METERBOOK_SHARDS)
  --pairs 5           of pipeline: how often each side runs
  --rows <row,...>    of pipeline: ${pipelineRows.join(", ")}
  --profile <folder>  of pipeline: each of our processes leaves a CPU profile there`;

const { values, words: positionals } = optionsOrExit({
  usage,
  takesWords: true,
  options: {
    share: { type: "string", default: "1" },
    shards: { type: "string" },
    /** Of `pipeline`. */
    pairs: { type: "string", default: "5" },
    rows: { type: "string" },
    /** A directory: each of our processes leaves a CPU profile in it. */
    profile: { type: "string" },
  },
});
if (values.shards !== undefined) process.env["METERBOOK_SHARDS"] = values.shards;
const onOneMachine = { ...benches, ...large };
const unknown = positionals.filter((name) => onOneMachine[name] === undefined && onServers[name] === undefined);
if (unknown.length > 0) {
  const all = [...Object.keys(onOneMachine), ...Object.keys(onServers)];
  refuse(`there is no benchmark ${unknown.join(", ")}; there are ${all.join(", ")}`);
}
console.log(machineLine());
const figures: Figure[] = [];
const raw: Record<string, unknown> = {};
for (const name of positionals.length === 0 ? Object.keys(benches) : positionals) {
  console.log(`running ${name} ...`);
  figures.push(...((await onOneMachine[name]?.(Number(values.share))) ?? []));
  const found = await onServers[name]?.(Number(values.share));
  if (found === undefined) continue;
  figures.push(...found.figures);
  raw[name] = found.runs;
}
printFigures(figures);
await mkdir("bench-results", { recursive: true });
const file = `bench-results/${new Date().toISOString().replaceAll(":", "-")}.json`;
await writeFile(
  file,
  JSON.stringify(
    { machine: machineLine(), share: Number(values.share), ...benchSettings(), figures, raw },
    undefined,
    2,
  ),
);
console.log(`raw figures in ${file}`);
