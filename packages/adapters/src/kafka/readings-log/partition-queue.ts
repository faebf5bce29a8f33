import type { FrameConsumer, LostFrames } from "@meterbook/core/ports/readings-log";
import type { KafkaMessage } from "kafkajs";
import type { DamageTeller } from "../../report-batches/read-frame.ts";
import { backOff } from "../../waiting/back-off.ts";
import { type WaitingFrames, waitingFrames } from "./waiting-frames.ts";

/** What was fetched of one partition and waits for the consumer. */
export interface PartitionQueue {
  readonly partition: number;
  /** Offset to fetch from; undefined until the consumer has said. */
  readonly nextOffset: number | undefined;
  /** The offset after what the consumer has handled; undefined until it has said where it stands. */
  readonly handledTo: number | undefined;
  /** Whether so much waits that nothing more should be fetched. */
  readonly isFull: boolean;
  /** When the oldest frame that waits was appended. */
  readonly oldestWaitingAtMs: number | undefined;
  /** Answers `ask-again` where the partition must be fetched from `nextOffset` again. */
  offer(messages: readonly KafkaMessage[]): "taken" | "ask-again";
  /** Ends after the frames in hand and lets the partition go. */
  close(): Promise<void>;
}

export interface QueueEvents {
  /** The consumer could not take a batch, or the partition; it is tried again. */
  handleFailed(facts: { readonly partition: number; readonly error: unknown }): void;
  /** The log no longer holds these frames, which were to be read; the store may have them. */
  gap(facts: { readonly partition: number; readonly from: number; readonly to: number }): void;
}

export interface QueueOptions {
  readonly events: QueueEvents;
  readonly teller: DamageTeller;
  /** Called when the consumer has said where to read from, and when a full queue has room again. */
  readonly ready: (queue: PartitionQueue) => void;
  /** The consumer wants the partition assigned anew. */
  readonly again: (queue: PartitionQueue) => void;
  readonly epoch: number;
  /** What must have ended before: the partition's queue before this one. */
  readonly after: Promise<unknown>;
}

export function partitionQueue(partition: number, consumer: FrameConsumer, options: QueueOptions): PartitionQueue {
  const { events, teller, ready, again, epoch, after } = options;
  const pause = backOff({ firstMs: 100, maxMs: 5000 });
  let waiting: WaitingFrames | undefined;
  let handledTo: number | undefined;
  const gaps = gapTelling(consumer, events);
  const gone = new AbortController();
  let closed: Promise<void> | undefined;
  let running: Promise<void> = after.then(open);

  /** Until it has succeeded, or the partition is let go. */
  async function persist(work: () => Promise<void>): Promise<void> {
    for (;;) {
      if (closed !== undefined) return;
      try {
        await work();
        pause.reset();
        return;
      } catch (error) {
        if (error === gone.signal.reason) return;
        events.handleFailed({ partition, error });
        await pause.wait();
      }
    }
  }

  async function open(): Promise<void> {
    await persist(async () => {
      handledTo = await consumer.assigned(partition, epoch, gone.signal, () => again(queue));
    });
    if (handledTo === undefined) return;
    waiting = waitingFrames(partition, handledTo, gaps.found, teller);
    ready(queue);
  }

  async function drain(frames: WaitingFrames): Promise<void> {
    while (!frames.isEmpty && closed === undefined) {
      await persist(() => handleFirst(frames));
    }
  }

  async function handleFirst(frames: WaitingFrames): Promise<void> {
    const first = frames.first();
    await gaps.tellBefore((first.at(-1)?.offset ?? 0) + 1);
    await consumer.handle({ partition, frames: first });
    const wasFull = frames.isFull;
    frames.drop(first.length);
    handledTo = (first.at(-1)?.offset ?? 0) + 1;
    if (wasFull && !frames.isFull) ready(queue);
  }

  async function letGo(): Promise<void> {
    gone.abort();
    pause.end();
    await running;
    if (handledTo !== undefined) await consumer.revoked(partition);
  }

  const queue: PartitionQueue = {
    partition,
    get nextOffset() {
      return waiting?.nextOffset;
    },
    get handledTo() {
      return handledTo;
    },
    get isFull() {
      return waiting?.isFull ?? false;
    },
    get oldestWaitingAtMs() {
      return waiting?.oldestAppendedAtMs;
    },
    offer(messages) {
      const frames = waiting;
      if (frames === undefined || closed !== undefined) return "taken";
      const isIdle = frames.isEmpty;
      const outcome = frames.offer(messages);
      if (isIdle && !frames.isEmpty) running = running.then(() => drain(frames));
      return outcome;
    },
    close() {
      closed ??= letGo();
      return closed;
    },
  };
  return queue;
}

/** Gaps that the consumer is to hear of before the frames after them count: whoever dies in between is told again. */
function gapTelling(consumer: FrameConsumer, events: QueueEvents) {
  let gaps: LostFrames[] = [];
  return {
    found(lost: LostFrames): void {
      events.gap(lost);
      gaps.push(lost);
    },
    async tellBefore(offset: number): Promise<void> {
      for (const lost of gaps) if (lost.to < offset) await consumer.lost?.(lost);
      gaps = gaps.filter(({ to }) => to >= offset);
    },
  };
}
