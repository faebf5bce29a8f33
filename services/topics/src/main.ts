import { kafkaConnection } from "@meterbook/adapters/kafka/client/kafka-connection";
import { commandOf, correctTopics } from "@meterbook/adapters/kafka/topics/correct-topics";
import { startOnKafka } from "@meterbook/adapters/kafka/topics/kafka-start";
import { messageOf } from "@meterbook/core/ports/adapter-error";
import { acceptServers } from "@meterbook/runtime/process/accept-servers";
import { optionsOrExit } from "@meterbook/runtime/process/command-options";
import { type KafkaSettings, topicRetention } from "@meterbook/runtime/settings/kafka-settings";
import { settingsOrExit } from "@meterbook/runtime/settings/load-settings";
import { openLogger } from "@meterbook/runtime/telemetry/telemetry";

/**
 * `npm run topics`: makes the topics that are missing and looks at all of them. Exit 0 when they are right, 1 when not.
 */
const { values } = optionsOrExit({
  usage: `npm run topics                  makes the Kafka topics that are missing and looks at all of them
npm run topics -- --correct     and sets what is wrong with their settings

Exit 0 when they are right, 1 when not; then it prints the commands that mend what settings can mend. Settings are environment
variables METERBOOK_* or a .env file (docs/operations.md).`,
  options: { correct: { type: "boolean", default: false } },
});
const settings = settingsOrExit("topics");
const log = openLogger({ name: "topics", level: settings.logLevel, format: settings.logFormat });
const kafka = settings.kafka as KafkaSettings;
const connection = kafkaConnection(kafka, {
  clientId: "meterbook-topics",
  log: (level, message, fields) => log[level](fields, message),
});

try {
  const look = () => startOnKafka(connection, { ...kafka, createTopics: "on", ...topicRetention(settings) });
  let found = await look();
  if (values.correct && found.corrections.length > 0) {
    await correctTopics(connection, found.corrections);
    for (const { topic, settings: set } of found.corrections)
      console.log(`${topic}: set ${[...set].map(([name, value]) => `${name}=${value}`).join(", ")}`);
    found = await look();
  }
  for (const correction of found.corrections) console.log(commandOf(connection, correction));
  acceptServers(log, [{ ...found, warnings: [...found.warnings, ...found.notices] }]);
  console.log(`the topics ${kafka.topicPrefix}* are right: the readings have ${found.partitions} partitions`);
} catch (error) {
  log.error({}, `The topics are not right: ${messageOf(error)}`);
  process.exitCode = 1;
}
