import type { MeterRecord } from "@meterbook/core/domain/registry";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { Registry } from "@meterbook/core/ports/registry";
import { decodeMeterRecord, encodeMeterRecord } from "@meterbook/core/wire/meter-record-protobuf";
import type { KafkaMessage } from "kafkajs";
import { type RegistryFollowers, registryFollowers } from "../views/registry-followers.ts";
import { registrySchema, registryTable, registryWrites } from "../views/registry-table.ts";
import type { ViewDatabase } from "../views/view-database.ts";
import type { KafkaConnection } from "./kafka-connection.ts";
import { topicOf } from "./kafka-topics.ts";
import type { WriteEvents } from "./lasting-producer.ts";
import type { FollowerEvents } from "./topic-follower.ts";
import { topicWriter } from "./topic-writer.ts";
import { openViewOfTopic } from "./view-of-topic.ts";

export interface KafkaRegistryOptions {
  readonly connection: KafkaConnection;
  /** Where the view is kept; a directory of this process. */
  readonly dataDir: string;
  readonly events: WriteEvents & FollowerEvents;
  /** How long a put may wait for Kafka, besides a millisecond for each of its records. */
  readonly putMsMax?: number;
}

const putsMax = 1000;
const defaultPutMsMax = 30_000;
const recordsPerTurnMax = 2000;

/**
 * The registry on a compacted topic keyed by meter id, shown in `<dataDir>/registry.view.db`. A change's position is its offset and
 * one, so every process means the same by it, also after its view was built again. Resolves once the view has what the topic held.
 */
export async function openKafkaRegistry(options: KafkaRegistryOptions): Promise<Registry> {
  const { connection, dataDir, events, putMsMax = defaultPutMsMax } = options;
  const topic = topicOf(connection, "registry");
  const writer = topicWriter<MeterRecord>(connection, {
    topic,
    events,
    callsMax: putsMax,
    recordOf: (record) => ({ key: record.meterId, value: Buffer.from(encodeMeterRecord(record)) }),
  });
  let followers: RegistryFollowers | undefined;
  const view = await openViewOfTopic(connection, {
    topic,
    dataDir,
    name: "registry",
    schema: registrySchema("BLOB"),
    version: 1,
    events,
    recordsPerTurnMax,
    tables: recordWrites,
    take: (writes, record, offset) => writes.take(record, offset + 1),
    taken: () => followers?.wake(),
  });
  const table = registryTable(view.database, (body) => decodeMeterRecord(body as Uint8Array));
  const following = registryFollowers(table);
  followers = following;

  return {
    get: table.get,
    list: table.list,
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

function recordWrites(database: ViewDatabase["database"]) {
  const writes = registryWrites(database);
  return {
    take({ key, value }: KafkaMessage, position: number): void {
      // Not ours: whoever removes a meter from the topic by hand removes it here.
      if (value === null) writes.remove(String(key));
      else writes.put(decodeMeterRecord(value).meterId, position, value);
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
