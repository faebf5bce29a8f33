import { openKafkaBillingLog } from "@meterbook/adapters/kafka/billing-log/kafka-billing-log";
import { topicOf } from "@meterbook/adapters/kafka/topics/kafka-topics";
import { encodeLine } from "@meterbook/adapters/sqlite-views/billing-log/billing-table";
import { describe } from "vitest";
import { flippedBit } from "../support/flipped-bit.ts";
import { kafkaPlaces } from "../support/servers/kafka-place.ts";
import { kafkaIsThere } from "../support/servers/kafka-server.ts";
import { silentKafkaEvents as events } from "../support/servers/silent-kafka-events.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { billingLogContract } from "./billing-log.contract.ts";

describe.skipIf(!kafkaIsThere())("on Kafka", { timeout: 120_000 }, () => {
  const places = kafkaPlaces();

  billingLogContract(async () => {
    const connection = await places.place();
    return {
      open: async () => openKafkaBillingLog({ connection, events, dataDir: await temporaryDirectory() }),
      async putDamaged(line) {
        const producer = connection.client.producer();
        await producer.connect();
        const message = { key: line.meterId, value: flippedBit(encodeLine(line)) };
        await producer.send({ topic: topicOf(connection, "billing"), messages: [message] });
        await producer.disconnect();
      },
    };
  });
});
