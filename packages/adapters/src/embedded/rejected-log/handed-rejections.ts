import type { MessagePort } from "node:worker_threads";
import { AdapterError, type AdapterErrorCode, messageOf } from "@meterbook/core/ports/adapter-error";
import type { Rejection } from "@meterbook/core/ports/rejected-log";
import { type PackedRejections, packRejections, unpackMessages } from "./packed-rejections.ts";

/**
 * The rejected log has one writer, in the thread that takes messages: two would wait for each other's transactions, and
 * a meter for both. Other threads hand their refusals over by a port.
 */
type Handed = { readonly number: number; readonly packed: PackedRejections };
type Answer = { readonly number: number; readonly failed: Failure | undefined };
interface Failure {
  readonly code: AdapterErrorCode;
  readonly detail: string;
  readonly retryable: boolean;
}

type Append = (rejections: readonly Rejection[]) => Promise<void>;

/**
 * The end of the thread that refuses: resolves when what was handed over is kept. Where nobody takes it any more,
 * `itself` does.
 */
export function handOverRejections(port: MessagePort, itself: Append): { append: Append; close(): void } {
  const waiting = new Map<number, (outcome: Failure | "kept" | "nobody") => void>();
  let number = 0;
  let isAlone = false;
  port.on("message", ({ number: of, failed }: Answer) => waiting.get(of)?.(failed ?? "kept"));
  port.on("close", () => {
    isAlone = true;
    for (const settle of waiting.values()) settle("nobody");
  });

  async function handOver(rejections: readonly Rejection[]): Promise<Failure | "kept" | "nobody"> {
    number += 1;
    const own = number;
    const { promise, resolve } = Promise.withResolvers<Failure | "kept" | "nobody">();
    waiting.set(own, resolve);
    const packed = packRejections(rejections);
    port.postMessage({ number: own, packed } satisfies Handed, [packed.payloads.buffer]);
    return promise.finally(() => waiting.delete(own));
  }

  return {
    async append(rejections) {
      const outcome = isAlone ? "nobody" : await handOver(rejections);
      if (outcome === "kept") return;
      // It may be kept already: what comes from the same source is kept once.
      if (outcome === "nobody") return itself(rejections);
      throw new AdapterError(outcome.code, outcome);
    },
    close: () => port.close(),
  };
}

/** The end of the thread that writes. */
export function takeHandedRejections(port: MessagePort, append: Append): { close(): void } {
  async function take({ number, packed }: Handed): Promise<void> {
    const failed = await append(rejectionsOf(packed)).then(() => undefined, failureOf);
    port.postMessage({ number, failed } satisfies Answer);
  }
  port.on("message", (handed: Handed) => void take(handed));
  return { close: () => port.close() };
}

function rejectionsOf(packed: PackedRejections): Rejection[] {
  const messages = [...unpackMessages(packed)];
  return messages.flatMap(({ refusals, ...message }) => refusals.map((refusal) => ({ ...message, ...refusal })));
}

function failureOf(error: unknown): Failure {
  const detail = messageOf(error);
  if (error instanceof AdapterError) return { code: error.code, detail, retryable: error.retryable };
  return { code: "log_append_failed", detail, retryable: true };
}
