// Goal: how calls share sends. Method: a producer that notes what it is given and answers when it is told to.
import type { Message } from "kafkajs";
import { expect, test } from "vitest";
import type { KafkaConnection } from "../client/kafka-connection.ts";
import { topicWriter } from "./topic-writer.ts";

const events = { writeFailed: () => undefined, writeRecovered: () => undefined };

function world(over: { callsMax?: number } = {}) {
  const sends: { sizes: number[]; answer: (outcome?: Error) => void }[] = [];
  let offset = 0;
  const producer = {
    connect: async () => undefined,
    disconnect: async () => undefined,
    async sendBatch({ topicMessages: [batch] }: { topicMessages: { messages: Message[] }[] }) {
      const messages = batch?.messages ?? [];
      const answered = Promise.withResolvers<void>();
      const answer = (outcome?: Error) => (outcome === undefined ? answered.resolve() : answered.reject(outcome));
      sends.push({ sizes: messages.map(({ value }) => value?.length ?? 0), answer });
      await answered.promise;
      const baseOffset = String(offset);
      offset += messages.length;
      return [{ topicName: "t", partition: 0, errorCode: 0, baseOffset }];
    },
  };
  const connection = { client: { producer: () => producer }, settings: { compression: "none" } };
  const writer = topicWriter<number>(connection as unknown as KafkaConnection, {
    topic: "t",
    events,
    recordOf: (size) => ({ value: Buffer.alloc(size) }),
    callsMax: over.callsMax ?? 100,
  });
  /** The send that comes next. */
  const next = async (index: number) => {
    await expect.poll(() => sends.length).toBe(index + 1);
    return sends[index] as (typeof sends)[number];
  };
  return { writer, next };
}

test("what comes during a send shares the next one, in order, and each call learns its last offset", async () => {
  const { writer, next } = world();
  const first = writer.write([1, 2]);
  const others = [writer.write([3]), writer.write([4, 5]), writer.write([6])];
  const one = await next(0);
  expect(one.sizes).toEqual([1, 2]);
  one.answer();
  expect(await first).toBe(1);
  const two = await next(1);
  expect(two.sizes).toEqual([3, 4, 5, 6]);
  two.answer();
  expect(await Promise.all(others)).toEqual([2, 4, 5]);
});

test("a send holds at most 1 000 records and 512 KiB; a larger record is one of its own", async () => {
  const { writer, next } = world();
  const kibibyte = 1024;
  const many = writer.write(Array.from({ length: 1001 }, () => 1));
  const large = writer.write([300 * kibibyte, 300 * kibibyte, 9000 * kibibyte, 1]);
  const sizes: number[][] = [];
  for (let index = 0; index < 5; index += 1) {
    const send = await next(index);
    sizes.push(send.sizes);
    send.answer();
  }
  expect(await Promise.all([many, large])).toEqual([1000, 1004]);
  expect(sizes.map((one) => one.length)).toEqual([1000, 2, 1, 1, 1]);
  expect(sizes[3]).toEqual([9000 * kibibyte]);
});

test("what the topic refuses rejects its call, and the others go on", async () => {
  const { writer, next } = world();
  const tooLarge = writer.write([600 * 1024, 1]);
  const good = writer.write([2]);
  (await next(0)).answer(Object.assign(new Error("too large"), { type: "MESSAGE_TOO_LARGE" }));
  await expect(tooLarge).rejects.toMatchObject({ code: "log_append_failed", retryable: false });
  const rest = await next(1);
  expect(rest.sizes).toEqual([2]);
  rest.answer();
  expect(await good).toBe(0);
});

test("calls that follow an answer at once are written too", async () => {
  const { writer, next } = world();
  let written = 0;
  const chain = (async () => {
    for (; written < 20; written += 1) await writer.write([1]);
  })();
  for (let index = 0; index < 20; index += 1) (await next(index)).answer();
  await chain;
  expect(written).toBe(20);
});

test("too many calls are refused, and so are those after close, which writes what waits", async () => {
  const { writer, next } = world({ callsMax: 1 });
  const first = writer.write([1]);
  const second = writer.write([2]);
  await expect(writer.write([3])).rejects.toMatchObject({ code: "log_full", retryable: true });
  const closed = writer.close();
  await expect(writer.write([4])).rejects.toMatchObject({ code: "log_closed" });
  (await next(0)).answer();
  (await next(1)).answer();
  expect(await Promise.all([first, second])).toEqual([0, 1]);
  await closed;
});
