import type { PassedOver } from "../client/fetch-detours.ts";
import type { KafkaConnection } from "../client/kafka-connection.ts";
import { withAdmin } from "./kafka-topics.ts";
import { topics } from "./topic-names.ts";

/**
 * What is given as passed over and is not there to be passed over. Offsets that are still to come would be readings:
 * they would be taken for records that cannot be read, and lost.
 *
 * @throws where the cluster does not answer.
 */
export async function wrongPassOvers(connection: KafkaConnection): Promise<string[]> {
  const { passOver = [], topicPrefix } = connection.settings;
  if (passOver.length === 0) return [];
  return withAdmin(connection, async (admin) => {
    const there = new Set(await admin.listTopics());
    const ours = new Set(Object.values(topics).map((name) => topicPrefix + name));
    const ends = new Map<string, ReadonlyMap<number, number>>();
    for (const topic of new Set(passOver.map((one) => one.topic))) {
      if (!there.has(topic) || !ours.has(topic)) continue;
      const found = await admin.fetchTopicOffsets(topic);
      ends.set(topic, new Map(found.map(({ partition, high }) => [partition, Number(high)])));
    }
    return passOver.flatMap((one) => {
      const why = whyNot(one, ends.get(one.topic));
      return why === undefined ? [] : [`METERBOOK_KAFKA_PASS_OVER=${textOf(one)}: ${why}`];
    });
  });
}

function whyNot(
  { topic, partition, to }: PassedOver,
  ends: ReadonlyMap<number, number> | undefined,
): string | undefined {
  if (ends === undefined) return `${topic} is not a topic of ours that is there`;
  const end = ends.get(partition);
  if (end === undefined) return `${topic} has partitions 0 to ${ends.size - 1}`;
  if (to < end) return undefined;
  const last = end === 0 ? "it holds nothing" : `its last offset is ${end - 1}`;
  return `${topic} partition ${partition} ends before ${to}: ${last}. What is still to come cannot be passed over`;
}

function textOf({ topic, partition, from, to }: PassedOver): string {
  return `${topic}/${partition}/${from}-${to}`;
}
