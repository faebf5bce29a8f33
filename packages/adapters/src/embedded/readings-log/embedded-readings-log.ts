import { join, resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { BroadcastChannel } from "node:worker_threads";
import type { Clock } from "@meterbook/core/ports/clock";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type { FrameConsumer, ReadingsLog, Subscription } from "@meterbook/core/ports/readings-log";
import { encodeBarrier } from "@meterbook/core/records/barrier-protobuf";
import { checkFrame } from "@meterbook/core/records/frame-protobuf";
import type { DamageTeller } from "../../report-batches/read-frame.ts";
import { reportBatcher } from "../../report-batches/report-batcher.ts";
import { appendError } from "../database/append-error.ts";
import { openedAs, openedFile } from "../database/opened-file.ts";
import type { WakeUp } from "./follow-frames.ts";
import { followFrames, wakeUp } from "./follow-frames.ts";
import { logHistory } from "./log-history.ts";
import {
  bytesOf,
  type FrameWrites,
  frameRow,
  frameWrites,
  isSound,
  logEnd,
  openReadingsLogDatabase,
  readingsIn,
} from "./readings-log-database.ts";
import { readingsLogWriter } from "./readings-log-writer.ts";

export interface EmbeddedReadingsLogOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  /** Largest frame, in bytes. */
  readonly frameBytesMax?: number;
  /** What may wait in memory, in bytes; above it `append` waits. */
  readonly waitingBytesMax?: number;
  /** How long a report waits for others to share its fsync. */
  readonly lingerMs?: number;
  /** What is handed to a consumer at once, in bytes. */
  readonly batchBytesMax?: number;
  /** Frames are kept at least so long, and for ever where absent. */
  readonly retentionDays?: number;
  /** Told of frames that cannot be read, by whoever consumes. */
  readonly damaged?: TellDamage;
  /** Told `log-write-begun` and `log-written`, the moments around a commit at which a process may die. */
  readonly crashPoint?: (name: string) => void;
}

export interface EmbeddedReadingsLog extends ReadingsLog {
  /** Deletes frames that are past their retention and that the consumer, who stands at `position`, has read. */
  trim(position: number): Promise<number>;
}

const defaults = {
  frameBytesMax: 512 * 1024,
  framesPerWriteMax: 16,
  waitingBytesMax: 64 * 1024 * 1024,
  lingerMs: 2,
  batchBytesMax: 4 * 1024 * 1024,
  lookEveryMs: 100,
  retryMs: 100,
  retryMsMax: 5000,
};
const dayMs = 86_400_000;
const partition = 0;

/**
 * The readings log in `<dataDir>/log.db`, with one partition; any number of threads may append and follow. Writes run
 * in a thread of its own, which starts with the first `append`.
 */
export async function openEmbeddedReadingsLog(options: EmbeddedReadingsLogOptions): Promise<EmbeddedReadingsLog> {
  const { dataDir, clock, crashPoint = () => undefined } = options;
  const settings = { ...defaults, damaged: () => undefined, nowMs: () => clock.nowMs(), ...options };
  const hints = `meterbook.readings-log:${resolve(dataDir)}`;
  const database = openReadingsLogDatabase(dataDir);
  const opened = openedAs(join(dataDir, "log.db"));
  const writer = readingsLogWriter({ dataDir, hints, opened });
  const file = openedFile(join(dataDir, "log.db"), opened);
  const batcher = reportBatcher(async (frames) => {
    const written = writer.append(frames, clock.nowMs());
    crashPoint("log-write-begun");
    await written;
    crashPoint("log-written");
  }, settings);
  const followers = logFollowers(database, hints, settings);
  let writes: FrameWrites | undefined;

  async function trim(position: number): Promise<number> {
    const { retentionDays } = options;
    if (retentionDays === undefined) return 0;
    const beforeMs = clock.nowMs() - retentionDays * dayMs;
    let total = 0;
    let trimmed: number;
    do {
      trimmed = await writer.trim(position, beforeMs);
      total += trimmed;
    } while (trimmed > 0);
    return total;
  }

  return {
    partitions: 1,
    append: batcher.add,
    async appendBarrier(_partitions, barrier) {
      // Few and small: not worth a turn of the writer's thread.
      writes ??= frameWrites(database);
      const frame = { partition, bytes: encodeBarrier(barrier), readings: 0, reports: 0 };
      try {
        file.check();
        const { end } = writes.append([frame], clock.nowMs());
        file.check();
        followers.tell(end);
        return new Map([[partition, end - 1]]);
      } catch (cause) {
        throw appendError(cause, database.location());
      }
    },
    consume: followers.follow,
    ...logReads(database),
    history: logHistory(database, partition, () => clock.nowMs()),
    trim,
    async close() {
      await batcher.close();
      await followers.close();
      await writer.close();
      if (database.isOpen) database.close();
    },
  };
}

function logReads(database: DatabaseSync): Pick<ReadingsLog, "starts" | "ends" | "unread"> {
  const end = logEnd(database);
  const oldest = database.prepare("SELECT min(position) AS position FROM frame");
  // The frame at the position may be gone, and those behind it wait all the same.
  const appendedAt = database.prepare("SELECT appended_at_ms FROM frame WHERE position >= ? ORDER BY position LIMIT 1");
  const throughBackwards = database.prepare(
    "SELECT position, appended_at_ms, readings_total, reports_total, checksum, body FROM frame WHERE position < ? ORDER BY position DESC",
  );

  /** The running totals stand in the frames; where a frame's are damaged, they are counted from the one before. */
  function totalThrough(position: number): number {
    let since = 0;
    for (const row of throughBackwards.iterate(position)) {
      if (isSound(row)) return frameRow(row).readings + since;
      since += readingsIn(checkFrame(bytesOf(row["body"])));
    }
    return since;
  }

  return {
    starts: async () => new Map([[partition, Number(oldest.get()?.["position"] ?? 0)]]),
    ends: async () => new Map([[partition, end().end]]),
    async unread(positions) {
      const position = positions.get(partition) ?? 0;
      // The running totals stand in the frames, and the frame before a position that was read is never trimmed.
      const before = totalThrough(position);
      const oldest = appendedAt.get(position)?.["appended_at_ms"];
      const { readings: accepted } = end();
      const readings = Math.max(0, accepted - before);
      return { readings, oldestAppendedAtMs: oldest === undefined ? undefined : Number(oldest), accepted };
    },
  };
}

function logFollowers(database: DatabaseSync, hints: string, settings: typeof defaults & DamageTeller) {
  const channel = new BroadcastChannel(hints);
  channel.unref();
  const wakeUps = new Set<WakeUp>();
  const open = new Set<Subscription>();
  channel.onmessage = () => {
    for (const one of wakeUps) one.wake();
  };

  async function follow(consumer: FrameConsumer): Promise<Subscription> {
    const hint = wakeUp();
    wakeUps.add(hint);
    const following = await followFrames(database, consumer, hint, { ...settings, partition });
    const subscription: Subscription = {
      async close() {
        if (!open.delete(subscription)) return;
        wakeUps.delete(hint);
        await following.close();
      },
    };
    open.add(subscription);
    return subscription;
  }

  return {
    follow,
    /** There are frames before this position. */
    tell(end: number) {
      channel.postMessage(end);
      for (const one of wakeUps) one.wake();
    },
    async close() {
      for (const subscription of open) await subscription.close();
      channel.close();
    },
  };
}
