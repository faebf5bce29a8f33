import { hash } from "node:crypto";
import type { Clock } from "@meterbook/core/ports/clock";
import type { RejectedLog } from "@meterbook/core/ports/rejected-log";

const rejectionsPerAppendMax = 500;

/**
 * Keeps what the store would not take, as the line that was written and what the store said; resolves when it is safe.
 */
export function rejectLines(
  rejected: Pick<RejectedLog, "append">,
  clock: Clock,
): (lines: readonly { readonly line: string; readonly detail: string }[]) => Promise<void> {
  return async (lines) => {
    const receivedAtMs = clock.nowMs();
    for (let first = 0; first < lines.length; first += rejectionsPerAppendMax) {
      await rejected.append(
        lines.slice(first, first + rejectionsPerAppendMax).map(({ line, detail }) => ({
          reason: "store_refused",
          detail,
          topic: "",
          meterId: /[ ,]m=([^ ,]+)/.exec(line)?.[1] ?? null,
          clientId: "aggregator",
          receivedAtMs,
          payload: Buffer.from(line),
          // It ends in the offset of its frame: a batch that is tried again brings the same.
          source: `line ${hash("sha256", line)}`,
          truncatedFrom: null,
          readingIndex: null,
        })),
      );
    }
  };
}
