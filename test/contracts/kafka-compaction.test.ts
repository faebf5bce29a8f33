// Goal: a registry whose topic the broker has compacted is the same registry. Method: a real Kafka that compacts at once, a record
// put again and again by writers that come and go, and a view that is built from what is left.
import { pastElections } from "@meterbook/adapters/kafka/client/admin-asking";
import { kafkaConnection } from "@meterbook/adapters/kafka/client/kafka-connection";
import { openKafkaRegistry } from "@meterbook/adapters/kafka/registry/kafka-registry";
import { createTopics } from "@meterbook/adapters/kafka/topics/kafka-topics";
import type { RegistryChange } from "@meterbook/core/ports/registry";
import kafkajs from "kafkajs";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { type KafkaServer, kafkaIsThere, startKafka } from "../support/servers/kafka-server.ts";
import { silentKafkaEvents as events } from "../support/servers/silent-kafka-events.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { aRecord } from "./registry.contract.ts";

describe.skipIf(!kafkaIsThere(3))("the registry's topic after compaction", { timeout: 120_000 }, () => {
  let kafka: KafkaServer;
  beforeAll(async () => {
    kafka = await startKafka({ as: "native", properties: () => "\nlog.cleaner.backoff.ms=200\n" });
  }, 60_000);
  afterAll(() => kafka.dispose());

  test("a new view has the newest of each meter at the same positions, and puts go on", async () => {
    const settings = { brokers: kafka.brokers, topicPrefix: "", compression: "none" } as const;
    const connection = kafkaConnection(settings, { clientId: "test", log: () => undefined });
    await pastElections(() => createTopics(connection, { partitions: 1, readingsRetentionDays: 7 }));
    const admin = connection.client.admin();
    await admin.connect();
    onTestFinished(() => admin.disconnect());
    const eager = { "cleanup.policy": "compact", "segment.ms": "200", "min.cleanable.dirty.ratio": "0.001" };
    const configEntries = Object.entries(eager).map(([name, value]) => ({ name, value }));
    const { TOPIC: type } = kafkajs.ConfigResourceTypes;
    await admin.alterConfigs({ validateOnly: false, resources: [{ type, name: "registry.v1", configEntries }] });
    const open = async () => {
      const registry = await openKafkaRegistry({ connection, events, dataDir: await temporaryDirectory() });
      onTestFinished(() => registry.close().catch(() => undefined));
      return registry;
    };
    const positions = async (registry: Awaited<ReturnType<typeof open>>) => {
      const seen: (readonly [string, number])[] = [];
      const add = ({ record, position }: RegistryChange) => seen.push([record?.usagePointId ?? "", position]);
      await (await registry.follow(async (changes) => changes.forEach(add))).close();
      return seen;
    };

    const ids = Array.from({ length: 30 }, (_, n) => `m-${n}`);
    const keeper = await open();
    for (let round = 0; round < 5; round += 1) {
      const writer = await open();
      await writer.put(ids.map((id) => aRecord(id, `${id}.${round}`)));
      await writer.put([aRecord("m-0", `m-0.${round}`)]);
      await writer.close();
    }
    // The segment in which is written is not compacted; the next put begins another.
    let last = 0;
    await vi.waitFor(
      async () => {
        last += 1;
        await keeper.put([aRecord("last", `last.${last}`)]);
        const [{ low = "0", high = "0" } = {}] = await admin.fetchTopicOffsets("registry.v1");
        expect(await recordsLeft(connection, Number(high) - Number(low))).toBeLessThan(60);
      },
      { timeout: 60_000, interval: 500 },
    );
    const another = await open();
    expect(await positions(another)).toEqual(await positions(keeper));
    await another.put([aRecord("m-3", "m-3.new")]);
    expect((await another.get("m-3"))?.usagePointId).toBe("m-3.new");
    await vi.waitFor(async () => expect((await keeper.get("m-3"))?.usagePointId).toBe("m-3.new"), { timeout: 5000 });
  });

  /** How many the topic still holds, of so many offsets. */
  async function recordsLeft(connection: ReturnType<typeof kafkaConnection>, offsets: number): Promise<number> {
    const consumer = connection.client.consumer({ groupId: crypto.randomUUID() });
    await consumer.connect();
    await consumer.subscribe({ topic: "registry.v1", fromBeginning: true });
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
