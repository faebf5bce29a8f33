import { randomBytes } from "node:crypto";
import { systemClock } from "@meterbook/core/ports/clock";
import { encodeWriterTally, type WriterTally } from "@meterbook/core/records/writer-tally-protobuf";
import type { KafkaConnection } from "../client/kafka-connection.ts";
import type { WriteEvents } from "../client/lasting-producer.ts";
import { quietTimer } from "../client/quiet-timer.ts";
import { topicWriter } from "../following/topic-writer.ts";
import { topicOf } from "../topics/kafka-topics.ts";

/** Counts what this process appends to the readings log. One write at a time. */
export interface TallyWriter {
  /** What the header of the next frame of a partition says. */
  next(partition: number, readings: number): string;
  /** All frames since the last call are kept. */
  kept(): void;
  /**
   * It is not known whether the frames since the last call are kept. From now on the count goes on under another writer
   * name, and of those frames only the ones that are found count.
   */
  failed(): void;
  close(): Promise<void>;
}

/** Told when writes pause, and now and then while they do not: the topic keeps all of it until it is compacted. */
const [quietMs, waitMsMax] = [1000, 10_000];
const callsMax = 100;

/**
 * Every frame carries its writer's total. The topic of tallies has it too, for frames that are lost before anybody has
 * read them.
 */
export function tallyWriter(connection: KafkaConnection, events: WriteEvents): TallyWriter {
  const topic = topicWriter<WriterTally>(connection, {
    topic: topicOf(connection, "tallies"),
    events,
    callsMax,
    recordOf: (tally) => ({ key: Buffer.from(tally.writer), value: encodeWriterTally(tally) }),
  });
  let writer = nameOfWriter();
  let appended = new Map<number, number>();
  /** As of the last write that was kept, and not told yet. */
  let untold: WriterTally | undefined;
  const timer = quietTimer({ quietMs, waitMsMax, nowMs: systemClock.nowMs }, tell);

  function tell(): void {
    if (untold === undefined) return;
    const tally = untold;
    untold = undefined;
    // It fails where it is closed or too much waits: the frames say the same.
    topic.write([tally]).catch(() => undefined);
  }

  return {
    next(partition, readings) {
      const total = (appended.get(partition) ?? 0) + readings;
      appended.set(partition, total);
      return `${writer} ${total}`;
    },
    kept() {
      untold = { writer, readings: new Map(appended) };
      timer.happened();
    },
    failed() {
      tell();
      writer = nameOfWriter();
      appended = new Map();
    },
    async close() {
      timer.end();
      tell();
      await topic.close();
    },
  };
}

/** Of equal length to the year 2059, so that names sort by time. */
function nameOfWriter(): string {
  return `${systemClock.nowMs().toString(36)}-${randomBytes(4).toString("hex")}`;
}
