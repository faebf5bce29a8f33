import type { Sender } from "@meterbook/core/ports/meter-endpoint";
import type { RejectedLog } from "@meterbook/core/ports/rejected-log";
import { senderFault } from "@meterbook/intake/read-message";
import type { IngestEvents } from "./ingest-events.ts";
import type { RejectedDoor } from "./rejected-door.ts";

/** What the endpoint knows of a message that it cut off. */
export interface OversizedMessage {
  readonly clientId: string;
  readonly sender?: Sender | undefined;
  readonly topic: string;
  /** Bytes of the whole packet, as its header says. */
  readonly declaredBytes: number;
  readonly firstBytes: Uint8Array;
}

/**
 * Keeps the beginning of a message that was too long to be taken; resolves when it is safe. Under the meter of its
 * topic, where its sender may speak for that one.
 */
export function rejectOversized(
  log: Pick<RejectedLog, "append">,
  events: Pick<IngestEvents, "rejected">,
  options: { packetBytesMax: number; nowMs: () => number; door: RejectedDoor },
): (message: OversizedMessage) => Promise<void> {
  return async ({ clientId, sender, topic, declaredBytes, firstBytes }) => {
    const named = /^meters\/([A-Za-z0-9][A-Za-z0-9._-]{0,63})\//.exec(topic)?.[1] ?? null;
    const stranger = named === null ? undefined : senderFault(sender, named);
    const meterId = stranger === undefined ? named : null;
    const { reason, detail } = stranger ?? {
      reason: "packet_too_large",
      detail: `payload: a packet of ${declaredBytes} bytes, ${options.packetBytesMax} is the most (METERBOOK_PACKET_BYTES_MAX)`,
    };
    const place = { topic, meterId, clientId, receivedAtMs: options.nowMs() };
    const truncated = { payload: firstBytes, truncatedFrom: declaredBytes, readingIndex: null };
    await log.append(options.door({ clientId, sender }, [{ reason, detail, ...place, ...truncated }]));
    events.rejected({ reason, meterId, detail });
  };
}
