import type { AggregatorPorts } from "@meterbook/aggregator/aggregate-readings";
import type { Origin, ReadingSeries } from "@meterbook/core/domain/reading/reading";
import type { FrameConsumer, LogFrame, ReadingsLog } from "@meterbook/core/ports/readings-log";
import { encodeReport } from "@meterbook/intake/decoders/protobuf/meter-report-protobuf";
import type { Barrier } from "@meterbook/sharding/barrier";

/** What one report holds, in a test's words. */
export interface TestReport {
  readonly meterId: string;
  readonly series: readonly ReadingSeries[];
  readonly sequence?: number;
  /** `remote` where absent. */
  readonly origin?: Origin;
  readonly note?: string;
}

/** A log of one partition in a test's hand. */
export interface ScriptedLog {
  readonly frames: readonly LogFrame[];
  /** Records before it are no longer held. */
  readonly heldFrom: number;
  append(reports: readonly TestReport[]): void;
  /** The newest frame once more. */
  appendAgain(): void;
  /** Answers its offset. */
  putBarrier(barrier: Barrier): number;
  /** Holds no longer what it holds now. */
  expire(): void;
  forget(): void;
  port(parts: {
    readonly appendBarrier: ReadingsLog["appendBarrier"];
    readonly consume: (consumer: FrameConsumer) => void;
  }): AggregatorPorts["log"];
}

export interface ScriptedLogOptions {
  /** What the log holds already; nothing where absent. */
  readonly log?: readonly LogFrame[];
  /** Frames say how much this writer has appended. */
  readonly writer?: string;
  /** The log cannot be read again. */
  readonly withoutHistory?: boolean;
}

const partition = 0;

export function scriptedLog(options: ScriptedLogOptions, nowMs: () => number): ScriptedLog {
  const frames: LogFrame[] = [...(options.log ?? [])];
  let heldFrom = 0;
  let appended = 0;

  function put(frame: Pick<LogFrame, "reports" | "barrier" | "tally">): number {
    return frames.push({ ...frame, partition, offset: frames.length, appendedAtMs: nowMs() }) - 1;
  }

  const history = {
    first: async () => frames[heldFrom],
    async offsetAt(appendedAtMs: number) {
      const index = frames.findIndex((frame, i) => i >= heldFrom && frame.appendedAtMs >= appendedAtMs);
      return index === -1 ? frames.length : index;
    },
    async frames(from: number) {
      const first = Math.max(from, heldFrom);
      return { frames: frames.slice(first, first + 3), faulty: false };
    },
  };

  return {
    frames,
    get heldFrom() {
      return heldFrom;
    },
    append(reports) {
      const readings = reports.reduce((sum, report) => sum + countOf(report), 0);
      appended += readings;
      const { writer } = options;
      put({
        ...(writer === undefined ? {} : { tally: { writer, total: appended, readings } }),
        reports: reports.map((report) => loggedReport(report, nowMs())),
      });
    },
    appendAgain: () => void frames.push({ ...(frames.at(-1) as LogFrame), offset: frames.length }),
    putBarrier: (barrier) => put({ reports: [], barrier }),
    expire() {
      heldFrom = frames.length;
    },
    forget: () => void frames.splice(0),
    port: ({ appendBarrier, consume }) => ({
      partitions: 1,
      ends: async () => new Map([[partition, frames.length]]),
      appendBarrier,
      starts: async () => new Map([[partition, Math.min(heldFrom, frames.length)]]),
      ...(options.withoutHistory === true ? {} : { history: () => history }),
      consume: async (consumer) => {
        consume(consumer);
        return { close: () => consumer.revoked(partition) };
      },
    }),
  };
}

function countOf({ series }: TestReport): number {
  return series.reduce((count, { at }) => count + at.length, 0);
}

function loggedReport(report: TestReport, receivedAtMs: number): LogFrame["reports"][number] {
  const { meterId, series, sequence = 0, origin = "remote", note = "" } = report;
  const encoded = encodeReport({ sequence, series, note });
  return { meterId, receivedAtMs, origin, report: encoded, readings: countOf(report) };
}
