import type { LogFrame, LoggedReport } from "@meterbook/core/ports/readings-log";
import type { Barrier } from "@meterbook/sharding/barrier";
import { partitionOf } from "@meterbook/sharding/slot";

/** The readings log in memory. */
export interface MemoryLog {
  readonly partitions: number;
  frames(partition: number): readonly LogFrame[];
  /** A frame of reports of one partition. */
  append(reports: readonly LoggedReport[], nowMs: number): void;
  /** Frames of another log, behind what is there. */
  take(partition: number, frames: readonly LogFrame[]): void;
  appendBarrier(partitions: readonly number[], barrier: Barrier, nowMs: number): ReadonlyMap<number, number>;
  ends(): ReadonlyMap<number, number>;
}

export function memoryLog(partitions: number): MemoryLog {
  const logs: LogFrame[][] = Array.from({ length: partitions }, () => []);
  const of = (partition: number) => logs[partition] as LogFrame[];

  function put(partition: number, frame: Pick<LogFrame, "reports" | "barrier">, appendedAtMs: number): number {
    const offset = of(partition).length;
    of(partition).push({ ...frame, partition, offset, appendedAtMs });
    return offset;
  }

  return {
    partitions,
    frames: of,
    append: (reports, nowMs) =>
      void put(partitionOf(reports[0]?.meterId ?? "", partitions), { reports: [...reports] }, nowMs),
    take(partition, frames) {
      for (const { appendedAtMs, ...frame } of frames) put(partition, frame, appendedAtMs);
    },
    appendBarrier: (some, barrier, nowMs) =>
      new Map(some.map((partition) => [partition, put(partition, { reports: [], barrier }, nowMs)])),
    ends: () => new Map(logs.map((log, partition) => [partition, log.length])),
  };
}
