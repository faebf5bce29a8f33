import { randomBytes } from "node:crypto";
import { damageAt } from "@meterbook/core/domain/damage/damage";
import { type DamageEars, noEars } from "@meterbook/core/ports/damage-log";
import { type RefusedMessage, refusedMessages } from "@meterbook/core/ports/refused-message";
import type { RejectedLog } from "@meterbook/core/ports/rejected-log";
import { checkRejectedRecord, encodeRejectedRecord } from "@meterbook/core/records/rejected-record-protobuf";
import type { KafkaMessage } from "kafkajs";
import { inTransaction } from "../../sqlite-views/file/in-transaction.ts";
import type { ViewDatabase } from "../../sqlite-views/file/view-database.ts";
import { knownWriters, writersSchema } from "../../sqlite-views/rejected-log/known-writers.ts";
import { rejectionEars } from "../../sqlite-views/rejected-log/rejection-damage.ts";
import {
  type ForgetRejections,
  keepRetention,
  type RejectedRetention,
  rejectionForgetting,
} from "../../sqlite-views/rejected-log/rejection-retention.ts";
import {
  entryNumber,
  entryOf,
  placeOfEntry,
  rejectionReads,
  rejectionSchema,
  rejectionWrites,
} from "../../sqlite-views/rejected-log/rejection-table.ts";
import type { KafkaConnection } from "../client/kafka-connection.ts";
import type { WriteEvents } from "../client/lasting-producer.ts";
import type { FollowerEvents } from "../following/topic-follower.ts";
import { type TopicWriter, topicWriter } from "../following/topic-writer.ts";
import { openViewOfTopic } from "../following/view-of-topic.ts";
import { topicOf } from "../topics/kafka-topics.ts";

/** For those who refuse messages and never look at them. */
export interface RejectedAppender extends Pick<RejectedLog, "append"> {
  /** Stands in each of its records. */
  readonly writer: Uint8Array;
  close(): Promise<void>;
}

export interface KafkaRejectedAppenderOptions {
  readonly connection: KafkaConnection;
  readonly events: WriteEvents;
}

export interface KafkaRejectedLogOptions extends KafkaRejectedAppenderOptions {
  /** Where the view is kept; a directory of this process. */
  readonly dataDir: string;
  readonly events: WriteEvents & FollowerEvents;
  /** Of the view; the topic has its own. */
  readonly retention?: RejectedRetention;
  /** Told of what cannot be read, in the topic and in the view. */
  readonly ears?: DamageEars;
}

const appendsMax = 100_000;
const recordsPerTurnMax = 500;

/** `append` waits as long as an outage lasts, and what waits is held by those who call. */
export function openKafkaRejectedAppender(options: KafkaRejectedAppenderOptions): RejectedAppender {
  const writer = randomBytes(16);
  const { write, close } = rejectedWriter(options, writer);
  return { writer, append: async (rejections) => void (await write(refusedMessages(rejections))), close };
}

/**
 * The rejected log, shown in `<dataDir>/rejected.view.db`. An id is made of its message's offset, so all processes mean
 * the same by it; a replay is a record too, and of several the first one counts. Reads wait until the view has what the
 * topic holds: what one process refused or replayed another counts at once.
 */
export async function openKafkaRejectedLog(options: KafkaRejectedLogOptions): Promise<RejectedLog> {
  const { connection, dataDir, events, ears = noEars } = options;
  const writer = rejectedWriter(options, randomBytes(16));
  const view = await openViewOfTopic(connection, {
    topic: topicOf(connection, "rejected"),
    dataDir,
    name: "rejected",
    schema: rejectionSchema + writersSchema,
    version: 4,
    events,
    recordsPerTurnMax,
    tables: (database) => recordWrites(database, ears),
    take: (writes, record, { offset }) => writes.take(record, offset),
  });
  const reads = rejectionReads(view.database, rejectionEars(placeInView, ears));
  const retention =
    options.retention === undefined ? undefined : keepRetention(options.retention, forgetIn(view.database));

  async function shown<Answer>(read: () => Promise<Answer>): Promise<Answer> {
    await view.catchUp();
    return read();
  }

  return {
    list: (asked) => shown(() => reads.list(asked)),
    get: (id) => shown(() => reads.get(id)),
    totals: () => shown(reads.totals),
    append: async (rejections) => void (await writer.write(refusedMessages(rejections))),
    async markReplayed(id, atMs) {
      const entry = await shown(() => reads.get(id));
      if (entry?.replayedAtMs === null) await writer.write([{ replayed: entryNumber(id), atMs }]);
    },
    async close() {
      retention?.close();
      await writer.close();
      await view.close();
    },
  };
}

function forgetIn(database: ViewDatabase["database"]): ForgetRejections {
  const forget = rejectionForgetting(database);
  return (beforeMs) => inTransaction(database, () => forget(beforeMs));
}

type Entry = RefusedMessage | { readonly replayed: number; readonly atMs: number };

function rejectedWriter({ connection, events }: KafkaRejectedAppenderOptions, writer: Uint8Array): TopicWriter<Entry> {
  let number = 0;

  function recordOf(entry: Entry): Buffer {
    if ("replayed" in entry) {
      const { place, number: refusal } = placeOfEntry(entry.replayed);
      return encodeRejectedRecord({ kind: "replay", offset: offsetOf(place), refusal, atMs: entry.atMs });
    }
    number += 1;
    return encodeRejectedRecord({ kind: "refused", message: entry, writer, number });
  }

  return topicWriter<Entry>(connection, {
    topic: topicOf(connection, "rejected"),
    events,
    callsMax: appendsMax,
    recordOf: (entry) => ({ value: recordOf(entry) }),
  });
}

function recordWrites(database: ViewDatabase["database"], ears: DamageEars) {
  const writes = rejectionWrites(database, rejectionEars(placeInView, ears));
  const isNew = knownWriters(database);
  return {
    take({ value }: KafkaMessage, offset: number): void {
      const { record, fault } = checkRejectedRecord(value);
      if (fault !== undefined) {
        // Whoever wrote it: it stops nobody, and what comes after it is shown.
        ears.tell(damageAt("rejected-log", `offset ${offset}`, fault, { help: helpLost, foundAtMs: ears.nowMs() }));
      } else if (record.kind === "replay") {
        writes.markReplayed(entryOf(placeOf(record.offset), record.refusal), record.atMs);
      } else if (isNew(record.writer, record.number)) writes.add(record.message, placeOf(offset));
    },
  };
}

const helpLost =
  "It was a refused message, or word of a replay: no reading of the store is touched. A meter can send its message again.";

function placeInView(place: number): string {
  return `rejected.view.db offset ${offsetOf(place)}`;
}

/** Places begin at 1, offsets at 0. */
function placeOf(offset: number): number {
  return offset + 1;
}

function offsetOf(place: number): number {
  return place - 1;
}
