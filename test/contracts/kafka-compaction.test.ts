// Goal: a broker that compacts the registry's topic throws nothing of its history away. Method: a real Kafka that
// compacts at once. Records of a few keys go into the registry and into another topic with the same settings but for
// the one that our services demand; when the broker has compacted the other one, the registry still has all versions.
import { pastElections } from "@meterbook/adapters/kafka/client/admin-asking";
import { kafkaConnection } from "@meterbook/adapters/kafka/client/kafka-connection";
import { openKafkaRegistry } from "@meterbook/adapters/kafka/registry/kafka-registry";
import { createTopics } from "@meterbook/adapters/kafka/topics/kafka-topics";
import { topicRules } from "@meterbook/adapters/kafka/topics/topic-rules";
import kafkajs, { type Admin } from "kafkajs";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { type KafkaServer, kafkaIsThere, startKafka } from "../support/servers/kafka-server.ts";
import { silentKafkaEvents as events } from "../support/servers/silent-kafka-events.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { aRecord } from "./registry.contract.ts";

describe.skipIf(!kafkaIsThere(3))("the registry's topic and compaction", { timeout: 120_000 }, () => {
  let kafka: KafkaServer;
  beforeAll(async () => {
    kafka = await startKafka({ as: "native", properties: () => "\nlog.cleaner.backoff.ms=200\n" });
  }, 60_000);
  afterAll(() => kafka.dispose());

  test("all versions are kept", async () => {
    const settings = { brokers: kafka.brokers, topicPrefix: "", compression: "none" } as const;
    const connection = kafkaConnection(settings, { clientId: "test", log: () => undefined });
    await pastElections(() => createTopics(connection, { partitions: 1, readingsRetentionDays: 7 }));
    const admin = connection.client.admin();
    await admin.connect();
    onTestFinished(() => admin.disconnect());
    const lag = topicRules("registry", { readingsRetentionDays: 7 }).find((rule) =>
      rule.setting.startsWith("min.comp"),
    );
    if (lag === undefined) throw new Error("no rule keeps the history");
    const eager = { "cleanup.policy": "compact", "segment.ms": "200", "min.cleanable.dirty.ratio": "0.001" };
    const { TOPIC: type } = kafkajs.ConfigResourceTypes;
    const resources = [
      { type, name: "registry.v1", configEntries: entriesOf({ ...eager, [lag.setting]: lag.wish }) },
      { type, name: "jobs.v1", configEntries: entriesOf(eager) },
    ];
    await admin.alterConfigs({ validateOnly: false, resources });
    const open = async () => {
      const registry = await openKafkaRegistry({ connection, events, dataDir: await temporaryDirectory() });
      onTestFinished(() => registry.close().catch(() => undefined));
      return registry;
    };
    const producer = connection.client.producer();
    await producer.connect();
    onTestFinished(() => producer.disconnect());
    const ids = Array.from({ length: 30 }, (_, n) => `m-${n}`);
    const rounds = 5;
    for (let round = 0; round < rounds; round += 1) {
      const writer = await open();
      await writer.put(ids.map((id) => aRecord(id, `${id}.${round}`)));
      await writer.close();
      await producer.send({ topic: "jobs.v1", messages: ids.map((key) => ({ key, value: `${round}`, partition: 0 })) });
    }
    const keeper = await open();
    let last = 0;
    // The segment in which is written is not compacted; the next record begins another.
    await vi.waitFor(
      async () => {
        last += 1;
        await keeper.put([aRecord("last", `last.${last}`)]);
        await producer.send({ topic: "jobs.v1", messages: [{ key: "last", value: `${last}`, partition: 0 }] });
        expect(await recordsLeft(connection, "jobs.v1", await endOf(admin, "jobs.v1"))).toBeLessThan(60);
      },
      { timeout: 60_000, interval: 500 },
    );
    const ends = await endOf(admin, "registry.v1");
    expect(await recordsLeft(connection, "registry.v1", ends)).toBe(ends);
    const another = await open();
    for (const id of ids) {
      const versions = await another.versions({ kind: "meter", id }, { limit: 10 });
      expect(versions.map(({ version }) => version)).toEqual([5, 4, 3, 2, 1]);
    }
    expect((await another.meterVersion("m-3", 2))?.record?.usagePointId).toBe("m-3.1");
  });

  function entriesOf(config: Readonly<Record<string, string>>) {
    return Object.entries(config).map(([name, value]) => ({ name, value }));
  }

  async function endOf(admin: Admin, topic: string): Promise<number> {
    const [{ high = "0" } = {}] = await admin.fetchTopicOffsets(topic);
    return Number(high);
  }

  /** How many the topic still holds, of so many offsets. */
  async function recordsLeft(
    connection: ReturnType<typeof kafkaConnection>,
    topic: string,
    offsets: number,
  ): Promise<number> {
    const consumer = connection.client.consumer({ groupId: crypto.randomUUID() });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    let left = 0;
    const done = Promise.withResolvers<void>();
    await consumer.run({
      eachMessage: async ({ message }) => {
        left += 1;
        if (Number(message.offset) + 1 >= offsets) done.resolve();
      },
    });
    await done.promise;
    await consumer.disconnect();
    return left;
  }
});
