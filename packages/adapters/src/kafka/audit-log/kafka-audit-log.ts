import { type AuditLog, type PersonalRead, readsPerRecordMax } from "@meterbook/core/ports/audit-log";
import {
  auditReads,
  auditSchema,
  auditWrites,
  decodeReads,
  encodeReads,
} from "../../sqlite-views/audit-log/audit-table.ts";
import type { KafkaConnection } from "../client/kafka-connection.ts";
import type { WriteEvents } from "../client/lasting-producer.ts";
import type { FollowerEvents } from "../following/topic-follower.ts";
import { topicWriter } from "../following/topic-writer.ts";
import { openViewOfTopic } from "../following/view-of-topic.ts";
import { topicOf } from "../topics/kafka-topics.ts";

export interface KafkaAuditLogOptions {
  readonly connection: KafkaConnection;
  /** Where the view is kept; a directory of this process. */
  readonly dataDir: string;
  readonly events: WriteEvents & FollowerEvents;
  readonly retentionDays: number;
  readonly nowMs: () => number;
  /** Where fewer are kept in the view than usual. */
  readonly keptMax?: number;
}

const callsMax = 1000;
const dayMs = 86_400_000;

/**
 * The audit log on a topic, shown in `<dataDir>/audit.view.db`. An id is made of its record's offset, so all processes
 * mean the same by it. A list waits until the view has what the topic holds.
 */
export async function openKafkaAuditLog(options: KafkaAuditLogOptions): Promise<AuditLog> {
  const { connection, dataDir, events, retentionDays, nowMs, keptMax } = options;
  const topic = topicOf(connection, "audit");
  const writer = topicWriter<readonly PersonalRead[]>(connection, {
    topic,
    events,
    callsMax,
    recordOf: (reads) => ({ value: encodeReads(reads) }),
  });
  const view = await openViewOfTopic(connection, {
    topic,
    dataDir,
    name: "audit",
    schema: auditSchema,
    version: 1,
    events,
    tables: (database) => auditWrites(database, keptMax),
    take(writes, { value }, { offset }) {
      if (value !== null) writes.add(decodeReads(value), offset * readsPerRecordMax + 1);
      writes.forget(nowMs() - retentionDays * dayMs);
    },
  });
  const list = auditReads(view.database);
  return {
    async put(reads) {
      const records: PersonalRead[][] = [];
      for (let from = 0; from < reads.length; from += readsPerRecordMax)
        records.push(reads.slice(from, from + readsPerRecordMax));
      if (records.length > 0) await writer.write(records);
    },
    async list(question) {
      await view.catchUp();
      return list(question);
    },
    async close() {
      await writer.close();
      await view.close();
    },
  };
}
