import { pastElections } from "@meterbook/adapters/kafka/client/admin-asking";
import { type KafkaConnection, kafkaConnection } from "@meterbook/adapters/kafka/client/kafka-connection";
import { createTopics } from "@meterbook/adapters/kafka/topics/kafka-topics";
import { afterAll, beforeAll } from "vitest";
import { type KafkaServer, startKafka } from "./kafka-server.ts";

export interface KafkaPlaces {
  readonly server: KafkaServer;
  /** Topics of its own, the readings with 4 partitions. */
  place(): Promise<KafkaConnection>;
}

/** One Kafka for the tests of a `describe`, each on topics of its own. */
export function kafkaPlaces(): KafkaPlaces {
  let server: KafkaServer;
  let made = 0;
  beforeAll(async () => {
    server = await startKafka();
  }, 60_000);
  afterAll(() => server.dispose());
  return {
    get server() {
      return server;
    },
    async place() {
      made += 1;
      const settings = { brokers: server.brokers, topicPrefix: `place${made}.`, compression: "none" } as const;
      const connection = kafkaConnection(settings, { clientId: "test", log: () => undefined });
      await pastElections(() => createTopics(connection, { partitions: 4, readingsRetentionDays: 7 }));
      return connection;
    },
  };
}
