import { systemClock } from "@meterbook/core/ports/clock";
import type { AskedCommand, CommandReply } from "@meterbook/core/ports/command-exchange";
import { commandAsking, commandServing } from "@meterbook/core/ports/command-exchange";
import type { Commands } from "@meterbook/core/ports/commands";
import type { Subscription } from "@meterbook/core/ports/readings-log";
import type { KafkaMessage } from "kafkajs";
import { adminAsking } from "./admin-asking.ts";
import type { KafkaConnection } from "./kafka-connection.ts";
import { topicOf } from "./kafka-topics.ts";
import type { WriteEvents } from "./lasting-producer.ts";
import { type FollowerEvents, followTopics } from "./topic-follower.ts";
import { type TopicWriter, topicWriter } from "./topic-writer.ts";
import { within } from "./within.ts";

export interface KafkaCommandsOptions {
  readonly connection: KafkaConnection;
  /** Of the readings. */
  readonly partitions: number;
  readonly events: WriteEvents & FollowerEvents;
}

const writesMax = 100;
const closeMsMax = 3000;

/**
 * Commands over two topics that nobody else uses. Every aggregator reads all commands, from the end of the topic as it begins to
 * serve; who asks reads all replies, from the end as of its first command on.
 */
export async function openKafkaCommands(options: KafkaCommandsOptions): Promise<Commands & { close(): Promise<void> }> {
  const { connection, partitions, events } = options;
  const asking = commandAsking(partitions, systemClock);
  const commands = jsonWriter<AskedCommand>(connection, topicOf(connection, "commands"), events);
  const replies = jsonWriter<CommandReply>(connection, topicOf(connection, "replies"), events);
  const serving = new Set<Subscription>();
  let listening: Promise<Subscription> | undefined;

  async function listen(): Promise<void> {
    listening ??= followFromEnd<CommandReply>(options, "replies", asking.take);
    const mine = listening;
    await mine.catch((error: unknown) => {
      if (listening === mine) listening = undefined;
      throw error;
    });
  }

  return {
    send: (command, { timeoutMs }) =>
      asking.ask(command, timeoutMs, async (asked) => {
        await listen();
        if (systemClock.nowMs() <= asked.expiresAtMs) await commands.write([asked]);
      }),
    async serve(carryOut) {
      const one = commandServing(carryOut, async (reply) => void (await replies.write([reply])), systemClock);
      const follower = await followFromEnd<AskedCommand>(options, "commands", one.take);
      const subscription = {
        async close() {
          if (!serving.delete(subscription)) return;
          await one.close();
          await follower.close();
        },
      };
      serving.add(subscription);
      return subscription;
    },
    async close() {
      await Promise.all([...serving].map((one) => one.close()));
      if (listening !== undefined)
        await within(
          closeMsMax,
          listening.then((follower) => follower.close()),
        );
      await Promise.all([commands.close(), replies.close()]);
    },
  };
}

function jsonWriter<Body>(connection: KafkaConnection, topic: string, events: WriteEvents): TopicWriter<Body> {
  const recordOf = (body: Body) => ({ value: Buffer.from(JSON.stringify(body)) });
  return topicWriter(connection, { topic, events, callsMax: writesMax, recordOf });
}

/** Hands over what comes into a topic after this call. */
async function followFromEnd<Body>(
  { connection, events }: KafkaCommandsOptions,
  name: "commands" | "replies",
  take: (body: Body) => void,
): Promise<Subscription> {
  const topic = topicOf(connection, name);
  let next = await endOf(connection, topic);
  const followed = {
    topic,
    position: () => next,
    apply(_partition: number, records: readonly KafkaMessage[], nextOffset: number) {
      for (const { offset, value } of records) {
        // Before it is read: what cannot be read is told once.
        next = Number(offset) + 1;
        take(JSON.parse(String(value)) as Body);
      }
      next = nextOffset;
    },
  };
  return followTopics(connection, [followed], { name, events });
}

async function endOf(connection: KafkaConnection, topic: string): Promise<number> {
  const admin = adminAsking(connection);
  try {
    return (await admin.ends(topic)).get(0) ?? 0;
  } finally {
    await admin.close();
  }
}
