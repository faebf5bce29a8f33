import { kafkaConnection } from "@meterbook/adapters/kafka/kafka-connection";
import { startOnKafka } from "@meterbook/adapters/kafka/kafka-start";
import { acceptServers } from "@meterbook/runtime/accept-servers";
import { optionsOrExit } from "@meterbook/runtime/command-options";
import type { KafkaSettings } from "@meterbook/runtime/kafka-settings";
import { settingsOrExit } from "@meterbook/runtime/load-settings";
import { openLogger } from "@meterbook/runtime/telemetry";

/** `npm run topics`: makes the topics that are missing and looks at all of them. Exit 0 when they are right, 1 when not. */
optionsOrExit({
  usage: `npm run topics

Makes the Kafka topics that are missing and looks at all of them. Exit 0 when they are right, 1 when not. Settings are
environment variables METERBOOK_* or a .env file (docs/operations.md).`,
});
const settings = settingsOrExit("topics");
const log = openLogger({ name: "topics", level: settings.logLevel, format: settings.logFormat });
const kafka = settings.kafka as KafkaSettings;
const connection = kafkaConnection(kafka, {
  clientId: "meterbook-topics",
  log: (level, message, fields) => log[level](fields, message),
});

try {
  const { logRetentionDays: readingsRetentionDays, rejected } = settings;
  const retention = { readingsRetentionDays, rejectedRetentionDays: rejected.retentionDays };
  const found = await startOnKafka(connection, { ...kafka, createTopics: "on", ...retention });
  acceptServers(log, [found]);
  console.log(`the topics ${kafka.topicPrefix}* are right: the readings have ${found.partitions} partitions`);
} catch (error) {
  log.error({}, `The topics are not right: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
