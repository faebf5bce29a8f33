import { kafkaConnection } from "@meterbook/adapters/kafka/client/kafka-connection";
import { verifyTopics, type WrongRecord } from "@meterbook/adapters/kafka/verify/verify-topics";
import type { KeptSeal } from "@meterbook/core/domain/seal/seal";
import type { KafkaSettings } from "@meterbook/runtime/settings/kafka-settings";

const words = {
  readings: "frames of readings",
  snapshots: "snapshots and seals",
  registry: "records of master data",
  rejected: "refused messages",
  damage: "records of damage",
};

/** Reads the topics; tells a line for each record that is wrong, and answers what was read in words. */
export async function verifyKafka(
  kafka: KafkaSettings,
  told: (line: string) => void,
  kept: readonly KeptSeal[],
): Promise<{ readonly what: string; readonly bytes: number }> {
  const connection = kafkaConnection(kafka, { clientId: "meterbook-verify", log: () => undefined });
  const { records, bytes } = await verifyTopics(connection, (wrong) => told(lineOf(wrong)), kept);
  const counts = Object.entries(records).map(([name, count]) => `${count} ${words[name as keyof typeof words]}`);
  return { what: `${kafka.brokers.join(",")} ${kafka.topicPrefix}*: ${counts.join(", ")}`, bytes };
}

function lineOf({ topic, partition, offset, row, code, detail }: WrongRecord): string {
  const place = partition === null ? topic : `${topic} partition ${partition} offset ${offset}`;
  return `${place}${row === null ? "" : ` ${row}`} ${code}: ${detail.replace(/\s+/g, " ")}`;
}
