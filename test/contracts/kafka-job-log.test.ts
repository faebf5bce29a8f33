import { openKafkaJobLog } from "@meterbook/adapters/kafka/job-log/kafka-job-log";
import { topicOf } from "@meterbook/adapters/kafka/topics/kafka-topics";
import { encodeJob } from "@meterbook/adapters/sqlite-views/job-log/job-table";
import { describe } from "vitest";
import { flippedBit } from "../support/flipped-bit.ts";
import { kafkaPlaces } from "../support/servers/kafka-place.ts";
import { kafkaIsThere } from "../support/servers/kafka-server.ts";
import { silentKafkaEvents as events } from "../support/servers/silent-kafka-events.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { jobLogContract } from "./job-log.contract.ts";

describe.skipIf(!kafkaIsThere())("on Kafka", { timeout: 120_000 }, () => {
  const places = kafkaPlaces();

  jobLogContract(async () => {
    const connection = await places.place();
    return {
      open: async () => openKafkaJobLog({ connection, events, dataDir: await temporaryDirectory() }),
      async putDamaged(job) {
        const producer = connection.client.producer();
        await producer.connect();
        const message = { key: job.id, value: flippedBit(encodeJob(job)) };
        await producer.send({ topic: topicOf(connection, "jobs"), messages: [message] });
        await producer.disconnect();
      },
    };
  });
});
