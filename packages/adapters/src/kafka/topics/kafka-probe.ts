import { adminAsking } from "../client/admin-asking.ts";
import type { KafkaConnection } from "../client/kafka-connection.ts";
import { topicOf } from "./kafka-topics.ts";

/** A small question to the leaders of all partitions of the readings. */
export interface KafkaProbe {
  ask(): Promise<void>;
  close(): Promise<void>;
}

export function kafkaProbe(connection: KafkaConnection): KafkaProbe {
  const admin = adminAsking(connection);
  const topic = topicOf(connection, "readings");
  return {
    ask: async () => void (await admin.ends(topic)),
    close: admin.close,
  };
}
