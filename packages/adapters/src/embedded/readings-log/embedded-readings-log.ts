import { join, resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { BroadcastChannel } from "node:worker_threads";
import type { Clock } from "@meterbook/core/ports/clock";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type { FrameConsumer, LoggedReport, ReadingsLog, Subscription } from "@meterbook/core/ports/readings-log";
import { encodeBarrier } from "@meterbook/core/records/barrier-protobuf";
import { checkFrame } from "@meterbook/core/records/frame-protobuf";
import { partitionOf } from "@meterbook/sharding/slot";
import type { DamageTeller } from "../../report-batches/read-frame.ts";
import { reportBatcher } from "../../report-batches/report-batcher.ts";
import { appendError } from "../database/append-error.ts";
import { openedAs, openedFile } from "../database/opened-file.ts";
import type { WakeUp } from "./follow-frames.ts";
import { followFrames, wakeUp } from "./follow-frames.ts";
import { frameKeys } from "./frame-key.ts";
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
  /** How many shards the data directory has; one where absent. */
  readonly partitions?: number;
  /** Those that `consume` hands over; all where absent. */
  readonly followed?: readonly number[];
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
  /** Deletes frames that are past their retention and that the consumer, who stands at `offset`, has read. */
  trim(offset: number, partition?: number): Promise<number>;
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

/**
 * The readings log in `<dataDir>/log.db`, with all its partitions in one file, so that what comes together is kept with
 * one fsync. Any number of threads may append and follow. Writes run in a thread of its own, which starts with the
 * first `append`.
 */
export async function openEmbeddedReadingsLog(options: EmbeddedReadingsLogOptions): Promise<EmbeddedReadingsLog> {
  const { dataDir, clock, crashPoint = () => undefined } = options;
  const { partitions = 1 } = options;
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  const settings = {
    ...{ ...defaults, damaged: () => undefined, nowMs: () => clock.nowMs(), followed: all },
    ...{ partitionOf: ({ meterId }: LoggedReport) => partitionOf(meterId, partitions), ...options },
    framesPerWriteMax: Math.max(defaults.framesPerWriteMax, partitions),
  };
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

  async function trim(offset: number, partition = 0): Promise<number> {
    const { retentionDays } = options;
    if (retentionDays === undefined) return 0;
    const beforeMs = clock.nowMs() - retentionDays * dayMs;
    let total = 0;
    let trimmed: number;
    do {
      trimmed = await writer.trim(partition, offset, beforeMs);
      total += trimmed;
    } while (trimmed > 0);
    return total;
  }

  return {
    partitions,
    append: batcher.add,
    async appendBarrier(into, barrier) {
      // Few and small: not worth a turn of the writer's thread.
      writes ??= frameWrites(database);
      const frame = { bytes: encodeBarrier(barrier), readings: 0, reports: 0 };
      const frames = into.map((partition) => ({ ...frame, partition }));
      try {
        file.check();
        const ends = writes.append(frames, clock.nowMs());
        file.check();
        followers.tell(into);
        return new Map([...ends].map(([partition, { end }]) => [partition, end - 1] as const));
      } catch (cause) {
        throw appendError(cause, database.location());
      }
    },
    consume: followers.follow,
    ...logReads(database, all),
    history: (partition) => logHistory(database, partition, () => clock.nowMs()),
    trim,
    async close() {
      await batcher.close();
      await followers.close();
      await writer.close();
      if (database.isOpen) database.close();
    },
  };
}

function logReads(
  database: DatabaseSync,
  partitions: readonly number[],
): Pick<ReadingsLog, "starts" | "ends" | "unread"> {
  const end = logEnd(database);
  const within = "FROM frame WHERE position >= ? AND position < ? ORDER BY position";
  // The frame at the position may be gone, and those behind it wait all the same.
  const oldest = database.prepare(`SELECT position, appended_at_ms ${within} LIMIT 1`);
  const throughBackwards = database.prepare(
    `SELECT position, appended_at_ms, readings_total, reports_total, checksum, body ${within} DESC`,
  );

  /** The running totals stand in the frames; where a frame's are damaged, they are counted from the one before. */
  function totalThrough(partition: number, offset: number): number {
    const { first } = frameKeys(partition);
    let since = 0;
    for (const row of throughBackwards.iterate(first, first + offset)) {
      if (isSound(row)) return frameRow(row).readings + since;
      since += readingsIn(checkFrame(bytesOf(row["body"])));
    }
    return since;
  }

  function startOf(partition: number): number {
    const { first, next } = frameKeys(partition);
    return Number(oldest.get(first, next)?.["position"] ?? first) - first;
  }

  function unreadOf(partition: number, offset: number) {
    const { first, next } = frameKeys(partition);
    // The running totals stand in the frames, and the frame before a position that was read is never trimmed.
    const before = totalThrough(partition, offset);
    const appendedAtMs = oldest.get(first + offset, next)?.["appended_at_ms"];
    const { readings: accepted } = end(partition);
    return { accepted, readings: Math.max(0, accepted - before), appendedAtMs };
  }

  return {
    starts: async () => new Map(partitions.map((partition) => [partition, startOf(partition)])),
    ends: async () => new Map(partitions.map((partition) => [partition, end(partition).end])),
    async unread(positions) {
      const parts = partitions.map((partition) => unreadOf(partition, positions.get(partition) ?? 0));
      const waiting = parts.flatMap(({ appendedAtMs }) => (appendedAtMs === undefined ? [] : [Number(appendedAtMs)]));
      return {
        readings: parts.reduce((sum, { readings }) => sum + readings, 0),
        oldestAppendedAtMs: waiting.length === 0 ? undefined : Math.min(...waiting),
        accepted: parts.reduce((sum, { accepted }) => sum + accepted, 0),
      };
    },
  };
}

type FollowSettings = typeof defaults & DamageTeller & { readonly followed: readonly number[] };

function logFollowers(database: DatabaseSync, hints: string, settings: FollowSettings) {
  const channel = new BroadcastChannel(hints);
  channel.unref();
  const wakeUps = new Map<WakeUp, number>();
  const open = new Set<Subscription>();
  channel.onmessage = (event) => wake((event as { data: readonly number[] }).data);

  function wake(grown: readonly number[]): void {
    for (const [one, partition] of wakeUps) if (grown.includes(partition)) one.wake();
  }

  async function followOne(consumer: FrameConsumer, partition: number): Promise<Subscription> {
    const hint = wakeUp();
    wakeUps.set(hint, partition);
    const following = await followFrames(database, consumer, hint, { ...settings, partition }).catch(
      (error: unknown) => {
        wakeUps.delete(hint);
        throw error;
      },
    );
    return {
      async close() {
        wakeUps.delete(hint);
        await following.close();
      },
    };
  }

  async function follow(consumer: FrameConsumer): Promise<Subscription> {
    const begun = await Promise.allSettled(settings.followed.map((partition) => followOne(consumer, partition)));
    const parts = begun.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    const closeAll = async () => void (await Promise.all(parts.map((part) => part.close())));
    const failed = begun.find((one) => one.status === "rejected");
    if (failed !== undefined) {
      await closeAll();
      throw failed.reason;
    }
    const subscription: Subscription = {
      async close() {
        if (open.delete(subscription)) await closeAll();
      },
    };
    open.add(subscription);
    return subscription;
  }

  return {
    follow,
    /** These partitions have grown. */
    tell(grown: readonly number[]) {
      channel.postMessage(grown);
      wake(grown);
    },
    async close() {
      for (const subscription of open) await subscription.close();
      channel.close();
    },
  };
}
