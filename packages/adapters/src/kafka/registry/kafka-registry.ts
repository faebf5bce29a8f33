import type { MeterRecord } from "@meterbook/core/domain/registry/meter-record";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import { systemClock } from "@meterbook/core/ports/clock";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type { Registry } from "@meterbook/core/ports/registry";
import { encodeMeterRecord } from "@meterbook/core/records/meter-record-protobuf";
import type { KafkaMessage } from "kafkajs";
import type { ViewDatabase } from "../../sqlite-views/file/view-database.ts";
import { type RegistryFollowers, registryFollowers } from "../../sqlite-views/registry/registry-followers.ts";
import {
  type ReadRecord,
  recordReader,
  registrySchema,
  registryTable,
  registryWrites,
} from "../../sqlite-views/registry/registry-table.ts";
import type { KafkaConnection } from "../client/kafka-connection.ts";
import type { WriteEvents } from "../client/lasting-producer.ts";
import type { FollowerEvents } from "../following/topic-follower.ts";
import { topicWriter } from "../following/topic-writer.ts";
import { openViewOfTopic } from "../following/view-of-topic.ts";
import { topicOf } from "../topics/kafka-topics.ts";

export interface KafkaRegistryOptions {
  readonly connection: KafkaConnection;
  /** Where the view is kept; a directory of this process. */
  readonly dataDir: string;
  readonly events: WriteEvents & FollowerEvents;
  /** How long a put may wait for Kafka, besides a millisecond for each of its records. */
  readonly putMsMax?: number;
  /** Told of records that cannot be read. */
  readonly damaged?: TellDamage;
}

const putsMax = 1000;
const defaultPutMsMax = 30_000;
const recordsPerTurnMax = 2000;

/**
 * The registry on a compacted topic keyed by meter id, shown in `<dataDir>/registry.view.db`. The position of a change
 * is its offset plus one, so it means the same in every process, also after the view was built again. Resolves once the
 * view has what the topic held. A record that cannot be read is kept in the view as it is. So all processes agree that
 * its meter has no record that can be read.
 */
export async function openKafkaRegistry(options: KafkaRegistryOptions): Promise<Registry> {
  const { connection, dataDir, events, putMsMax = defaultPutMsMax, damaged = () => undefined } = options;
  const topic = topicOf(connection, "registry");
  const writer = topicWriter<MeterRecord>(connection, {
    topic,
    events,
    callsMax: putsMax,
    recordOf: (record) => ({ key: record.meterId, value: encodeMeterRecord(record) }),
  });
  const read = recordReader({ damaged, nowMs: systemClock.nowMs, whereOf: (position) => `offset ${position - 1}` });
  let followers: RegistryFollowers | undefined;
  const view = await openViewOfTopic(connection, {
    topic,
    dataDir,
    name: "registry",
    schema: registrySchema,
    version: 2,
    events,
    recordsPerTurnMax,
    isCompacted: true,
    tables: (database) => recordWrites(database, read),
    take: (writes, record, { offset }) => writes.take(record, offset + 1),
    taken: () => followers?.wake(),
  });
  const table = registryTable(view.database, read);
  const following = registryFollowers(table);
  followers = following;

  return {
    get: table.get,
    list: table.list,
    async newest() {
      await view.catchUp();
      return table.newest();
    },
    async put(records) {
      if (records.length === 0) return;
      const last = await inTime(putMsMax + records.length, writer.write(records));
      await (last === undefined ? view.catchUp() : view.reach(last));
    },
    async follow(changed, wants) {
      await view.catchUp();
      const subscription = await following.follow(changed, wants);
      return {
        close: subscription.close,
        async caughtUp() {
          await view.catchUp();
          await subscription.caughtUp();
        },
      };
    },
    async close() {
      await following.close();
      await writer.close();
      await view.close();
    },
  };
}

function recordWrites(database: ViewDatabase["database"], read: ReadRecord) {
  const writes = registryWrites(database);
  return {
    take({ key, value }: KafkaMessage, position: number): void {
      // Not ours: whoever removes a meter from the topic by hand removes it here.
      const meterId = String(key ?? "");
      if (value === null) return writes.remove(meterId);
      // For what it tells: whoever never asks for this meter would not hear of it.
      read(meterId, position, value);
      writes.put(meterId, position, value);
    },
  };
}

/** Who puts is waiting at a screen: better to say that it takes too long. The records may still be kept. */
async function inTime<Answer>(msMax: number, work: Promise<Answer>): Promise<Answer> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const detail = `Kafka has not taken the records within ${msMax} ms; putting them again does no harm`;
    late.reject(new AdapterError("log_append_failed", { retryable: true, detail }));
  }, msMax);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
