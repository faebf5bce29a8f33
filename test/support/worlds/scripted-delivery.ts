import type { FrameConsumer } from "@meterbook/core/ports/readings-log";
import type { ScriptedLog } from "./scripted-log.ts";

/** Hands over what is in the log, in order and one delivery at a time. */
export interface ScriptedDelivery {
  /** The next record that is handed over. */
  readonly position: number;
  /** A process was started, and takes what comes. */
  consume(consumer: FrameConsumer): void;
  /** It has the partition from here on. */
  assign(): Promise<void>;
  /** Hands over so many records, or all there are. */
  deliver(count?: number): Promise<void>;
  /** Delivers again and again, as a log does, until the record was taken or the aggregator is another. */
  passed(offset: number): Promise<void>;
  /** Nothing is delivered from now on; resolves when nothing is under way. */
  hold(): Promise<void>;
  goOn(): void;
}

const passedWithinMs = 20_000;

export function scriptedDelivery(log: ScriptedLog): ScriptedDelivery {
  let consumer: FrameConsumer | undefined;
  let processNo = 0;
  let ownerNo = 0;
  let resumeAt = 0;
  let isToOpenAgain = false;
  let isHeld = false;
  let delivering: Promise<void> = Promise.resolve();

  async function open(): Promise<void> {
    ownerNo += 1;
    isToOpenAgain = false;
    const again = () => {
      isToOpenAgain = true;
    };
    resumeAt = (await consumer?.assigned(0, ownerNo, undefined, again)) ?? 0;
  }

  /** What the consumer knew of the partition was wrong: it is taken from it and given to it anew. */
  async function openAgain(count: number): Promise<void> {
    await consumer?.revoked(0);
    await open();
    await deliverFrom(count);
  }

  /** From where the store says that it stands, like a log after a start. */
  async function deliverFrom(count: number): Promise<void> {
    const from = Math.max(log.heldFrom, resumeAt);
    const due = isHeld ? [] : log.frames.slice(from, from + count);
    if (due.length === 0) return;
    try {
      await consumer?.handle({ partition: 0, frames: due });
    } catch (error) {
      if (isToOpenAgain) return openAgain(count);
      throw error;
    }
    resumeAt = from + due.length;
  }

  function deliver(count = Number.POSITIVE_INFINITY): Promise<void> {
    const next = delivering.then(() => deliverFrom(count));
    delivering = next.catch(() => undefined);
    return next;
  }

  return {
    get position() {
      return resumeAt;
    },
    consume(given) {
      consumer = given;
    },
    async assign() {
      processNo += 1;
      await open();
    },
    deliver,
    async passed(offset) {
      const of = processNo;
      const deadline = Date.now() + passedWithinMs;
      for (let error: unknown; resumeAt <= offset; ) {
        if (of !== processNo || Date.now() > deadline) throw error ?? new Error("the barrier was not passed");
        error = await deliver().catch((cause: unknown) => cause);
        if (resumeAt <= offset) await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    async hold() {
      isHeld = true;
      await delivering;
    },
    goOn() {
      isHeld = false;
    },
  };
}
