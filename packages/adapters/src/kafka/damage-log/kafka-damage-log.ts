import { damageAt, type KnownDamage } from "@meterbook/core/domain/damage/damage";
import type { DamageLog } from "@meterbook/core/ports/damage-log";
import {
  checkDamageRecord,
  type DamageRecord,
  encodeDamageRecord,
} from "@meterbook/core/records/damage-record-protobuf";
import type { KafkaMessage } from "kafkajs";
import { damageReads, damageSchema, damageWrites, verifyHelp } from "../../sqlite-views/damage-log/damage-table.ts";
import type { ViewDatabase } from "../../sqlite-views/file/view-database.ts";
import type { KafkaConnection } from "../client/kafka-connection.ts";
import type { WriteEvents } from "../client/lasting-producer.ts";
import type { FollowerEvents } from "../following/topic-follower.ts";
import { type TopicWriter, topicWriter } from "../following/topic-writer.ts";
import { openViewOfTopic } from "../following/view-of-topic.ts";
import { topicOf } from "../topics/kafka-topics.ts";

/** For those who find damage and never look at what others found. */
export type DamageReporter = Pick<DamageLog, "report"> & { close(): Promise<void> };

export interface KafkaDamageReporterOptions {
  readonly connection: KafkaConnection;
  readonly events: WriteEvents;
}

export interface KafkaDamageLogOptions extends KafkaDamageReporterOptions {
  /** Where the view is kept; a directory of this process. */
  readonly dataDir: string;
  readonly events: WriteEvents & FollowerEvents;
}

const callsMax = 1000;
const recordsPerTurnMax = 2000;
/** Beyond it a reporter may write what it has written: the first record of an id counts. */
const idsKnownMax = 10_000;

/** Appends what was found, once in a process. `report` waits as long as an outage lasts. */
export function openKafkaDamageReporter(options: KafkaDamageReporterOptions): DamageReporter {
  const writer = damageWriter(options);
  const told = new Set<string>();
  return {
    async report(damages) {
      const fresh = damages.filter(({ id }) => !told.has(id));
      if (fresh.length === 0) return;
      await writer.write(fresh.map((damage) => ({ kind: "damage", damage })));
      if (told.size > idsKnownMax) told.clear();
      for (const { id } of fresh) told.add(id);
    },
    close: writer.close,
  };
}

/**
 * The damage log on a topic that forgets nothing, shown in `<dataDir>/damage.view.db`. What this process wrote it reads
 * at once; what others wrote follows within some seconds, also while Kafka does not answer: readiness must not wait for
 * it.
 */
export async function openKafkaDamageLog(options: KafkaDamageLogOptions): Promise<DamageLog> {
  const { connection, dataDir, events } = options;
  const writer = damageWriter(options);
  const view = await openViewOfTopic(connection, {
    topic: topicOf(connection, "damage"),
    dataDir,
    name: "damage",
    schema: damageSchema,
    version: 3,
    events,
    recordsPerTurnMax,
    tables: recordWrites,
    take: (writes, record) => writes.take(record),
  });
  const reads = damageReads(view.database);

  async function write(records: readonly DamageRecord[]): Promise<void> {
    const last = await writer.write(records);
    await (last === undefined ? view.catchUp() : view.reach(last));
  }

  /** Where the entry is known and has none of its kind yet. */
  async function append(
    record: Exclude<DamageRecord, { kind: "damage" }>,
    first: (entry: KnownDamage) => unknown,
  ): Promise<boolean> {
    const before = await reads.find(record.id);
    if (before === undefined) await view.catchUp();
    const known = before ?? (await reads.find(record.id));
    if (known !== undefined && first(known) === null) await write([record]);
    return known !== undefined;
  }

  return {
    ...reads,
    async report(damages) {
      const known = await Promise.all(damages.map(({ id }) => reads.find(id)));
      const fresh = damages.filter((_, index) => known[index] === undefined);
      if (fresh.length > 0) await write(fresh.map((damage) => ({ kind: "damage", damage })));
    },
    acknowledge: (id, word) => append({ kind: "acknowledgement", id, word }, ({ acknowledged }) => acknowledged),
    askRepair: (id, order) => append({ kind: "order", id, order }, ({ asked }) => asked),
    mend: (id, mending) => append({ kind: "mending", id, mending }, ({ mended }) => mended),
    async close() {
      await writer.close();
      await view.close();
    },
  };
}

function damageWriter({ connection, events }: KafkaDamageReporterOptions): TopicWriter<DamageRecord> {
  return topicWriter<DamageRecord>(connection, {
    topic: topicOf(connection, "damage"),
    events,
    callsMax,
    recordOf: (record) => ({
      key: record.kind === "damage" ? record.damage.id : record.id,
      value: encodeDamageRecord(record),
    }),
  });
}

function recordWrites(database: ViewDatabase["database"]) {
  const writes = damageWrites(database);
  writes.recount();
  return {
    /** What cannot be read stops no reader, and is damage itself. */
    take({ value, offset, timestamp }: KafkaMessage): void {
      const { record, fault } = checkDamageRecord(value);
      if (fault !== undefined)
        writes.add(
          damageAt("damage-log", `offset ${offset}`, fault, { help: verifyHelp, foundAtMs: Number(timestamp) }),
        );
      else if (record.kind === "damage") writes.add(record.damage);
      else if (record.kind === "acknowledgement") writes.acknowledge(record.id, record.word);
      else if (record.kind === "order") writes.askRepair(record.id, record.order);
      else writes.mend(record.id, record.mending);
    },
  };
}
