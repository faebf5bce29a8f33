import type { DatabaseSync } from "node:sqlite";
import type { FrameConsumer, LogFrame, Subscription } from "@meterbook/core/ports/readings-log";
import type { DamageTeller } from "../../report-batches/read-frame.ts";
import { frameReads } from "./read-log-rows.ts";

export interface FollowOptions extends DamageTeller {
  readonly partition: number;
  /** Frames of a batch end here; one frame may be larger. */
  readonly batchBytesMax: number;
  /** Who writes in another process gives no hint: the log is looked at this often. */
  readonly lookEveryMs: number;
  readonly retryMs: number;
  readonly retryMsMax: number;
}

/** The data directory is locked for one process, so there is never another owner. */
const onlyEpoch = 1;

/** Something that ends a wait early. */
export interface WakeUp {
  wake(): void;
  /** Resolves at the next ring, at once when it rang since the last wait, or after `msMax`. */
  wait(msMax: number): Promise<void>;
}

export function wakeUp(): WakeUp {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    wake() {
      rung = true;
      wake?.();
    },
    async wait(msMax) {
      if (!rung) {
        const woken = Promise.withResolvers<void>();
        wake = woken.resolve;
        const timer = setTimeout(woken.resolve, msMax);
        await woken.promise;
        clearTimeout(timer);
        wake = undefined;
      }
      rung = false;
    },
  };
}

/** Hands frames to the consumer from its position on, one batch at a time, and the same again after a rejection. */
export async function followFrames(
  database: DatabaseSync,
  consumer: FrameConsumer,
  hint: WakeUp,
  options: FollowOptions,
): Promise<Subscription> {
  const { partition, lookEveryMs } = options;
  const nextFrames = frameReads(database, options);
  let position = await consumer.assigned(partition, onlyEpoch);
  let closed = false;
  const closing = wakeUp();

  async function follow(): Promise<void> {
    while (!closed) {
      const frames = nextFrames(position);
      if (frames.length === 0) await hint.wait(lookEveryMs);
      else if (await deliver(frames)) position = (frames.at(-1)?.offset ?? position) + 1;
    }
  }

  /** Frames that the log no longer holds are told before those after them are handed over. */
  async function tellLost(first: number | undefined): Promise<void> {
    if (first !== undefined && first > position) await consumer.lost?.({ partition, from: position, to: first });
  }

  /** Whether they were taken before the subscription was closed. */
  async function deliver(frames: readonly LogFrame[]): Promise<boolean> {
    for (let waitMs = options.retryMs; !closed; waitMs = Math.min(2 * waitMs, options.retryMsMax)) {
      try {
        await tellLost(frames[0]?.offset);
        await consumer.handle({ partition, frames });
        return true;
      } catch {
        // The consumer knows and reports why; ours is to offer them again.
        await closing.wait(waitMs);
      }
    }
    return false;
  }

  const running = follow();
  return {
    async close() {
      closed = true;
      hint.wake();
      closing.wake();
      await running;
      await consumer.revoked(partition);
    },
  };
}
