import type { KafkaConnection } from "@meterbook/adapters/kafka/kafka-connection";
import { openKafkaDamageLog, openKafkaDamageReporter } from "@meterbook/adapters/kafka/kafka-damage-log";
import { describe, expect, onTestFinished, test } from "vitest";
import { kafkaPlaces } from "../support/kafka-place.ts";
import { kafkaIsThere } from "../support/servers/kafka-server.ts";
import { silentKafkaEvents as events } from "../support/silent-kafka-events.ts";
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
    return { open: () => open(connection) };
  });

  test("a record that cannot be read is damage itself, and what comes after it is shown", async () => {
    const connection = await places.place();
    const reporter = openKafkaDamageReporter({ connection, events });
    onTestFinished(() => reporter.close());
    await reporter.report([aDamage()]);
    const producer = connection.client.producer();
    await producer.connect();
    onTestFinished(() => producer.disconnect());
    const topic = `${connection.settings.topicPrefix}damage.v1`;
    await producer.send({ topic, messages: [{ key: "stranger", value: "no record" }] });
    await reporter.report([aDamage({ where: "later" }), aDamage()]);
    const log = await open(connection);
    expect((await log.list({ includeAcknowledged: true, limit: 10 })).map(({ id }) => id).sort()).toEqual([
      "damage-log:offset-1",
      "ledger:later",
      "ledger:m-1-2026-10-revision-1",
    ]);
    expect(await log.find("damage-log:offset-1")).toMatchObject({ code: "record_unreadable" });
  });
});
