import { openKafkaAuditLog } from "@meterbook/adapters/kafka/audit-log/kafka-audit-log";
import { topicOf } from "@meterbook/adapters/kafka/topics/kafka-topics";
import { encodeReads } from "@meterbook/adapters/sqlite-views/audit-log/audit-table";
import { describe } from "vitest";
import { flippedBit } from "../support/flipped-bit.ts";
import { kafkaPlaces } from "../support/servers/kafka-place.ts";
import { kafkaIsThere } from "../support/servers/kafka-server.ts";
import { silentKafkaEvents as events } from "../support/servers/silent-kafka-events.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { auditLogContract } from "./audit-log.contract.ts";

/** The broker sets the time of records; entries have their own. */
const nowMs = Date.now();

describe.skipIf(!kafkaIsThere())("on Kafka", { timeout: 120_000 }, () => {
  const places = kafkaPlaces();

  auditLogContract(async () => {
    const connection = await places.place();
    const shared = { connection, events, retentionDays: 30, nowMs: () => nowMs };
    return {
      nowMs,
      retentionDays: shared.retentionDays,
      open: async (options = {}) => openKafkaAuditLog({ ...shared, dataDir: await temporaryDirectory(), ...options }),
      async putDamaged(read) {
        const producer = connection.client.producer();
        await producer.connect();
        const message = { value: flippedBit(encodeReads([read])) };
        await producer.send({ topic: topicOf(connection, "audit"), messages: [message] });
        await producer.disconnect();
      },
    };
  });
});
