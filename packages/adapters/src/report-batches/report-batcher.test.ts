import type { LoggedReport } from "@meterbook/core/ports/readings-log";
import { checkFrame } from "@meterbook/core/records/frame-protobuf";
import { expect, test, vi } from "vitest";
import type { BatcherOptions, FrameToWrite } from "./report-batcher.ts";
import { reportBatcher } from "./report-batcher.ts";

interface Write {
  /** The reports' texts, frame by frame. */
  readonly frames: string[][];
  readonly outcome: PromiseWithResolvers<void>;
}

/** A batcher whose writes end when the test says so. */
function held(options: Partial<BatcherOptions> = {}) {
  const writes: Write[] = [];
  const write = (frames: readonly FrameToWrite[]) => {
    const texts = frames.map(({ bytes }) =>
      checkFrame(bytes).reports.map(({ report }) => Buffer.from(report).toString()),
    );
    const outcome = Promise.withResolvers<void>();
    writes.push({ frames: texts, outcome });
    return outcome.promise;
  };
  const limits = { frameBytesMax: 1000, framesPerWriteMax: 100, lingerMs: 0, waitingBytesMax: 1_000_000 };
  return { writes, batcher: reportBatcher(write, { ...limits, ...options }) };
}

async function nth(writes: readonly Write[], index: number): Promise<Write> {
  return vi.waitFor(() => writes[index] ?? Promise.reject(new Error(`there is no write ${index}`)), { interval: 1 });
}

function report(text: string): LoggedReport {
  return { meterId: "m", receivedAtMs: 1, origin: "remote", report: Buffer.from(text), readings: 1 };
}

test("a report is settled by the write that holds it, not before", async () => {
  const { writes, batcher } = held();
  const settled: string[] = [];
  const first = batcher.add(report("1")).then(() => settled.push("1"));
  const write = await nth(writes, 0);
  const second = batcher.add(report("2")).then(() => settled.push("2"));
  await new Promise((resolve) => setImmediate(resolve));
  expect(settled).toEqual([]);
  write.outcome.resolve();
  await first;
  expect(settled).toEqual(["1"]);
  (await nth(writes, 1)).outcome.resolve();
  await second;
});

test("while many come they wait for others, or until so many wait; and no longer when few come", async () => {
  const busy = { reportsPerSecond: 100, lingerMs: 60_000, reportsMax: 3 };
  let nowMs = 0;
  const { writes, batcher } = held({ lingerMs: 1, busy, nowMs: () => nowMs });
  const some = (count: number) => Array.from({ length: count }, (_, i) => batcher.add(report(String(i))));
  async function written(index: number, reports: Promise<void>[]): Promise<readonly string[] | undefined> {
    nowMs += 10;
    const { frames, outcome } = await nth(writes, index);
    outcome.resolve();
    await Promise.all(reports);
    return frames[0];
  }
  // Of the first write nobody knows how fast they come; the second comes fast after it.
  expect(await written(0, some(2))).toHaveLength(2);
  expect(await written(1, some(30))).toHaveLength(30);
  const waiting = some(2);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(writes).toHaveLength(2);
  nowMs += 200;
  waiting.push(...some(1));
  // Three in a fifth of a second are few.
  expect(await written(2, waiting)).toHaveLength(3);
  expect(await written(3, some(1))).toHaveLength(1);
});

test("without a linger what comes together is written at the end of its turn, and not after it", async () => {
  const { writes, batcher } = held({ lingerMs: 0 });
  const all = [batcher.add(report("1"))];
  await Promise.resolve();
  all.push(batcher.add(report("2")));
  expect(writes).toEqual([]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(writes.map(({ frames }) => frames)).toEqual([[["1", "2"]]]);
  writes[0]?.outcome.resolve();
  await Promise.all(all);
});

test("what arrives while a write is under way shares the next, in order", async () => {
  const { writes, batcher } = held();
  const all = [batcher.add(report("0"))];
  const write = await nth(writes, 0);
  for (let i = 1; i < 6; i += 1) all.push(batcher.add(report(`${i}`)));
  write.outcome.resolve();
  const next = await nth(writes, 1);
  expect(next.frames).toEqual([["1", "2", "3", "4", "5"]]);
  next.outcome.resolve();
  await Promise.all(all);
});

test("a failure rejects the reports of that write and no others", async () => {
  const { writes, batcher } = held();
  const first = batcher.add(report("1"));
  const write = await nth(writes, 0);
  const second = batcher.add(report("2"));
  write.outcome.reject(new Error("no room"));
  await expect(first).rejects.toThrow("no room");
  (await nth(writes, 1)).outcome.resolve();
  await second;
});

test("no more than the bound is inside, however much is given, and what waits comes in order", async () => {
  const { writes, batcher } = held({ waitingBytesMax: 400 });
  const all = Array.from({ length: 100 }, (_, i) => batcher.add(report(`${i}`.padStart(20, "0"))));
  const seen: string[] = [];
  for (let index = 0; seen.length < 100; index += 1) {
    const { frames, outcome } = await nth(writes, index);
    const texts = frames.flat();
    expect(texts.length * 20).toBeLessThanOrEqual(400);
    seen.push(...texts);
    outcome.resolve();
  }
  await Promise.all(all);
  expect(seen.map(Number)).toEqual(Array.from({ length: 100 }, (_, i) => i));
});

test("close writes what waits, inside and outside, and takes no more", async () => {
  const { writes, batcher } = held({ waitingBytesMax: 100, lingerMs: 60_000 });
  const all = Array.from({ length: 10 }, (_, i) => batcher.add(report(`${i}`)));
  const closed = batcher.close();
  let written = 0;
  for (let index = 0; written < 10; index += 1) {
    const { frames, outcome } = await nth(writes, index);
    written += frames.flat().length;
    outcome.resolve();
  }
  await closed;
  await Promise.all(all);
  await expect(batcher.add(report("late"))).rejects.toMatchObject({ code: "log_closed" });
});

test("reports of a partition share a frame, however those of others come between", async () => {
  const { writes, batcher } = held({ partitionOf: ({ meterId }) => (meterId === "m" ? 0 : 1) });
  const other = (text: string) => batcher.add({ ...report(text), meterId: "n" });
  const added = [batcher.add(report("1")), other("a"), batcher.add(report("2")), other("b")];
  const write = await nth(writes, 0);
  expect(write.frames).toEqual([
    ["1", "2"],
    ["a", "b"],
  ]);
  write.outcome.resolve();
  await Promise.all(added);
});

test("H09: 100 000 reports that wait for room are let in at the same cost each", async () => {
  const batcher = reportBatcher(async () => undefined, {
    frameBytesMax: 1000,
    framesPerWriteMax: 100,
    lingerMs: 0,
    waitingBytesMax: 10_000,
  });
  const one = report("1");
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: 100_000 }, () => batcher.add(one)));
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(1000);
});
