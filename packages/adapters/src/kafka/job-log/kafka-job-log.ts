import type { Job } from "@meterbook/core/domain/job/job";
import type { JobLog } from "@meterbook/core/ports/job-log";
import { decodeJob, encodeJob, jobReads, jobSchema, jobWrites } from "../../sqlite-views/job-log/job-table.ts";
import type { KafkaConnection } from "../client/kafka-connection.ts";
import type { WriteEvents } from "../client/lasting-producer.ts";
import type { FollowerEvents } from "../following/topic-follower.ts";
import { topicWriter } from "../following/topic-writer.ts";
import { openViewOfTopic } from "../following/view-of-topic.ts";
import { topicOf } from "../topics/kafka-topics.ts";

export interface KafkaJobLogOptions {
  readonly connection: KafkaConnection;
  /** Where the view is kept; a directory of this process. */
  readonly dataDir: string;
  readonly events: WriteEvents & FollowerEvents;
}

const callsMax = 1000;

/** The job log on a compacted topic keyed by job, shown in `<dataDir>/jobs.view.db`. */
export async function openKafkaJobLog({ connection, dataDir, events }: KafkaJobLogOptions): Promise<JobLog> {
  const topic = topicOf(connection, "jobs");
  const writer = topicWriter<Job>(connection, {
    topic,
    events,
    callsMax,
    recordOf: (job) => ({ key: job.id, value: encodeJob(job) }),
  });
  const view = await openViewOfTopic(connection, {
    topic,
    dataDir,
    name: "jobs",
    schema: jobSchema,
    version: 2,
    events,
    tables: jobWrites,
    take(write, { value }) {
      const job = value === null ? undefined : decodeJob(value);
      if (job !== undefined && value !== null) write(job, value);
    },
  });
  return {
    ...jobReads(view.database),
    worked: "by several",
    async put(job) {
      const last = await writer.write([job]);
      await (last === undefined ? view.catchUp() : view.reach(last));
    },
    async close() {
      await writer.close();
      await view.close();
    },
  };
}
