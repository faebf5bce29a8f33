import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { Logger } from "../telemetry/telemetry.ts";

/** How the servers of a service were found at its start. */
export interface FoundServers {
  /** Each names the setting to change. */
  readonly problems: readonly string[];
  /** Worth a line in the log. */
  readonly warnings: readonly string[];
  /** What was done about it. */
  readonly notes?: readonly string[];
}

/**
 * Says what was found, and ends a start on servers on which records could be lost or bills differ.
 *
 * @throws AdapterError `servers_unfit` with every problem of all of them on a line of its own.
 */
export function acceptServers(log: Logger, found: readonly FoundServers[]): void {
  for (const { notes = [], warnings } of found) {
    for (const note of notes) log.info({ note }, "Prepared for Meterbook.");
    for (const warning of warnings) log.warn({ warning }, "A server is weaker than it should be.");
  }
  const problems = found.flatMap((one) => one.problems);
  if (problems.length === 0) return;
  const detail = problems.map((problem) => `\n  ${problem}`).join("");
  throw new AdapterError("servers_unfit", { retryable: false, detail });
}
