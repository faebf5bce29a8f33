import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { Admin } from "kafkajs";
import type { KafkaConnection } from "./kafka-connection.ts";

/** Questions to the cluster over a connection that is kept, and made again after a failure. */
export interface AdminAsking {
  /** The offset after the newest record of each partition. */
  ends(topic: string): Promise<ReadonlyMap<number, number>>;
  clusterId(): Promise<string>;
  close(): Promise<void>;
}

export function adminAsking({ client }: KafkaConnection): AdminAsking {
  let connected: Promise<Admin> | undefined;

  async function connect(): Promise<Admin> {
    const admin = client.admin();
    await admin.connect();
    return admin;
  }

  async function ask<Answer>(question: (admin: Admin) => Promise<Answer>): Promise<Answer> {
    connected ??= connect();
    const mine = connected;
    try {
      return await question(await mine);
    } catch (cause) {
      if (connected === mine) connected = undefined;
      void mine.then((admin) => admin.disconnect()).catch(() => undefined);
      throw new AdapterError("store_read_failed", { retryable: true, cause });
    }
  }

  return {
    async ends(topic) {
      const found = await ask((admin) => admin.fetchTopicOffsets(topic));
      return new Map(found.map(({ partition, high }) => [partition, Number(high)] as const).sort(([a], [b]) => a - b));
    },
    clusterId: async () => (await ask((admin) => admin.describeCluster())).clusterId,
    async close() {
      await connected?.then((admin) => admin.disconnect()).catch(() => undefined);
    },
  };
}
