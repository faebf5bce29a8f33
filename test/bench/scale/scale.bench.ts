import type { Figure } from "../bench-table.ts";
import { runScale, type ScaleRun } from "./scale-run.ts";

/** Meters of the fleets at the whole share. */
const sizes = [10_000, 100_000, 1_000_000];
const messages = 500_000;
/** What the cost of a message or a meter may grow by from the smallest fleet to the largest. */
const growth = { atMost: 1.25 };

/**
 * What a message costs and a meter takes with fleets of several sizes, and a month's end of each, on Kafka and
 * InfluxDB.
 */
export async function measureScale(share: number): Promise<{ figures: Figure[]; runs: ScaleRun[] }> {
  const runs: ScaleRun[] = [];
  for (const size of sizes) {
    const meters = 16 * Math.ceil((size * share) / 16);
    const run = await runScale(meters, Math.ceil(messages * share));
    console.log(`  ${JSON.stringify(run)}`);
    runs.push(run);
  }
  const [smallest, largest] = [runs[0] as ScaleRun, runs.at(-1) as ScaleRun];
  const grows = (name: string, of: (run: ScaleRun) => number): Figure => ({
    ...{ name, value: of(largest) / of(smallest), unit: "x", bar: growth },
    note: runs.map((run) => short(of(run))).join(" "),
  });
  return {
    runs,
    figures: [
      ...runs.flatMap(figuresOf),
      grows("growth of our CPU a message", oursOf),
      grows("growth of the CPU of all processes a message", allOf),
      grows("growth of the aggregator's memory a meter", (run) => run.liveBytesPerMeter["aggregator"] ?? 0),
      grows("growth of the close a meter", (run) => run.closeSeconds / run.meters),
      grows("growth of the export a row", (run) => 1 / run.exportRowsPerSecond),
    ],
  };
}

function oursOf({ cpu }: ScaleRun): number {
  return (cpu["ingest"] ?? 0) + (cpu["aggregator"] ?? 0);
}

function allOf({ cpu }: ScaleRun): number {
  return Object.values(cpu).reduce((sum, one) => sum + one, 0);
}

function figuresOf(run: ScaleRun): Figure[] {
  const of = (what: string) => `${run.meters} meters: ${what}`;
  const peaks = Object.entries(run.peakBytes).map(([name, bytes]) => `${name} ${Math.round(bytes / 1e6)} MB`);
  const live = Object.entries(run.liveBytesPerMeter).map(([name, bytes]) => `${name} ${Math.round(bytes)}`);
  return [
    { name: of("master data"), value: run.meters / run.importSeconds, unit: "meters/s" },
    { name: of("first readings"), value: (2 * run.meters) / run.firstSeconds, unit: "messages/s" },
    { name: of("end to end"), value: run.messagesPerSecond, unit: "messages/s" },
    { name: of("CPU of ingest and aggregator"), value: oursOf(run), unit: "us/message" },
    { name: of("CPU of all processes"), value: allOf(run), unit: "us/message" },
    { name: of("held by the aggregator"), value: run.liveBytesPerMeter["aggregator"] ?? 0, unit: "bytes/meter" },
    {
      name: of("held by each"),
      value: Object.values(run.liveBytesPerMeter).reduce((a, b) => a + b, 0),
      unit: "bytes/meter",
      note: live.join(", "),
    },
    { name: of("close"), value: run.closeSeconds, unit: "s", note: `aggregator ${short(run.closeCpuSeconds)} s CPU` },
    { name: of("export"), value: run.exportRowsPerSecond, unit: "rows/s", note: `peaks: ${peaks.join(", ")}` },
  ];
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
