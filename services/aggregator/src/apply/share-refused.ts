import { refusedBytes, refusedMessages } from "@meterbook/core/ports/refused-message";
import type { RejectedLog } from "@meterbook/core/ports/rejected-log";
import { cutRejections } from "@meterbook/intake/refused/cut-rejections";
import type { RejectedQuota } from "@meterbook/intake/refused/rejected-quota";

/**
 * The rejected log with a share for each meter, and for all. What is refused here was acknowledged: beyond the share
 * the beginnings of messages are kept. Whoever sent them is known to ingest, and held there.
 */
export function shareRefused(
  rejected: Pick<RejectedLog, "append">,
  quota: Pick<RejectedQuota, "take">,
): Pick<RejectedLog, "append"> {
  return {
    append: (rejections) =>
      rejected.append(
        refusedMessages(rejections).flatMap((message) => {
          const { refusals, ...one } = message;
          const all = refusals.map((refusal) => ({ ...one, ...refusal }));
          const name = one.meterId ?? "";
          return quota.take(name, refusedBytes(message)) === "taken" ? all : cutRejections(all, name);
        }),
      ),
  };
}
