// Goal: a view that cannot follow its topic is told within 10 s, and so is that it follows again.

import { lastingProducer } from "@meterbook/adapters/kafka/client/lasting-producer";
import { followTopics } from "@meterbook/adapters/kafka/following/topic-follower";
import { topicOf } from "@meterbook/adapters/kafka/topics/kafka-topics";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { kafkaPlaces } from "../support/servers/kafka-place.ts";
import { kafkaIsThere } from "../support/servers/kafka-server.ts";
import { silentKafkaEvents } from "../support/servers/silent-kafka-events.ts";

describe.skipIf(!kafkaIsThere())("a follower", { timeout: 60_000 }, () => {
  const kafka = kafkaPlaces();

  test("says that it falls behind, by how much, and that it has caught up", async () => {
    const connection = await kafka.place();
    const topic = topicOf(connection, "registry");
    const held = Promise.withResolvers<void>();
    let next = 0;
    const followed = {
      topic,
      position: () => next,
      async apply(_partition: number, _records: unknown, to: number) {
        if (to > 1) await held.promise;
        next = to;
      },
    };
    const events = { ...silentKafkaEvents, followBehind: vi.fn(), followCaughtUp: vi.fn() };
    const follower = await followTopics(connection, [followed], { name: "slow", events });
    onTestFinished(() => follower.close());
    const producer = lastingProducer(connection, silentKafkaEvents);
    onTestFinished(() => producer.close());
    const append = (key: string) => producer.send([{ topic, messages: [{ key, value: "v", partition: 0 }] }]);
    await append("m-0");
    await follower.catchUp(topic);
    await append("m-1");
    await append("m-2");
    await vi.waitFor(() => expect(events.followBehind).toHaveBeenCalledWith({ topic, records: 2 }), {
      timeout: 10_000,
    });
    expect(events.followCaughtUp).not.toHaveBeenCalled();
    held.resolve();
    await vi.waitFor(() => expect(events.followCaughtUp).toHaveBeenCalledWith({ topic }), { timeout: 10_000 });
  });

  test("D01: says that the topic ends before what was taken in", async () => {
    const connection = await kafka.place();
    const topic = topicOf(connection, "registry");
    const events = { ...silentKafkaEvents, followPutBack: vi.fn() };
    const followed = { topic, position: () => 7, apply: () => undefined };
    const follower = await followTopics(connection, [followed], { name: "ahead", events });
    onTestFinished(() => follower.close());
    await vi.waitFor(() => expect(events.followPutBack).toHaveBeenCalledWith({ topic }), { timeout: 15_000 });
  });
});
