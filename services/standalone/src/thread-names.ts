/** The threads of the one process; also the names under which their health and metrics are reported. */
export const threadNames = ["aggregator", "api", "ingest"] as const;

/** Threads that have metrics; the scrub has nothing to say about readiness. */
export const measuredThreadNames = [...threadNames, "scrub"] as const;
