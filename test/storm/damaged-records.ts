import { type KafkaConnection, kafkaConnection } from "@meterbook/adapters/kafka/client/kafka-connection";
import { topicOf } from "@meterbook/adapters/kafka/topics/kafka-topics";
import type { topics } from "@meterbook/adapters/kafka/topics/topic-names";
import { encodeLedgerRecord } from "@meterbook/adapters/sqlite-views/ledger/ledger-record";
import { type DamagedPlace, damageId } from "@meterbook/core/domain/damage/damage";
import { setting } from "@meterbook/core/domain/registry/master-data-change";
import { encodeDamageRecord } from "@meterbook/core/records/damage-record-protobuf";
import { encodeFrame } from "@meterbook/core/records/frame-protobuf";
import { encodeRegistryChange, sealChange } from "@meterbook/core/records/registry-change-protobuf";
import { encodeRejectedRecord } from "@meterbook/core/records/rejected-record-protobuf";
import { aDamage } from "../contracts/damage-log.contract.ts";
import { aSnapshot } from "../contracts/snapshot-ledger.contract.ts";
import { flippedBit } from "../support/flipped-bit.ts";
import type { ApiClient } from "../support/network/api-client.ts";
import { damageEntries, until } from "./cure-damage.ts";

interface Kind {
  readonly topic: keyof typeof topics;
  /** How the damage log calls the record at an offset. */
  readonly place: DamagedPlace;
  readonly where: (partition: number, offset: number, meterId: string) => string;
  readonly sound: (meterId: string) => Uint8Array;
}

const kinds: readonly Kind[] = [
  {
    topic: "readings",
    place: "readings-log",
    where: (partition, offset) => `partition ${partition} offset ${offset}`,
    sound: (meterId) =>
      encodeFrame([
        { meterId, receivedAtMs: 1_793_484_000_123, origin: "remote", report: Buffer.from("a report"), readings: 1 },
      ]),
  },
  {
    topic: "rejected",
    place: "rejected-log",
    where: (_, offset) => `offset ${offset}`,
    sound: () => encodeRejectedRecord({ kind: "replay", offset: 0, refusal: 0, atMs: 5 }),
  },
  {
    topic: "registry",
    place: "registry",
    where: (_, offset, meterId) => `offset ${offset} ${meterId}`,
    sound: (meterId) => {
      const meter = { meterId, usagePointId: meterId, registers: [] };
      return encodeRegistryChange(sealChange({ ...setting(meter, "storm"), id: "storm", recordedAtMs: 5 }));
    },
  },
  {
    topic: "snapshots",
    place: "ledger",
    where: (_, offset) => `sequence ${offset + 1}`,
    sound: (meterId) => encodeLedgerRecord(aSnapshot(meterId, 24_321, 1)),
  },
  {
    topic: "damage",
    place: "damage-log",
    where: (_, offset) => `offset ${offset}`,
    sound: () => encodeDamageRecord({ kind: "damage", damage: aDamage() }),
  },
];

export function connectionTo(brokers: readonly string[], topicPrefix: string): KafkaConnection {
  const settings = { brokers, topicPrefix, compression: "none" } as const;
  return kafkaConnection(settings, { clientId: "storm", log: () => undefined });
}

/**
 * Puts a record with a flipped bit into a topic, as a broken disk or a stranger would leave it; waits until the API
 * names it.
 */
export async function sendDamaged(
  connection: KafkaConnection,
  api: Pick<ApiClient, "get">,
  random: () => number,
): Promise<string> {
  const { topic, place, where, sound } = kinds[Math.floor(random() * kinds.length)] as Kind;
  const { items } = await api.get<{ items: { meterId: string }[] }>("/v1/meters?registered=true&limit=100");
  const meterId = items[Math.floor(random() * items.length)]?.meterId ?? "stranger";
  const producer = connection.client.producer();
  await producer.connect();
  const messages = [{ key: meterId, value: flippedBit(sound(meterId)), partition: 0 }];
  const [written] = await producer.send({ topic: topicOf(connection, topic), messages });
  await producer.disconnect();
  const id = damageId(place, where(0, Number(written?.baseOffset), meterId));
  const isNamed = async () => (await damageEntries(api)).some((entry) => entry.id.startsWith(id));
  await until(isNamed, `GET /v1/damage does not name ${id}`);
  return topic;
}
