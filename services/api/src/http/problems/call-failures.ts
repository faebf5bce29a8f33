import { messageOf } from "@meterbook/core/ports/adapter-error";
import type { StandingProblems } from "@meterbook/runtime/health/standing-problems";
import type { Logger } from "@meterbook/runtime/telemetry/telemetry";
import type { ApiEvents } from "../../api-events.ts";

/**
 * Calls that fail. While a server or the disk is away each call fails, and a line for each would say nothing more. So
 * there is one notice, for as long as it goes on.
 */
export function callFailures(
  log: Pick<Logger, "debug" | "error">,
  notices: Pick<StandingProblems, "recur">,
): ApiEvents["requestFailed"] {
  return ({ route, code, cause }) => {
    if (code !== "storage_unavailable") return log.error({ route, code, error: cause }, "A call failed.");
    log.debug({ route, code, error: cause }, "A call failed.");
    notices.recur("calls", `calls cannot be answered: ${messageOf(cause)}`);
  };
}
