import { openKafkaGapLog } from "@meterbook/adapters/kafka/gap-log/kafka-gap-log";
import { topicOf } from "@meterbook/adapters/kafka/topics/kafka-topics";
import { encodeMeterGaps } from "@meterbook/adapters/sqlite-views/gap-log/gap-record";
import { describe } from "vitest";
import { flippedBit } from "../support/flipped-bit.ts";
import { kafkaPlaces } from "../support/servers/kafka-place.ts";
import { kafkaIsThere } from "../support/servers/kafka-server.ts";
import { silentKafkaEvents as events } from "../support/servers/silent-kafka-events.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { gapLogContract } from "./gap-log.contract.ts";

describe.skipIf(!kafkaIsThere())("on Kafka", { timeout: 120_000 }, () => {
  const places = kafkaPlaces();

  gapLogContract(async () => {
    const connection = await places.place();
    return {
      open: async () => openKafkaGapLog({ connection, events, dataDir: await temporaryDirectory() }),
      async putDamaged(gaps) {
        const producer = connection.client.producer();
        await producer.connect();
        const message = { key: gaps.meterId, value: flippedBit(encodeMeterGaps(gaps)) };
        await producer.send({ topic: topicOf(connection, "gaps"), messages: [message] });
        await producer.disconnect();
      },
    };
  });
});
