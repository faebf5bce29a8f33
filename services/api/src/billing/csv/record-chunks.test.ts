// Goal: an export is whole though its threads cannot start, and none that did is left behind.
// Method: workers of a module that is not there, and stand-ins of which one cannot be made.
import { EventEmitter } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { aSnapshot } from "../../../../../test/support/worlds/api-world.ts";
import { memorySnapshots } from "../../../../../test/support/worlds/memory-ports.ts";
import { recordChunks, rowHelpers } from "./record-chunks.ts";

test("a thread that ends before it begins: the export goes on alone to its end", async () => {
  const meters = 300;
  const snapshots = memorySnapshots(...Array.from({ length: meters }, (_, i) => aSnapshot({ meterId: `m-${i}` })));
  const ended = Promise.withResolvers<void>();
  let isEnded = false;
  const start = () =>
    new Worker(new URL("file:///nowhere/at-all.ts")).once("exit", () => {
      isEnded = true;
      ended.resolve();
    });
  const takeHelpers = rowHelpers({ shards: 1, threadsMax: 1, start });
  let reads = 0;
  const latestRecords: typeof snapshots.latestRecords = async (page) => {
    reads += 1;
    // The thread is gone while most is still to be read.
    if (reads === 3) await ended.promise;
    return snapshots.latestRecords(page);
  };
  let rows = 0;
  const order = { snapshots: { ...snapshots, latestRecords }, period: aSnapshot().period, aloneMax: 20, takeHelpers };
  for await (const chunk of recordChunks(order, undefined, { size: 20, limit: undefined })) rows += chunk.rows;
  expect([rows, isEnded]).toEqual([meters, true]);
});

test("one of several cannot be made: there are no helpers, those before it end, and the next export may have some", async () => {
  let [made, running] = [0, 0];
  function start(): Worker {
    made += 1;
    if (made === 2) throw new Error("there is no room for a thread");
    running += 1;
    const worker = Object.assign(new EventEmitter(), {
      postMessage(message: unknown) {
        if (message !== null) return;
        running -= 1;
        worker.emit("exit");
      },
    });
    return worker as unknown as Worker;
  }
  const take = rowHelpers({ shards: 2, threadsMax: 2, start });
  expect(take()).toBeUndefined();
  await nextTurn();
  expect(running).toBe(0);
  const helpers = take();
  expect(running).toBe(2);
  await helpers?.end();
  expect(running).toBe(0);
});
