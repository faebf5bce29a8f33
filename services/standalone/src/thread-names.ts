import type { MessagePort } from "node:worker_threads";
import type { Settings } from "@meterbook/runtime/settings/load-settings";

/** The threads of the one process; also the names under which their health and metrics are reported. */
export const threadNames = ["aggregator", "api", "ingest"] as const;

/** What the threads get that refuse: the other ends of a channel over which refusals go to who writes them. */
export interface RefusingThreadData {
  readonly settings: Settings;
  readonly refusals: MessagePort;
}

/** Threads that have metrics; the scrub has nothing to say about readiness. */
export const measuredThreadNames = [...threadNames, "scrub"] as const;
