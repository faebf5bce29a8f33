import type { RejectedLog } from "@meterbook/core/ports/rejected-log";
import type { IngestEvents } from "./ingest-events.ts";

/** What the endpoint knows of a message that it cut off. */
export interface OversizedMessage {
  readonly clientId: string;
  readonly topic: string;
  /** Bytes of the whole packet, as its header says. */
  readonly declaredBytes: number;
  readonly firstBytes: Uint8Array;
}

/** Keeps the beginning of a message that was too long to be taken; resolves when it is safe. */
export function rejectOversized(
  log: Pick<RejectedLog, "append">,
  events: Pick<IngestEvents, "rejected">,
  options: { packetBytesMax: number; nowMs: () => number },
): (message: OversizedMessage) => Promise<void> {
  return async ({ clientId, topic, declaredBytes, firstBytes }) => {
    const reason = "packet_too_large";
    const detail = `payload: a packet of ${declaredBytes} bytes, ${options.packetBytesMax} is the most (METERBOOK_PACKET_BYTES_MAX)`;
    const meterId = /^meters\/([A-Za-z0-9][A-Za-z0-9._-]{0,63})\//.exec(topic)?.[1] ?? null;
    const place = { topic, meterId, clientId, receivedAtMs: options.nowMs() };
    await log.append([
      { reason, detail, ...place, payload: firstBytes, truncatedFrom: declaredBytes, readingIndex: null },
    ]);
    events.rejected({ reason, meterId, detail });
  };
}
