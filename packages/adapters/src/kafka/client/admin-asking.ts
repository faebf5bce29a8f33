import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { Admin } from "kafkajs";
import kafkajs from "kafkajs";
import { backOff } from "../../waiting/back-off.ts";
import type { KafkaConnection } from "./kafka-connection.ts";

/** Questions to the cluster over a connection that is kept, and made again after a failure. */
export interface AdminAsking {
  /** The offset after the newest record of each partition. */
  ends(topic: string): Promise<ReadonlyMap<number, number>>;
  /** The offset of the oldest record of each partition; its end where there is none. */
  starts(topic: string): Promise<ReadonlyMap<number, number>>;
  clusterId(): Promise<string>;
  close(): Promise<void>;
}

const attemptsMax = 8;

export function adminAsking({ client }: KafkaConnection): AdminAsking {
  let connected: Promise<Admin> | undefined;

  async function connect(): Promise<Admin> {
    const admin = client.admin();
    await admin.connect();
    return admin;
  }

  async function askOnce<Answer>(question: (admin: Admin) => Promise<Answer>): Promise<Answer> {
    connected ??= connect();
    const mine = connected;
    try {
      return await question(await mine);
    } catch (cause) {
      if (connected === mine) connected = undefined;
      void mine.then((admin) => admin.disconnect()).catch(() => undefined);
      throw cause;
    }
  }

  async function ask<Answer>(question: (admin: Admin) => Promise<Answer>): Promise<Answer> {
    try {
      return await pastElections(() => askOnce(question));
    } catch (cause) {
      throw new AdapterError("store_read_failed", { retryable: true, cause });
    }
  }

  async function offsets(topic: string, which: "low" | "high"): Promise<ReadonlyMap<number, number>> {
    const found = await ask((admin) => admin.fetchTopicOffsets(topic));
    return new Map(found.map((one) => [one.partition, Number(one[which])] as const).sort(([a], [b]) => a - b));
  }

  return {
    ends: (topic) => offsets(topic, "high"),
    starts: (topic) => offsets(topic, "low"),
    clusterId: async () => (await ask((admin) => admin.describeCluster())).clusterId,
    async close() {
      await connected?.then((admin) => admin.disconnect()).catch(() => undefined);
    },
  };
}

/**
 * Asks again, some seconds long, while a partition is getting its leader, or what else `isPassing` says: a topic that
 * was just made, a broker that is gone.
 */
export async function pastElections<Answer>(
  work: () => Promise<Answer>,
  isPassing: (error: unknown) => boolean = isElection,
): Promise<Answer> {
  const pause = backOff({ firstMs: 50, maxMs: 1000 });
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error) || attempt === attemptsMax) throw error;
      await pause.wait();
    }
  }
}

/**
 * A broker that answers but cannot serve the partition: it is not yet or no longer the one to ask, or does not know a
 * new topic yet. The partition is getting its leader.
 */
function isElection(error: unknown): boolean {
  if (error instanceof kafkajs.KafkaJSTopicMetadataNotLoaded) return true;
  return error instanceof kafkajs.KafkaJSProtocolError && error.retriable;
}
