import type { MessagePort } from "node:worker_threads";
import type { Settings } from "@meterbook/runtime/settings/load-settings";

/** The settings, and what was found with them. */
export interface RunningSettings extends Settings {
  /** How many the data directory has. */
  readonly shards: number;
  /** How many threads share them. */
  readonly aggregators: number;
}

/** What an aggregator's thread gets. */
export interface AggregatorThreadData {
  readonly settings: RunningSettings;
  /** Which of the aggregators it is, from 0. */
  readonly index: number;
  /** One end of a channel over which refusals go to who writes them. */
  readonly refusals: MessagePort;
}

export interface IngestThreadData {
  readonly settings: RunningSettings;
  /** The other ends, of all aggregators. */
  readonly refusals: readonly MessagePort[];
}

/** Under which the health and the metrics of a thread are reported. */
export function aggregatorName(index: number): string {
  return index === 0 ? "aggregator" : `aggregator-${index + 1}`;
}

/** The threads of the one process without which it is not ready. */
export function threadNames({ aggregators }: Pick<RunningSettings, "aggregators">): string[] {
  return [...Array.from({ length: aggregators }, (_, index) => aggregatorName(index)), "api", "ingest"];
}

/** Threads that have metrics; the scrub has nothing to say about readiness. */
export function measuredThreadNames(settings: Pick<RunningSettings, "aggregators">): string[] {
  return [...threadNames(settings), "scrub"];
}
