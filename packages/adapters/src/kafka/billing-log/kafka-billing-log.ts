import type { Acknowledgement } from "@meterbook/core/domain/billing/acknowledgement";
import type { BillingLog } from "@meterbook/core/ports/billing-log";
import {
  billingSchema,
  billingTable,
  billingWrites,
  decodeLine,
  encodeLine,
} from "../../sqlite-views/billing-log/billing-table.ts";
import type { KafkaConnection } from "../client/kafka-connection.ts";
import type { WriteEvents } from "../client/lasting-producer.ts";
import type { FollowerEvents } from "../following/topic-follower.ts";
import { topicWriter } from "../following/topic-writer.ts";
import { openViewOfTopic } from "../following/view-of-topic.ts";
import { topicOf } from "../topics/kafka-topics.ts";

export interface KafkaBillingLogOptions {
  readonly connection: KafkaConnection;
  /** Where the view is kept; a directory of this process. */
  readonly dataDir: string;
  readonly events: WriteEvents & FollowerEvents;
}

const callsMax = 1000;

/** What billing says on a topic that is kept for ever, shown in `<dataDir>/billing.view.db`. */
export async function openKafkaBillingLog({
  connection,
  dataDir,
  events,
}: KafkaBillingLogOptions): Promise<BillingLog> {
  const topic = topicOf(connection, "billing");
  const writer = topicWriter<Acknowledgement>(connection, {
    topic,
    events,
    callsMax,
    recordOf: (line) => ({ key: line.meterId, value: encodeLine(line) }),
  });
  const view = await openViewOfTopic(connection, {
    topic,
    dataDir,
    name: "billing",
    schema: billingSchema,
    version: 1,
    events,
    tables: billingWrites,
    take(write, { value }) {
      const line = value === null ? undefined : decodeLine(value);
      if (line !== undefined && value !== null) write(line, value);
    },
  });
  const { outcomeOf, ...reads } = billingTable(view.database);
  return {
    ...reads,
    async record(lines) {
      if (lines.length === 0) return [];
      const last = await writer.write(lines);
      await (last === undefined ? view.catchUp() : view.reach(last));
      // The order of the topic decides, whoever wrote it.
      return lines.map(outcomeOf);
    },
    async close() {
      await writer.close();
      await view.close();
    },
  };
}
