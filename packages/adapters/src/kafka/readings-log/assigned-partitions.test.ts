// Goal: who may work on a partition when. Method: joins as kafkajs tells them, on a client that only notes what it is
// asked.
import type { FrameConsumer } from "@meterbook/core/ports/readings-log";
import type { Consumer, EachBatchPayload } from "kafkajs";
import { expect, test } from "vitest";
import { type AssignedPartitions, assignedPartitions } from "./assigned-partitions.ts";
import type { QueueEvents } from "./partition-queue.ts";

const teller = { damaged: () => undefined, nowMs: () => 0 };
const events: QueueEvents = { handleFailed: () => undefined, gap: () => undefined };

function world(over: Partial<FrameConsumer> = {}, told = events) {
  const said: string[] = [];
  const epochs: number[] = [];
  const note = (what: string) => (asked: unknown) => void said.push(`${what} ${JSON.stringify(asked)}`);
  const client = { seek: note("seek"), pause: note("pause"), resume: note("resume") } as unknown as Consumer;
  const consumer: FrameConsumer = {
    async assigned(partition, epoch) {
      epochs.push(epoch);
      said.push(`assigned ${partition}`);
      return 40;
    },
    async revoked(partition) {
      said.push(`revoked ${partition}`);
    },
    handle: async () => undefined,
    ...over,
  };
  return { said, epochs, client, assigned: assignedPartitions("readings", consumer, told, teller) };
}

function positions({ queues }: AssignedPartitions): unknown[] {
  return queues.map(({ partition, nextOffset }) => [partition, nextOffset]);
}

test("is not fetched before the consumer has said from where", async () => {
  const { assigned, client, said } = world();
  assigned.joined(client, "one", [3]);
  expect(said).toEqual(['pause [{"topic":"readings","partitions":[3]}]']);
  await expect.poll(() => positions(assigned)).toEqual([[3, 40]]);
  expect(said.slice(1)).toEqual([
    "assigned 3",
    'seek {"topic":"readings","partition":3,"offset":"40"}',
    'resume [{"topic":"readings","partitions":[3]}]',
  ]);
});

test("the same member goes on with what it keeps; a new member begins everything anew, later", async () => {
  const { assigned, client, said, epochs } = world();
  assigned.joined(client, "one", [0, 1]);
  await expect.poll(() => said.filter((line) => line.startsWith("assigned"))).toEqual(["assigned 0", "assigned 1"]);
  assigned.joined(client, "one", [1]);
  await expect.poll(() => said).toContain("revoked 0");
  expect(said).not.toContain("revoked 1");
  said.length = 0;
  assigned.joined(client, "two", [1]);
  await expect.poll(() => said.filter((line) => /assigned|revoked/.test(line))).toEqual(["revoked 1", "assigned 1"]);
  expect([...epochs].sort((a, b) => a - b)).toEqual(epochs);
  expect(new Set(epochs).size).toBe(3);
});

test("a batch of a partition that was taken away reaches nobody", async () => {
  const { assigned, client } = world();
  assigned.joined(client, "one", [0]);
  assigned.joined(client, "one", []);
  const resolved: string[] = [];
  const payload = {
    batch: { partition: 0, messages: [{ offset: "40" }] },
    resolveOffset: (offset: string) => resolved.push(offset),
    isStale: () => false,
    isRunning: () => true,
  };
  assigned.take(client, payload as unknown as EachBatchPayload);
  expect(resolved).toEqual([]);
});

test("a partition that is taken away while it is being taken over: told, and no failure when that stops it", async () => {
  const failures: unknown[] = [];
  const opened = Promise.withResolvers<AbortSignal>();
  const { assigned, client, said } = world(
    {
      assigned(_partition, _epoch, gone) {
        if (gone !== undefined) opened.resolve(gone);
        return new Promise((_, reject) => gone?.addEventListener("abort", () => reject(gone.reason as Error)));
      },
    },
    { ...events, handleFailed: ({ error }) => failures.push(error) },
  );
  assigned.joined(client, "one", [0]);
  const gone = await opened.promise;
  expect(gone.aborted).toBe(false);
  assigned.joined(client, "one", []);
  await assigned.close();
  expect(gone.aborted).toBe(true);
  expect(said.filter((line) => line.startsWith("revoked"))).toEqual([]);
  expect(failures).toEqual([]);
});

test("close lets go once, and a join meanwhile begins nothing", async () => {
  const { assigned, client, said } = world({ revoked: async () => void said.push("revoked") });
  assigned.joined(client, "one", [0]);
  await expect.poll(() => positions(assigned)).toEqual([[0, 40]]);
  const closed = assigned.close();
  assigned.joined(client, "one", [1, 2]);
  await closed;
  expect(said.filter((line) => line.startsWith("revoked"))).toEqual(["revoked"]);
  expect(said.filter((line) => line.startsWith("assigned"))).toEqual(["assigned 0"]);
});
