import { createRequire } from "node:module";
import { afterEach, expect, test, vi } from "vitest";
import { calmRequestQueue } from "./calm-request-queue.ts";

interface Queue {
  pending: { send: () => void; expectResponse: boolean }[];
  readonly inflight: Map<number, unknown>;
  checkPendingRequests(): void;
}

function aQueue(): Queue {
  const required: unknown = createRequire(import.meta.url)("kafkajs/src/network/requestQueue/index.js");
  const RequestQueue = required as new (options: object) => Queue;
  const logger = { debug: () => undefined };
  return new RequestQueue({ maxInFlightRequests: 1, requestTimeout: 1000, enforceRequestTimeout: false, logger });
}

afterEach(() => vi.useRealTimers());

test("a connection looks for waiting requests while some wait, and then no more", () => {
  vi.useFakeTimers();
  const queue = aQueue();
  queue.checkPendingRequests();
  expect(vi.getTimerCount(), "what is mended here").toBe(1);
  vi.clearAllTimers();

  calmRequestQueue();
  calmRequestQueue();
  const calm = aQueue();
  calm.checkPendingRequests();
  expect(vi.getTimerCount()).toBe(0);
  let sent = 0;
  const send = () => {
    sent += 1;
  };
  calm.inflight.set(1, {});
  calm.pending.push({ send, expectResponse: true });
  calm.checkPendingRequests();
  expect([vi.getTimerCount(), sent]).toEqual([1, 0]);
  calm.inflight.clear();
  vi.runAllTimers();
  expect([vi.getTimerCount(), sent]).toEqual([0, 1]);
});
