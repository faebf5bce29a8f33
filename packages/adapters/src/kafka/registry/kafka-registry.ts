import { randomUUID } from "node:crypto";
import {
  type ChangeOutcome,
  type EntityKey,
  entityName,
  type MasterDataChange,
  namedEntity,
  setting,
} from "@meterbook/core/domain/registry/master-data-change";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import { systemClock } from "@meterbook/core/ports/clock";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type { Registry } from "@meterbook/core/ports/registry";
import {
  checkRegistryChange,
  encodeRegistryChange,
  type SealedChange,
  sealChange,
} from "@meterbook/core/records/registry-change-protobuf";
import type { KafkaMessage } from "kafkajs";
import type { ViewDatabase } from "../../sqlite-views/file/view-database.ts";
import { registryFold } from "../../sqlite-views/registry/registry-fold.ts";
import { type RegistryFollowers, registryFollowers } from "../../sqlite-views/registry/registry-followers.ts";
import { registryReads } from "../../sqlite-views/registry/registry-reads.ts";
import {
  type ReadRecord,
  recordReader,
  recordRows,
  registrySchema,
} from "../../sqlite-views/registry/registry-table.ts";
import type { KafkaConnection } from "../client/kafka-connection.ts";
import type { WriteEvents } from "../client/lasting-producer.ts";
import type { FollowerEvents } from "../following/topic-follower.ts";
import { topicWriter } from "../following/topic-writer.ts";
import { openViewOfTopic } from "../following/view-of-topic.ts";
import { topicOf } from "../topics/kafka-topics.ts";
import { entitiesHeader } from "./entities-header.ts";

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
 * The registry on a topic of which nothing is thrown away, shown in `<dataDir>/registry.view.db`. The position of a
 * change is its offset plus one, so it means the same in every process, also after the view was built again. Resolves
 * once the view has what the topic held.
 *
 * The topic decides: whoever changes something writes it behind all that others have written, and every process takes
 * the changes in that order and by the same rule. So of two that were made from one version the first holds, and the
 * second is found wanting by all, its writer too. A change that cannot be read is kept in the view as it is, so that
 * all agree that nothing is known of those whom it names.
 */
export async function openKafkaRegistry(options: KafkaRegistryOptions): Promise<Registry> {
  const { connection, dataDir, events, putMsMax = defaultPutMsMax, damaged = () => undefined } = options;
  const topic = topicOf(connection, "registry");
  const writer = topicWriter<SealedChange>(connection, {
    topic,
    events,
    callsMax: putsMax,
    recordOf: (change) => ({
      key: entityName((change.writes[0] as SealedChange["writes"][number]).entity),
      value: encodeRegistryChange(change),
      headers: { [entitiesHeader]: change.writes.map(({ entity }) => entityName(entity)).join(",") },
    }),
  });
  const read = recordReader({ damaged, nowMs: systemClock.nowMs, whereOf: (position) => `offset ${position - 1}` });
  let followers: RegistryFollowers | undefined;
  const outcomes = awaitedOutcomes();
  const view = await openViewOfTopic(connection, {
    topic,
    dataDir,
    name: "registry",
    schema: registrySchema,
    version: 6,
    events,
    recordsPerTurnMax,
    isCompacted: true,
    tables: (database) => changeWrites(database, read, outcomes.came),
    take: (writes, record, { offset }) => writes.take(record, offset + 1),
    taken: () => followers?.wake(),
  });
  const { rows, meterAsOf, ...reads } = registryReads(view.database, read);
  const following = registryFollowers({ rows, meterAsOf, ...reads });
  followers = following;

  async function apply(changes: readonly MasterDataChange[]): Promise<readonly ChangeOutcome[]> {
    if (changes.length === 0) return [];
    const recordedAtMs = systemClock.nowMs();
    const sealed = changes.map((change) => sealChange({ ...change, id: randomUUID(), recordedAtMs }));
    const expected = outcomes.expect(sealed);
    try {
      const last = await inTime(putMsMax + changes.length, writer.write(sealed));
      await (last === undefined ? view.catchUp() : view.reach(last));
      return expected.outcomes();
    } finally {
      expected.forget();
    }
  }

  return {
    ...reads,
    async newest() {
      await view.catchUp();
      return rows.lastPosition();
    },
    apply,
    put: async (records, by = "") => void (await apply(records.map((meter) => setting(meter, by)))),
    async follow(changed, options) {
      await view.catchUp();
      const subscription = await following.follow(changed, options);
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

/** What became of the changes of this process, when they came by in the topic. */
function awaitedOutcomes() {
  const awaited = new Map<string, ChangeOutcome | undefined>();
  return {
    expect(changes: readonly SealedChange[]) {
      for (const { id } of changes) awaited.set(id, undefined);
      return {
        outcomes: () => changes.map(({ id }) => awaited.get(id) ?? lostOutcome()),
        forget: () => {
          for (const { id } of changes) awaited.delete(id);
        },
      };
    },
    came(id: string, outcome: ChangeOutcome) {
      // Written twice it comes twice: what became of it was decided the first time.
      if (awaited.has(id) && awaited.get(id) === undefined) awaited.set(id, outcome);
    },
  };
}

function lostOutcome(): never {
  const detail = "the change was written, and what became of it is not known: look, and send it again if need be";
  throw new AdapterError("log_append_failed", { retryable: true, detail });
}

function changeWrites(
  database: ViewDatabase["database"],
  read: ReadRecord,
  came: (id: string, outcome: ChangeOutcome) => void,
) {
  const fold = registryFold(database);
  const rows = recordRows(database);

  const readers = { meter: read.meter, "usage-point": read.usagePoint, outage: read.outage };

  /** For what it tells: whoever never asks for this meter would not hear of it. */
  function tellOf(entities: readonly EntityKey[]): void {
    for (const entity of entities) {
      const row = rows.newest(entity);
      if (row !== undefined) readers[entity.kind](row);
    }
  }

  return {
    take(message: KafkaMessage, position: number): void {
      const entities = entitiesOf(message);
      // Not ours: whoever removes a meter from the topic by hand removes it here.
      if (message.value === null) return entities.forEach((entity) => fold.remove(entity, position));
      const { record, fault } = checkRegistryChange(message.value);
      if (fault !== undefined) fold.takeDamaged(entities, message.value, position);
      else came(record.id, fold.take(record, position));
      tellOf(entities);
    },
  };
}

/** Of whom a record speaks, also where it cannot be read. */
function entitiesOf({ key, headers }: KafkaMessage): readonly EntityKey[] {
  const named = headers?.[entitiesHeader];
  const names = named === undefined ? [String(key ?? "")] : String(named).split(",");
  return names.map(namedEntity);
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
