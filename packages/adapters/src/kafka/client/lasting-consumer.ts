import type { Consumer, ConsumerConfig, EachBatchPayload } from "kafkajs";
import { backOff } from "../../waiting/back-off.ts";
import { within } from "../../waiting/within.ts";
import type { KafkaConnection } from "./kafka-connection.ts";

/** A consumer of kafkajs that is made again whenever it gives up. */
export interface LastingConsumer {
  /** The one that runs now. */
  current(): Consumer;
  /** Leaves the group; `late` where the broker has not answered in time and is left to find out by itself. */
  close(): Promise<"done" | "late">;
}

export interface LastingConsumerOptions {
  /**
   * Asked for each consumer that is made: a group of its own need not wait until the broker has given up the one
   * before.
   */
  readonly groupId: () => string;
  readonly topics: readonly string[];
  readonly config?: Partial<ConsumerConfig>;
  /** Batches of one partition never overlap; those of several may. */
  readonly eachBatch: (payload: EachBatchPayload) => Promise<void>;
  /**
   * Told at each join, before anything is fetched; a `memberId` that is new says that others may have owned the
   * partitions.
   */
  readonly joined: (consumer: Consumer, memberId: string, assignment: ReadonlyMap<string, readonly number[]>) => void;
  readonly failed: (error: unknown) => void;
  readonly partitionsAtOnce?: number;
}

const defaults: Omit<ConsumerConfig, "groupId"> = {
  sessionTimeout: 30_000,
  heartbeatInterval: 3000,
  rebalanceTimeout: 60_000,
  allowAutoTopicCreation: false,
  minBytes: 1,
  // Also how long a partition that is let go on waits for its first fetch.
  maxWaitTimeInMs: 100,
  maxBytesPerPartition: 1024 * 1024,
  maxBytes: 8 * 1024 * 1024,
  // Beginning again is ours to do.
  retry: { initialRetryTime: 100, maxRetryTime: 2000, retries: 8, restartOnFailure: async () => false },
};

/** A consumer that cannot say good-bye is left alone. */
const goodByeMsMax = 3000;

/** Resolves when it has joined its group for the first time; goes on by itself after any outage until it is closed. */
export async function lastingConsumer(
  { client }: KafkaConnection,
  options: LastingConsumerOptions,
): Promise<LastingConsumer> {
  const pause = backOff({ firstMs: 200, maxMs: 5000 });
  const first = Promise.withResolvers<void>();
  let consumer = make();
  let closed = false;

  function make(): Consumer {
    const made = client.consumer({ ...defaults, ...options.config, groupId: options.groupId() });
    made.on(made.events.GROUP_JOIN, ({ payload: { memberId, memberAssignment } }) => {
      pause.reset();
      first.resolve();
      options.joined(made, memberId, new Map(Object.entries(memberAssignment as Record<string, number[]>)));
    });
    made.on(made.events.CRASH, ({ payload: { error } }) => {
      options.failed(error);
      if (made === consumer) void startAgain(made);
    });
    return made;
  }

  async function start(started: Consumer): Promise<void> {
    await started.connect();
    await started.subscribe({ topics: [...options.topics], fromBeginning: true });
    await started.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: options.partitionsAtOnce ?? 1,
      eachBatch: options.eachBatch,
    });
    // It was closed when there was nothing to leave yet.
    if (closed) await started.disconnect();
  }

  async function startAgain(gone: Consumer): Promise<void> {
    await within(goodByeMsMax, gone.disconnect());
    await pause.wait();
    if (closed || gone !== consumer) return;
    consumer = make();
    begin(consumer);
  }

  function begin(started: Consumer): void {
    start(started).catch((error: unknown) => {
      options.failed(error);
      if (started === consumer) void startAgain(started);
    });
  }

  begin(consumer);
  await first.promise;
  return {
    current: () => consumer,
    async close() {
      closed = true;
      pause.end();
      return within(goodByeMsMax, consumer.disconnect());
    },
  };
}
