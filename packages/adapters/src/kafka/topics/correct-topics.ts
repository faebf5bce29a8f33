import kafkajs from "kafkajs";
import type { KafkaConnection } from "../client/kafka-connection.ts";
import { type TopicProblem, withAdmin } from "./kafka-topics.ts";

/** What is to be set on a topic. */
export interface TopicCorrection {
  readonly topic: string;
  readonly settings: ReadonlyMap<string, string>;
}

/** The settings that mend the problems which settings can mend. */
export function correctionsOf(problems: readonly TopicProblem[]): TopicCorrection[] {
  const settings = new Map<string, Map<string, string>>();
  for (const { topic, set } of problems) {
    if (set === undefined) continue;
    settings.set(topic, (settings.get(topic) ?? new Map<string, string>()).set(set.name, set.value));
  }
  return [...settings].map(([topic, own]) => ({ topic, settings: own }));
}

/** For whoever may change topics where we may not. */
export function commandOf({ settings: { brokers } }: KafkaConnection, { topic, settings }: TopicCorrection): string {
  const added = [...settings].map(([name, value]) => `${name}=${value}`).join(",");
  return `kafka-configs.sh --bootstrap-server ${brokers[0]} --alter --entity-type topics --entity-name ${topic} --add-config ${added}`;
}

/** Of the topic's own settings, not of the broker's. */
const ofTopic = 1;

/** Sets them. The request that kafkajs has replaces all settings of a topic, so it names them all. */
export async function correctTopics(
  connection: KafkaConnection,
  corrections: readonly TopicCorrection[],
): Promise<void> {
  if (corrections.length === 0) return;
  const type = kafkajs.ConfigResourceTypes.TOPIC;
  await withAdmin(connection, async (admin) => {
    const asked = corrections.map(({ topic }) => ({ type, name: topic }));
    const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: asked });
    const changed = corrections.map(({ topic, settings }) => {
      const found = resources.find(({ resourceName }) => resourceName === topic)?.configEntries ?? [];
      const own = found
        .filter(({ configSource }) => Number(configSource) === ofTopic)
        .map(({ configName, configValue }) => [configName, configValue] as const);
      const all = new Map([...own, ...settings]);
      return { type, name: topic, configEntries: [...all].map(([name, value]) => ({ name, value })) };
    });
    await admin.alterConfigs({ validateOnly: false, resources: changed });
  });
}
