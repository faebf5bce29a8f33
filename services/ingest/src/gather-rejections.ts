import { refusedBytes, refusedMessages } from "@meterbook/core/ports/refused-message";
import type { RejectedLog, Rejection } from "@meterbook/core/ports/rejected-log";

/** Of one append: a flood of poison shares its fsyncs, and what comes after it does not wait for long. */
const appendRejectionsMax = 500;
const appendBytesMax = 512 * 1024;
/** What a sender may append in a round, before it is the next one's turn. */
const roundBytes = 4_096;

interface Waiting {
  readonly rejections: readonly Rejection[];
  readonly bytes: number;
  readonly kept: PromiseWithResolvers<void>;
}

/** What waits of one sender, and what it may append of that. */
interface Queue {
  readonly waiting: Waiting[];
  roomBytes: number;
}

/**
 * Appends together what came in while the append before was under way; resolves when the given ones are kept. Senders
 * take turns: one refused reading of an honest meter does not wait for all that a hostile one has sent.
 */
export function gatherRejections(
  log: Pick<RejectedLog, "append">,
): (rejections: readonly Rejection[]) => Promise<void> {
  /** By sender; whose turn it is comes first. */
  const queues = new Map<string, Queue>();
  let running = false;

  async function run(): Promise<void> {
    running = true;
    while (queues.size > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      const batch = nextBatch(queues);
      // Nobody has room for its next message yet.
      if (batch.length === 0) continue;
      try {
        await log.append(batch.flatMap(({ rejections }) => rejections));
        for (const { kept } of batch) kept.resolve();
      } catch (error) {
        for (const { kept } of batch) kept.reject(error);
      }
    }
    running = false;
  }

  return (rejections) => {
    const sender = rejections[0]?.senderName ?? "";
    const bytes = refusedMessages(rejections).reduce((sum, message) => sum + refusedBytes(message), 0);
    const kept = Promise.withResolvers<void>();
    const queue = queues.get(sender) ?? { waiting: [], roomBytes: 0 };
    queues.set(sender, queue);
    queue.waiting.push({ rejections, bytes, kept });
    if (!running) void run();
    return kept.promise;
  };
}

/** A sender whose next message is larger than a round waits for as many rounds as it takes. */
function nextBatch(queues: Map<string, Queue>): Waiting[] {
  const batch: Waiting[] = [];
  let [rejections, bytes] = [0, 0];
  const isFull = () => rejections >= appendRejectionsMax || bytes >= appendBytesMax;
  for (const [sender, queue] of queues) {
    queue.roomBytes += roundBytes;
    let taken = 0;
    for (const one of queue.waiting) {
      if (one.bytes > queue.roomBytes || isFull()) break;
      batch.push(one);
      taken += 1;
      queue.roomBytes -= one.bytes;
      bytes += one.bytes;
      rejections += one.rejections.length;
    }
    queue.waiting.splice(0, taken);
    queues.delete(sender);
    // Whoever comes to its end goes to the end of the map, which is visited in this same loop.
    if (queue.waiting.length > 0) queues.set(sender, queue);
    if (isFull()) break;
  }
  return batch;
}
