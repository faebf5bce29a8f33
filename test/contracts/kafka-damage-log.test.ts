import type { KafkaConnection } from "@meterbook/adapters/kafka/client/kafka-connection";
import { openKafkaDamageLog, openKafkaDamageReporter } from "@meterbook/adapters/kafka/damage-log/kafka-damage-log";
import { topicOf } from "@meterbook/adapters/kafka/topics/kafka-topics";
import { encodeDamageRecord } from "@meterbook/core/records/damage-record-protobuf";
import { describe, expect, onTestFinished, test } from "vitest";
import { flippedBit } from "../support/flipped-bit.ts";
import { kafkaPlaces } from "../support/servers/kafka-place.ts";
import { kafkaIsThere } from "../support/servers/kafka-server.ts";
import { silentKafkaEvents as events } from "../support/servers/silent-kafka-events.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { aDamage, damageLogContract } from "./damage-log.contract.ts";

describe.skipIf(!kafkaIsThere())("on Kafka", { timeout: 120_000 }, () => {
  const places = kafkaPlaces();

  async function open(connection: KafkaConnection) {
    const log = await openKafkaDamageLog({ connection, events, dataDir: await temporaryDirectory() });
    onTestFinished(() => log.close().catch(() => undefined));
    return log;
  }

  damageLogContract(async () => {
    const connection = await places.place();
    return {
      open: () => open(connection),
      reportDamaged: (damage) => send(connection, flippedBit(encodeDamageRecord({ kind: "damage", damage }))),
    };
  });

  async function send(connection: KafkaConnection, value: Buffer): Promise<void> {
    const producer = connection.client.producer();
    await producer.connect();
    await producer.send({ topic: topicOf(connection, "damage"), messages: [{ key: "any", value }] });
    await producer.disconnect();
  }

  test("a record that cannot be read is damage itself, and what comes after it is shown", async () => {
    const connection = await places.place();
    const reporter = openKafkaDamageReporter({ connection, events });
    onTestFinished(() => reporter.close());
    await reporter.report([aDamage()]);
    await send(connection, Buffer.from("no record"));
    await reporter.report([aDamage({ where: "later" }), aDamage()]);
    const log = await open(connection);
    expect((await log.list({ includeAcknowledged: true, limit: 10 })).map(({ id }) => id).sort()).toEqual([
      "damage-log:offset-1",
      "ledger:later",
      "ledger:m-1-2026-10-revision-1",
    ]);
    expect(await log.find("damage-log:offset-1")).toMatchObject({ code: "checksum_mismatch" });
  });
});
