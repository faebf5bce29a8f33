import { mkdir, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { Figure } from "./bench-table.ts";
import { machineLine, printFigures } from "./bench-table.ts";
import { measureCurveUnderLoad } from "./curve-under-load.bench.ts";
import { measureMonthClose } from "./month-close.bench.ts";
import { measureRestart } from "./restart.bench.ts";
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
  curve: (share) =>
    measureCurveUnderLoad({ messagesPerSecond: 5000, requests: Math.ceil(1500 * share), restMs: 10_000 }),
  restart: (share) => measureRestart(16 * Math.ceil((100_000 * share) / 16)),
};

const bars: Readonly<Record<string, Pick<Figure, "bar" | "moonshot">>> = {
  "3 registers: end to end": { bar: { atLeast: 15_000 }, moonshot: 40_000 },
  "32 readings: readings": { bar: { atLeast: 400_000 }, moonshot: 1_000_000 },
  "32 entries: readings": { bar: { atLeast: 400_000 }, moonshot: 1_000_000 },
};

async function throughput(run: ThroughputCase): Promise<Figure[]> {
  const figures = await measureThroughput({ ...run, messages: Math.round(run.messages) });
  return figures.map((figure) => ({ ...figure, ...bars[figure.name] }));
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { share: { type: "string", default: "1" } },
});
const unknown = positionals.filter((name) => benches[name] === undefined);
if (unknown.length > 0) {
  console.error(`there is no benchmark ${unknown.join(", ")}; there are ${Object.keys(benches).join(", ")}`);
  process.exit(2);
}
console.log(machineLine());
const figures: Figure[] = [];
for (const name of positionals.length === 0 ? Object.keys(benches) : positionals) {
  console.log(`running ${name} ...`);
  figures.push(...((await benches[name]?.(Number(values.share))) ?? []));
}
printFigures(figures);
await mkdir("bench-results", { recursive: true });
const file = `bench-results/${new Date().toISOString().replaceAll(":", "-")}.json`;
await writeFile(file, JSON.stringify({ machine: machineLine(), share: Number(values.share), figures }, undefined, 2));
console.log(`raw figures in ${file}`);
