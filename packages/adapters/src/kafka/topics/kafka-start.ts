import { messageOf } from "@meterbook/core/ports/adapter-error";
import { pastElections } from "../client/admin-asking.ts";
import type { KafkaConnection } from "../client/kafka-connection.ts";
import { correctionsOf, type TopicCorrection } from "./correct-topics.ts";
import { checkTopics, createTopics, type TopicProblem, type TopicWishes } from "./kafka-topics.ts";
import { wrongPassOvers } from "./wrong-pass-overs.ts";

/** How a cluster was found at the start. */
export interface KafkaStart {
  /** Of the readings; 0 where there are problems. */
  readonly partitions: number;
  /** What was done: topics that were made. */
  readonly notes: readonly string[];
  /** Each names the setting or the topic to change; with any of them Meterbook must not start. */
  readonly problems: readonly string[];
  /** Worth a line in the log: nothing that a setting could mend. */
  readonly warnings: readonly string[];
  /** What can lose records, and somebody should mend while the work goes on. */
  readonly notices: readonly string[];
  /** The settings of topics that would mend it. */
  readonly corrections: readonly TopicCorrection[];
}

export interface KafkaStartOptions extends TopicWishes {
  readonly createTopics: "on" | "off";
}

/** Looks at the cluster and its topics, makes what is missing where that is allowed, and answers all that is wrong. */
export async function startOnKafka(connection: KafkaConnection, options: KafkaStartOptions): Promise<KafkaStart> {
  try {
    const notes = options.createTopics === "on" ? await pastElections(() => createTopics(connection, options)) : [];
    return { ...(await lookAtTopics(connection, options)), notes: notes.map((topic) => `topic ${topic} made`) };
  } catch (error) {
    const problems = [whyUnreachable(connection, error)];
    return { partitions: 0, notes: [], problems, warnings: [], notices: [], corrections: [] };
  }
}

/**
 * All that is wrong with the topics.
 *
 * @throws where the cluster does not answer.
 */
export async function lookAtTopics(
  connection: KafkaConnection,
  options: KafkaStartOptions,
): Promise<Omit<KafkaStart, "notes">> {
  const { partitions, problems } = await pastElections(() => checkTopics(connection, options));
  const [severe, weak] = [problems.filter((one) => one.severe), problems.filter((one) => !one.severe)];
  return {
    partitions,
    problems: [...told(severe), ...(await pastElections(() => wrongPassOvers(connection)))],
    warnings: told(weak.filter(({ isLasting }) => isLasting)),
    notices: told(weak.filter(({ isLasting }) => !isLasting)),
    corrections: correctionsOf(problems),
  };
}

/** What is wrong with several topics is said once. */
function told(problems: readonly TopicProblem[]): string[] {
  return [...Map.groupBy(problems, ({ problem }) => problem)].map(
    ([problem, among]) => `topic ${among.map(({ topic }) => topic).join(", ")}: ${problem}`,
  );
}

/** Why the cluster cannot be asked, and which setting to look at. */
export function whyUnreachable({ settings }: KafkaConnection, error: unknown): string {
  const said = messageOf(error);
  const names = errorNames(error);
  if (names.includes("SASL"))
    return `METERBOOK_KAFKA_USERNAME or METERBOOK_KAFKA_PASSWORD: the broker refuses them (${said})`;
  const brokers = `METERBOOK_KAFKA_BROKERS=${settings.brokers.join(",")}`;
  if (/certificate|SSL|TLS|EPROTO/i.test(said)) return `METERBOOK_KAFKA_TLS: ${brokers} cannot be spoken to (${said})`;
  if (/AUTHORIZATION|not authorized/i.test(said)) return `${brokers}: we may not do what is needed there (${said})`;
  return `${brokers} does not answer (${said})`;
}

function errorNames(error: unknown): string {
  const names: string[] = [];
  for (let cause = error; cause instanceof Error; cause = cause.cause) names.push(cause.name);
  return names.join(" ");
}
