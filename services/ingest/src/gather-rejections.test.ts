// Goal: whoever has a reading refused now and then does not wait for all that others have had refused (H10).
import type { Rejection } from "@meterbook/core/ports/rejected-log";
import { expect, test } from "vitest";
import { gatherRejections } from "./gather-rejections.ts";

function refused(senderName: string, { readings = 1, bytes = 100 } = {}): Rejection[] {
  const payload = new Uint8Array(bytes);
  return Array.from({ length: readings }, (_, readingIndex) => {
    const where = { topic: "meters/m-1/readings", meterId: "m-1", clientId: senderName, receivedAtMs: 0, senderName };
    return { reason: "value_negative", detail: "", ...where, payload, truncatedFrom: null, readingIndex };
  });
}

/** A log whose appends are let through one by one. */
function slowLog() {
  const appends: { rejections: readonly Rejection[]; done: PromiseWithResolvers<void> }[] = [];
  return {
    appends,
    append(rejections: readonly Rejection[]) {
      const done = Promise.withResolvers<void>();
      appends.push({ rejections, done });
      return done.promise;
    },
  };
}

const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

test("an honest sender's refusal is in the next append, however much waits of others", async () => {
  const log = slowLog();
  const reject = gatherRejections(log);
  const waiting = Array.from({ length: 200 }, () => reject(refused("hostile", { readings: 200, bytes: 16_000 })));
  await turn();
  const honest = reject(refused("honest"));
  log.appends[0]?.done.resolve();
  await turn();
  expect(log.appends[1]?.rejections.map(({ senderName }) => senderName)).toContain("honest");
  log.appends[1]?.done.resolve();
  await honest;
  for (let n = 2; n < 500; n += 1) {
    await turn();
    log.appends[n]?.done.resolve();
  }
  await Promise.all(waiting);
  expect(log.appends.reduce((sum, { rejections }) => sum + rejections.length, 0)).toBe(200 * 200 + 1);
});

test("an append is bounded in refusals and in bytes, and a message larger than a round goes too", async () => {
  const log = slowLog();
  const reject = gatherRejections(log);
  for (let n = 0; n < 10; n += 1) void reject(refused(`large ${n}`, { bytes: 250_000 }));
  for (let n = 0; n < 2_000; n += 1) void reject(refused(`small ${n % 7}`));
  for (let n = 0; n < 500; n += 1) {
    await turn();
    log.appends[n]?.done.resolve();
  }
  const sizes = log.appends.map(({ rejections }) => {
    const bytes = rejections.reduce((sum, { payload }) => sum + payload.length, 0);
    return { rejections: rejections.length, bytes };
  });
  expect(Math.max(...sizes.map(({ rejections }) => rejections))).toBeLessThanOrEqual(500);
  expect(Math.max(...sizes.map(({ bytes }) => bytes))).toBeLessThan(512 * 1024 + 250_000);
  expect(sizes.reduce((sum, { rejections }) => sum + rejections, 0)).toBe(2_010);
});

test("an append that fails fails for those that were in it", async () => {
  const log = slowLog();
  const reject = gatherRejections(log);
  const first = reject(refused("a"));
  const failed = expect(first).rejects.toThrow("no room");
  await turn();
  const second = reject(refused("a"));
  log.appends[0]?.done.reject(new Error("no room"));
  await failed;
  await turn();
  log.appends[1]?.done.resolve();
  await second;
});
