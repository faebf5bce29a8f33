import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { MeterMessage, TakeMessage } from "@meterbook/core/ports/meter-endpoint";
import type { ReadingsLog } from "@meterbook/core/ports/readings-log";
import type { Rejection } from "@meterbook/core/ports/rejected-log";
import type { MessageReader } from "@meterbook/intake/read-message";
import type { IngestEvents } from "./ingest-events.ts";
import type { MeterSenders } from "./meter-senders.ts";
import type { RejectedDoor } from "./rejected-door.ts";

export interface IngestPorts {
  readonly log: Pick<ReadingsLog, "append">;
  /** Resolves when they are kept (`gatherRejections`). */
  readonly reject: (rejections: readonly Rejection[]) => Promise<void>;
}

export interface IngestOptions {
  readonly reader: MessageReader;
  readonly events: IngestEvents;
  readonly door: RejectedDoor;
  /** Told who sends for whom; nobody where a broker does not say. */
  readonly senders?: Pick<MeterSenders, "heard"> | undefined;
  readonly crashPoint: (name: string) => void;
}

/**
 * Every message ends in the readings log, in the rejected log, or reading by reading in both, before the meter is told
 * that it is safe. The readings go first: when the rejections then fail, the meter sends the message again, its
 * readings are duplicates, and no refusal is counted twice.
 */
export function ingestMessages(ports: IngestPorts, options: IngestOptions): TakeMessage {
  const { reader, events, door, senders, crashPoint } = options;

  async function keep(message: MeterMessage): Promise<void> {
    const startedMs = performance.now();
    const { accepted, rejections: refused } = reader.read(message);
    // Asked first: a message that has to come again would otherwise leave its readings in the log each time.
    const rejections = door(message, refused);
    if (accepted !== null) {
      senders?.heard(accepted.meterId, message.sender?.name ?? message.clientId);
      await ports.log.append(accepted);
    }
    if (accepted !== null && rejections.length > 0) crashPoint("readings-kept-before-rejections");
    if (rejections.length > 0) await keepRejections(rejections);
    const seconds = (performance.now() - startedMs) / 1000;
    const { length: bytes } = message.payload;
    events.messageKept({ readings: accepted?.readings ?? 0, rejections: rejections.length, bytes, seconds });
  }

  async function keepRejections(rejections: readonly Rejection[]): Promise<void> {
    await ports.reject(rejections);
    for (const { reason, meterId, detail } of rejections) events.rejected({ reason, meterId, detail });
  }

  return async (message) => {
    crashPoint("message-received");
    try {
      await keep(message);
    } catch (error) {
      if (!(error instanceof AdapterError && error.code === "rejected_full")) events.keepFailed({ error });
      throw error;
    }
    crashPoint("log-written-before-puback");
  };
}
