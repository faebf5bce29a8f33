import type { FrameConsumer, LogFrame } from "@meterbook/core/ports/readings-log";
import { decodeFrame } from "@meterbook/core/wire/frame-protobuf";
import type { KafkaMessage } from "kafkajs";
import { backOff } from "./back-off.ts";

/** What was fetched of one partition and waits for the consumer. */
export interface PartitionPump {
  readonly partition: number;
  /** Offset to fetch from; undefined until the consumer has said. */
  readonly nextOffset: number | undefined;
  /** The offset after what the consumer has handled; undefined until it has said where it stands. */
  readonly handledTo: number | undefined;
  /** Whether so much waits that nothing more should be fetched. */
  readonly isFull: boolean;
  /** When the oldest frame that waits was appended. */
  readonly oldestWaitingAtMs: number | undefined;
  offer(messages: readonly KafkaMessage[]): void;
  /** Ends after the frames in hand and lets the partition go. */
  close(): Promise<void>;
}

export interface PumpEvents {
  /** The consumer could not take a batch, or the partition; it is tried again. */
  handleFailed(facts: { readonly partition: number; readonly error: unknown }): void;
  /** The log no longer holds these frames: what they said is lost to the store. */
  gap(facts: { readonly partition: number; readonly from: number; readonly to: number }): void;
}

export interface PumpOptions {
  readonly events: PumpEvents;
  /** Called when the consumer has said where to read from, and when a full pump has room again. */
  readonly ready: (pump: PartitionPump) => void;
  readonly epoch: number;
  /** What must have ended before: the partition's pump before this one. */
  readonly after: Promise<unknown>;
}

const batchBytesMax = 4 * 1024 * 1024;
const waitingBytesMax = 4 * 1024 * 1024;

interface Waiting {
  readonly offset: number;
  readonly appendedAtMs: number;
  readonly body: Uint8Array;
}

export function partitionPump(partition: number, consumer: FrameConsumer, options: PumpOptions): PartitionPump {
  const { events, ready, epoch, after } = options;
  const pause = backOff({ firstMs: 100, maxMs: 5000 });
  let waiting: Waiting[] = [];
  let waitingBytes = 0;
  let nextOffset: number | undefined;
  let handledTo: number | undefined;
  let closed = false;
  let running: Promise<void> = after.then(open);

  async function open(): Promise<void> {
    while (!closed && nextOffset === undefined) {
      try {
        const from = await consumer.assigned(partition, epoch);
        nextOffset = from;
        handledTo = from;
        ready(pump);
      } catch (error) {
        events.handleFailed({ partition, error });
        await pause.wait();
      }
    }
    pause.reset();
  }

  function take(): LogFrame[] {
    let bytes = 0;
    let count = 0;
    for (const { body } of waiting) {
      bytes += body.length;
      if (bytes > batchBytesMax && count > 0) break;
      count += 1;
    }
    return waiting.slice(0, count).map(({ offset, appendedAtMs, body }) => {
      return { partition, offset, appendedAtMs, reports: decodeFrame(body) };
    });
  }

  async function drain(): Promise<void> {
    while (!closed && waiting.length > 0) {
      try {
        const frames = take();
        await consumer.handle({ partition, frames });
        pause.reset();
        handled(frames);
      } catch (error) {
        events.handleFailed({ partition, error });
        await pause.wait();
      }
    }
  }

  function handled(frames: readonly LogFrame[]): void {
    const wasFull = pump.isFull;
    for (const { body } of waiting.slice(0, frames.length)) waitingBytes -= body.length;
    waiting = waiting.slice(frames.length);
    handledTo = (frames.at(-1)?.offset ?? 0) + 1;
    if (wasFull && !pump.isFull) ready(pump);
  }

  const pump: PartitionPump = {
    partition,
    get nextOffset() {
      return nextOffset;
    },
    get handledTo() {
      return handledTo;
    },
    get isFull() {
      return waitingBytes >= waitingBytesMax;
    },
    get oldestWaitingAtMs() {
      return waiting[0]?.appendedAtMs;
    },
    offer(messages) {
      if (nextOffset === undefined || closed) return;
      const isIdle = waiting.length === 0;
      for (const message of messages) {
        const offset = Number(message.offset);
        // Fetched again after a join: it waits here or is handled already.
        if (offset < nextOffset) continue;
        if (offset > nextOffset) events.gap({ partition, from: nextOffset, to: offset });
        nextOffset = offset + 1;
        const body = message.value ?? new Uint8Array();
        waiting.push({ offset, appendedAtMs: Number(message.timestamp), body });
        waitingBytes += body.length;
      }
      if (isIdle && waiting.length > 0) running = running.then(drain);
    },
    async close() {
      closed = true;
      pause.end();
      await running;
      if (handledTo !== undefined) await consumer.revoked(partition);
    },
  };
  return pump;
}
