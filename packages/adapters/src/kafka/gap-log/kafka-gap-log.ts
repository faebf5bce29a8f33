import type { MeterGaps } from "@meterbook/core/domain/gap/meter-gaps";
import type { GapLog } from "@meterbook/core/ports/gap-log";
import { type GapFollowers, gapFollowers } from "../../sqlite-views/gap-log/gap-followers.ts";
import { decodeMeterGaps, encodeMeterGaps, isNothing } from "../../sqlite-views/gap-log/gap-record.ts";
import { gapSchema, gapTable, gapWrites } from "../../sqlite-views/gap-log/gap-table.ts";
import type { KafkaConnection } from "../client/kafka-connection.ts";
import type { WriteEvents } from "../client/lasting-producer.ts";
import type { FollowerEvents } from "../following/topic-follower.ts";
import { topicWriter } from "../following/topic-writer.ts";
import { openViewOfTopic } from "../following/view-of-topic.ts";
import { topicOf } from "../topics/kafka-topics.ts";

export interface KafkaGapLogOptions {
  readonly connection: KafkaConnection;
  /** Where the view is kept: a directory of this process, or `memory`. */
  readonly dataDir: string;
  readonly events: WriteEvents & FollowerEvents;
}

const callsMax = 1000;
const recordsPerTurnMax = 1000;

/** The gap log on a compacted topic keyed by meter id, shown in `<dataDir>/gaps.view.db`. */
export async function openKafkaGapLog({ connection, dataDir, events }: KafkaGapLogOptions): Promise<GapLog> {
  const topic = topicOf(connection, "gaps");
  const writer = topicWriter<MeterGaps>(connection, {
    topic,
    events,
    callsMax,
    recordOf: (gaps) => ({ key: gaps.meterId, value: isNothing(gaps) ? null : encodeMeterGaps(gaps) }),
  });
  let followers: GapFollowers | undefined;
  const view = await openViewOfTopic(connection, {
    topic,
    dataDir,
    name: "gaps",
    schema: gapSchema,
    version: 1,
    events,
    recordsPerTurnMax,
    isCompacted: true,
    tables: gapWrites,
    take(writes, { key, value }, { offset }) {
      const gaps = value === null ? undefined : decodeMeterGaps(value);
      if (gaps !== undefined && value !== null) writes.put(gaps, offset + 1, value);
      else writes.remove(String(key ?? ""));
    },
    taken: () => followers?.wake(),
  });
  const table = gapTable(view.database);
  const following = gapFollowers(table);
  followers = following;
  return {
    get: table.get,
    list: table.list,
    async follow(changed) {
      await view.catchUp();
      return following.follow(changed);
    },
    async put(records) {
      if (records.length === 0) return;
      const last = await writer.write(records);
      await (last === undefined ? view.catchUp() : view.reach(last));
    },
    async close() {
      await following.close();
      await writer.close();
      await view.close();
    },
  };
}
