import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { Producer, ProducerBatch, RecordMetadata } from "kafkajs";
import { CompressionTypes } from "kafkajs";
import { backOff } from "../../waiting/back-off.ts";
import { within } from "../../waiting/within.ts";
import type { KafkaConnection } from "./kafka-connection.ts";

/** What happens to writes, for health, metrics and the log. */
export interface WriteEvents {
  /** A write failed and will be tried again. */
  writeFailed(facts: { readonly error: unknown }): void;
  /** The first write after failures was kept. */
  writeRecovered(): void;
}

/** Writes that outlast any outage. The caller sends one batch at a time: kafkajs reorders what overlaps. */
export interface LastingProducer {
  /**
   * Resolves when all brokers that must have acknowledged, with where the records are. An outage, however long, only
   * delays it; then some records may be in the log twice, which its readers know how to take.
   *
   * @throws AdapterError `log_append_failed` where a record is too large for the topic, `log_closed` after `close`.
   */
  send(batch: NonNullable<ProducerBatch["topicMessages"]>): Promise<readonly RecordMetadata[]>;
  close(): Promise<void>;
}

const goodByeMsMax = 2000;

export function lastingProducer({ client, settings }: KafkaConnection, events: WriteEvents): LastingProducer {
  const compression = settings.compression === "gzip" ? CompressionTypes.GZIP : CompressionTypes.None;
  const pause = backOff({ firstMs: 100, maxMs: 3000 });
  let producer: Producer | undefined;
  let failing = false;
  let closed = false;

  async function open(): Promise<Producer> {
    const made = client.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 4 },
    });
    producer = made;
    await made.connect();
    return made;
  }

  /** A producer that failed may have lost its place in the sequence: another begins anew. */
  function drop(): void {
    const gone = producer;
    producer = undefined;
    void gone?.disconnect().catch(() => undefined);
  }

  async function attempt(
    topicMessages: NonNullable<ProducerBatch["topicMessages"]>,
  ): Promise<readonly RecordMetadata[] | undefined> {
    try {
      const ready = producer ?? (await open());
      return await ready.sendBatch({ acks: -1, compression, topicMessages });
    } catch (error) {
      drop();
      if (isTooLarge(error)) {
        const detail = "a record is larger than the topic's max.message.bytes";
        throw new AdapterError("log_append_failed", { retryable: false, cause: error, detail });
      }
      failing = true;
      events.writeFailed({ error });
      return undefined;
    } finally {
      // It may have connected after it was closed.
      if (closed) drop();
    }
  }

  return {
    async send(batch) {
      while (!closed) {
        const written = await attempt(batch);
        if (written !== undefined) {
          pause.reset();
          if (failing) events.writeRecovered();
          failing = false;
          return written;
        }
        await pause.wait();
      }
      throw new AdapterError("log_closed", { retryable: false, detail: "Kafka did not answer before the end" });
    },
    async close() {
      closed = true;
      pause.end();
      if (producer !== undefined) await within(goodByeMsMax, producer.disconnect());
    },
  };
}

function isTooLarge(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { type } = cause as { type?: string };
    if (type === "MESSAGE_TOO_LARGE" || type === "RECORD_LIST_TOO_LARGE") return true;
  }
  return false;
}
