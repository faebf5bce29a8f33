import { once } from "node:events";
import { createWriteStream } from "node:fs";
import type { RegisterSeries } from "../reports/report-readings.ts";

/** What a message was, for the truth. `series` is empty where it must be refused. */
export interface TruthMessage {
  readonly message: number;
  readonly meter: string;
  readonly sequence: number;
  readonly as: "original" | "copy" | "altered";
  readonly fault: string | undefined;
  readonly value: string | undefined;
  readonly series: readonly RegisterSeries[];
}

/** The file of what is true and what was sent: one JSON object per line, described in simulators/README.md. */
export interface TruthFile {
  /** A meter of the fleet. Its clock runs `skewSeconds` ahead: what it labels `at` was read at `at - skewSeconds`. */
  meter(meter: string, kind: string, skewSeconds: number): void;
  /** The registers of a meter at the local midnight `at`, which ends the month `period` (`YYYY-MM`). */
  boundary(meter: string, period: string, at: number, registers: ReadonlyMap<string, number>): void;
  /** A message that has just left for the first time. */
  message(message: TruthMessage): void;
  resent(message: number): void;
  acknowledged(message: number): void;
  /** Resolves when the file has taken what was written; undefined when it is not behind. */
  drained(): Promise<unknown> | undefined;
  /** Writes the end and closes the file. */
  close(summary: object): Promise<void>;
}

/** Acknowledgements come nearly in order, so they are written as ranges, so many at a time. */
const acknowledgementsMax = 4096;

export async function createTruthFile(path: string, header: object): Promise<TruthFile> {
  const stream = createWriteStream(path, { highWaterMark: 1 << 20 });
  await once(stream, "open");
  const acknowledged: number[] = [];
  let behind = false;

  function write(line: object): void {
    behind = !stream.write(`${JSON.stringify(line)}\n`);
  }

  function flush(): void {
    if (acknowledged.length > 0) write({ type: "acknowledged", ranges: rangesOf(acknowledged) });
    acknowledged.length = 0;
  }

  write({ type: "fleet", version: 1, ...header });
  return {
    meter: (meter, kind, skewSeconds) => write({ type: "meter", meter, kind, skewSeconds }),
    boundary: (meter, period, at, registers) =>
      write({ type: "boundary", meter, period, at, registers: Object.fromEntries(registers) }),
    message: ({ series, ...message }) => write({ type: "message", ...message, series: series.map(seriesLine) }),
    resent: (message) => write({ type: "resent", message }),
    acknowledged(message) {
      acknowledged.push(message);
      if (acknowledged.length >= acknowledgementsMax) flush();
    },
    drained: () => (behind && stream.writableNeedDrain ? once(stream, "drain") : undefined),
    async close(summary) {
      flush();
      write({ type: "end", ...summary });
      await new Promise<void>((resolve, reject) => stream.once("error", reject).end(() => resolve()));
    },
  };
}

function seriesLine({ register, unit, at, values, estimated, wrong }: RegisterSeries): object {
  const run = estimated.count > 0 ? { estimated: [estimated.first, estimated.count] } : {};
  return { register, unit, at, values, ...run, ...(wrong === undefined ? {} : { wrong }) };
}

/** Whole numbers as ranges, both ends included. */
export function rangesOf(numbers: readonly number[]): [first: number, last: number][] {
  const ranges: [number, number][] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges;
}
