import type { RefusedMessage } from "@meterbook/core/ports/refused-message";
import { checkRejectedRecord } from "@meterbook/core/records/rejected-record-protobuf";
import type { KafkaMessage } from "kafkajs";
import { adminAsking } from "../client/admin-asking.ts";
import type { KafkaConnection } from "../client/kafka-connection.ts";
import { type FollowerEvents, followTopics } from "../following/topic-follower.ts";
import { topicOf } from "../topics/kafka-topics.ts";
import type { RejectedAppender } from "./kafka-rejected-log.ts";

export interface RefusedByOthersOptions {
  readonly connection: KafkaConnection;
  readonly events: FollowerEvents;
  /** What it appends itself is not told. */
  readonly except: Pick<RejectedAppender, "writer">;
  /** One after the other; a record may be told twice after an outage. */
  readonly refused: (message: RefusedMessage) => void;
}

/**
 * Tells what other processes append to the rejected log from now on. What cannot be read is left to those who show the
 * log.
 */
export async function followRefusedByOthers(options: RefusedByOthersOptions): Promise<{ close(): Promise<void> }> {
  const { connection, events, except, refused } = options;
  const topic = topicOf(connection, "rejected");
  const positions = new Map(await endsOf(connection, topic));

  function tell({ value }: KafkaMessage): void {
    const { record } = checkRejectedRecord(value);
    if (record?.kind === "refused" && Buffer.compare(record.writer, except.writer) !== 0) refused(record.message);
  }

  const follower = await followTopics(
    connection,
    [
      {
        topic,
        position: (partition) => positions.get(partition) ?? 0,
        apply(partition, records, next) {
          for (const record of records) tell(record);
          positions.set(partition, next);
        },
      },
    ],
    { name: "refused-by-others", events },
  );
  return { close: follower.close };
}

async function endsOf(connection: KafkaConnection, topic: string): Promise<ReadonlyMap<number, number>> {
  const admin = adminAsking(connection);
  try {
    return await admin.ends(topic);
  } finally {
    await admin.close();
  }
}
