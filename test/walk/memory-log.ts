import type { Barrier } from "@meterbook/core/domain/barrier";
import { partitionOf } from "@meterbook/core/domain/bucket";
import type { LogFrame, LoggedReport } from "@meterbook/core/ports/readings-log";

/** The readings log in memory. */
export interface MemoryLog {
  readonly partitions: number;
  frames(partition: number): readonly LogFrame[];
  append(report: LoggedReport, nowMs: number): void;
  appendBarrier(partitions: readonly number[], barrier: Barrier, nowMs: number): ReadonlyMap<number, number>;
  ends(): ReadonlyMap<number, number>;
}

export function memoryLog(partitions: number): MemoryLog {
  const logs: LogFrame[][] = Array.from({ length: partitions }, () => []);
  const of = (partition: number) => logs[partition] as LogFrame[];

  function put(partition: number, frame: Pick<LogFrame, "reports" | "barrier">, appendedAtMs: number): number {
    const offset = of(partition).length;
    of(partition).push({ partition, offset, appendedAtMs, ...frame });
    return offset;
  }

  return {
    partitions,
    frames: of,
    append: (report, nowMs) => void put(partitionOf(report.meterId, partitions), { reports: [report] }, nowMs),
    appendBarrier: (some, barrier, nowMs) =>
      new Map(some.map((partition) => [partition, put(partition, { reports: [], barrier }, nowMs)])),
    ends: () => new Map(logs.map((log, partition) => [partition, log.length])),
  };
}
