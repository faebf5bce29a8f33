// Goal: `npm run verify -- --kafka` names the topic, the partition, the offset and the row of each record that is not
// what was written (H06-H08 on servers).
// Method: a real Kafka; what our own adapters wrote is sound, then one damaged record per topic is written behind it.
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { KafkaConnection } from "@meterbook/adapters/kafka/client/kafka-connection";
import { openKafkaDamageReporter } from "@meterbook/adapters/kafka/damage-log/kafka-damage-log";
import { openKafkaSnapshotLedgers } from "@meterbook/adapters/kafka/ledger/kafka-snapshot-ledger";
import { ledgerMessage, sealMessage } from "@meterbook/adapters/kafka/ledger/revision-header";
import { openKafkaReadingsLog } from "@meterbook/adapters/kafka/readings-log/kafka-readings-log";
import { openKafkaRegistry } from "@meterbook/adapters/kafka/registry/kafka-registry";
import { openKafkaRejectedAppender } from "@meterbook/adapters/kafka/rejected-log/kafka-rejected-log";
import { topicOf, withAdmin } from "@meterbook/adapters/kafka/topics/kafka-topics";
import type { TopicName } from "@meterbook/adapters/kafka/topics/topic-names";
import { encodeLedgerRecord } from "@meterbook/adapters/sqlite-views/ledger/ledger-record";
import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { encodeDamageRecord } from "@meterbook/core/records/damage-record-protobuf";
import { encodeFrame } from "@meterbook/core/records/frame-protobuf";
import { encodeRegistryChange, sealChange } from "@meterbook/core/records/registry-change-protobuf";
import { partitionOf } from "@meterbook/sharding/slot";
import type { Message } from "kafkajs";
import { describe, expect, test } from "vitest";
import { aDamage } from "../contracts/damage-log.contract.ts";
import { aReport } from "../contracts/readings-log.contract.ts";
import { aRecord } from "../contracts/registry.contract.ts";
import { aRejection } from "../contracts/rejected-log.contract.ts";
import { aSnapshot } from "../contracts/snapshot-ledger.contract.ts";
import { runCommand } from "../support/processes/command-process.ts";
import { kafkaPlaces } from "../support/servers/kafka-place.ts";
import { kafkaIsThere } from "../support/servers/kafka-server.ts";
import { silentKafkaEvents as events } from "../support/servers/silent-kafka-events.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const october = 2026 * 12 + 9;
const partitions = 4;
const meters = Array.from({ length: 40 }, (_, number) => `m-${number}`);
const another = meters.find((meterId) => partitionOf(meterId, partitions) !== 1) ?? "";

const shardOf = (meterId: string) => partitionOf(meterId, partitions);

interface Wrong {
  readonly name: string;
  readonly topic: TopicName;
  readonly records: readonly Message[];
  /** What is said of the last of them behind its topic, partition and offset. */
  readonly says: RegExp;
}

const wrongs: readonly Wrong[] = [
  {
    name: "a flipped bit in a frame",
    topic: "readings",
    records: [{ partition: 2, value: flipped(encodeFrame([aReport("m-1", "x")])) }],
    says: /^checksum_mismatch: /,
  },
  {
    name: "a frame of another partition's meter",
    topic: "readings",
    records: [{ partition: 1, value: Buffer.from(encodeFrame([aReport(another, "x")])) }],
    says: new RegExp(`^${another} key_mismatch: its partition is ${partitionOf(another, partitions)}$`),
  },
  {
    name: "a flipped bit in a snapshot",
    topic: "snapshots",
    records: [{ key: "m-1", value: flipped(encodeLedgerRecord(aSnapshot("m-1", october, 3))) }],
    says: /^m-1 checksum_mismatch: /,
  },
  {
    name: "a flipped bit in a snapshot that says beside its bytes which revision it is",
    topic: "snapshots",
    records: [damagedMessage(aSnapshot("m-3", october, 2))],
    says: /^m-3\/2026-10\/2 checksum_mismatch: /,
  },
  {
    name: "a snapshot that says beside its bytes that it is another revision",
    topic: "snapshots",
    records: [
      {
        ...ledgerMessage(aSnapshot("m-1", october, 4), shardOf("m-1")),
        headers: { revision: "m-1 2026-10 revision 3" },
      },
    ],
    says: /^m-1\/2026-10\/3 key_mismatch: /,
  },
  {
    name: "a snapshot whose content was changed and sealed anew",
    topic: "snapshots",
    records: [{ key: "m-1", value: encodeLedgerRecord({ ...aSnapshot("m-1", october, 3), boundary: 1_793_484_060 }) }],
    says: /^m-1\/2026-10\/3 hash_mismatch: /,
  },
  {
    name: "a snapshot under another meter's key",
    topic: "snapshots",
    records: [{ key: "m-2", value: encodeLedgerRecord(aSnapshot("m-1", october, 3)) }],
    says: /^m-1\/2026-10\/3 key_mismatch: its key is m-2$/,
  },
  {
    name: "a snapshot in another meter's shard",
    topic: "snapshots",
    records: [{ key: "m-5", partition: shardOf("m-5") ^ 1, value: encodeLedgerRecord(aSnapshot("m-5", october, 2)) }],
    says: new RegExp(`^m-5/2026-10/2 key_mismatch: its partition is ${shardOf("m-5")}$`),
  },
  {
    name: "a revision that stands twice, with another content",
    topic: "snapshots",
    records: [{ key: "m-1", value: encodeLedgerRecord(aSnapshot("m-1", october, 2, "other")) }],
    says: /^m-1\/2026-10\/2 key_mismatch: another snapshot stands under this revision at offset \d+/,
  },
  {
    name: "a revision that stands twice",
    topic: "snapshots",
    records: [{ key: "m-1", value: encodeLedgerRecord(aSnapshot("m-1", october, 2)) }],
    says: /^m-1\/2026-10\/2 key_mismatch: the same snapshot stands under this revision at offset \d+/,
  },
  {
    name: "a seal that is not over the records before it",
    topic: "snapshots",
    records: [sealMessage({ shard: 2, period: october, size: 3, root: "0f".repeat(32), sealedAtMs: 5 })],
    says: /^seal of 2026-10 shard 2 seal_mismatch: it is over 3 records, and \d+ stand before it$/,
  },
  {
    name: "a flipped bit in a seal",
    topic: "snapshots",
    records: [flippedSeal()],
    says: /^seal checksum_mismatch: /,
  },
  {
    name: "a flipped bit in master data",
    topic: "registry",
    records: [{ key: "m-1", value: flipped(masterDataOf("m-1")) }],
    says: /^m-1 checksum_mismatch: /,
  },
  {
    name: "master data under another meter's key",
    topic: "registry",
    records: [{ key: "m-2", value: masterDataOf("m-1") }],
    says: /m-1 key_mismatch: its key is m-2$/,
  },
  {
    name: "a refused message that is none",
    topic: "rejected",
    records: [{ value: Buffer.from("no record") }],
    says: /^\w+: /,
  },
  {
    name: "a flipped bit in a word of damage",
    topic: "damage",
    records: [{ key: "x", value: flipped(encodeDamageRecord({ kind: "damage", damage: aDamage() })) }],
    says: /^checksum_mismatch: /,
  },
];

describe.skipIf(!kafkaIsThere())("verify of topics", { timeout: 120_000 }, () => {
  const kafka = kafkaPlaces();

  const verify = (connection: KafkaConnection) =>
    runCommand("verify", ["--kafka"], {
      METERBOOK_KAFKA_BROKERS: kafka.server.brokers.join(","),
      METERBOOK_KAFKA_TOPIC_PREFIX: connection.settings.topicPrefix,
    });

  test("topics that are sound are read to their ends", async () => {
    const connection = await kafka.place();
    await writeSound(connection);
    const { code, errors, output } = await verify(connection);
    expect([code, errors, output]).toEqual([0, "", expect.stringMatching(/all is well\n$/)]);
    expect(output).toMatch(
      /: \d+ frames of readings, 45 snapshots and seals, 40 records of master data, 1 refused messages, 1 /,
    );
  });

  test("H06-H08: each kind of damage is named by its topic, partition, offset and row", async () => {
    const connection = await kafka.place();
    await writeSound(connection);
    const expected: string[] = [];
    for (const { topic, records } of wrongs) expected.push(await write(connection, topic, records));
    const { code, errors, output } = await verify(connection);
    const lines = output.split("\n");
    wrongs.forEach(({ name, says }, index) => {
      const line = lines.find((one) => one.startsWith(`${expected[index]} `)) ?? `${name} is not named:\n${output}`;
      expect(line.slice((expected[index]?.length ?? 0) + 1), name).toMatch(says);
    });
    expect([code, errors]).toEqual([1, ""]);
    expect(lines.at(-2), output).toBe(`${wrongs.length} are wrong`);
  });

  test("H05: a revision that is missing between others, and a topic that is gone, are named", async () => {
    const connection = await kafka.place();
    await writeSound(connection);
    await write(connection, "snapshots", [{ key: "m-1", value: encodeLedgerRecord(aSnapshot("m-1", october, 5)) }]);
    await withAdmin(connection, (admin) => admin.deleteTopics({ topics: [topicOf(connection, "rejected")] }));
    const { code, output } = await verify(connection);
    expect(code).toBe(1);
    const snapshots = topicOf(connection, "snapshots");
    expect(output).toContain(`${snapshots} m-1/2026-10/3 records_lost: `);
    expect(output).toContain(`${snapshots} m-1/2026-10/4 records_lost: `);
    expect(output).toContain(`${topicOf(connection, "rejected")} records_lost: the topic is missing\n`);
    expect(output).toContain("3 are wrong");
  });

  test.for(["none", "gzip"] as const)(
    "H07: a bit that flips on the disk of the broker is named, and all else is read (compression %s)",
    async (compression) => {
      const [dataDir] = kafka.server.dataDirs ?? [];
      // A container's files are out of reach.
      if (dataDir === undefined) return;
      const place = await kafka.place();
      const connection = { ...place, settings: { ...place.settings, compression } };
      await writeSound(connection);
      await writeSound(connection);
      const topic = topicOf(connection, "snapshots");
      const file = join(dataDir, `${topic}-0`, `${"0".repeat(20)}.log`);
      const bytes = await readFile(file);
      const handle = await open(file, "r+");
      // What is not compressed has bytes between the records that say nothing of them.
      const at = compression === "none" ? bytes.indexOf("because") : bytes.length >> 2;
      await handle.write(Buffer.from([(bytes[at] as number) ^ 4]), 0, 1, at);
      await handle.close();
      const { code, output } = await verify(connection);
      expect(code).toBe(1);
      expect(output).toContain(`${topic} partition 0 offset `);
      expect(output).toMatch(/ 80 records of master data, 2 refused messages, 2 records of damage/);
    },
  );

  test("a cluster that does not answer is named with its setting, and ends it", async () => {
    const environment = { METERBOOK_KAFKA_BROKERS: "127.0.0.1:1" };
    const { code, errors } = await runCommand("verify", ["--kafka"], environment);
    expect([code, errors]).toEqual([1, expect.stringMatching(/METERBOOK_KAFKA_BROKERS=127.0.0.1:1 does not answer/)]);
    const none = await runCommand("verify", ["--kafka"]);
    expect([none.code, none.errors]).toEqual([2, expect.stringContaining("METERBOOK_KAFKA_BROKERS: expected a value")]);
    const both = await runCommand("verify", ["--kafka", "--data", "somewhere"]);
    expect([both.code, both.errors]).toEqual([2, expect.stringContaining("one of --data, --kafka and --api")]);
  });
});

/** What services write in a quiet hour. */
async function writeSound(connection: KafkaConnection): Promise<void> {
  const dataDir = await temporaryDirectory();
  const readings = openKafkaReadingsLog({ connection, partitions, events });
  const registry = await openKafkaRegistry({ connection, dataDir, events });
  const rejected = openKafkaRejectedAppender({ connection, events });
  const damage = openKafkaDamageReporter({ connection, events });
  const ledgers = await openKafkaSnapshotLedgers({ connection, dataDir, events });
  const shards = await Promise.all(Array.from({ length: partitions }, (_, shard) => ledgers.open(shard)));
  await Promise.all(meters.map((meterId) => readings.append(aReport(meterId, meterId))));
  await registry.put(meters.map((meterId) => aRecord(meterId)));
  await rejected.append([aRejection()]);
  await damage.report([aDamage()]);
  for (const [shard, ledger] of shards.entries()) {
    const own = meters.filter((meterId) => shardOf(meterId) === shard);
    await ledger.append(own.map((meterId) => aSnapshot(meterId, october, 1)));
    await ledger.seal(5);
  }
  await shards[shardOf("m-1")]?.append([aSnapshot("m-1", october, 2)]);
  await Promise.all([readings, registry, rejected, damage, ...shards].map((one) => one.close()));
  await ledgers.close();
}

/** Writes as a stranger would; answers where the last record is. */
async function write(connection: KafkaConnection, name: TopicName, records: readonly Message[]): Promise<string> {
  const producer = connection.client.producer();
  await producer.connect();
  const topic = topicOf(connection, name);
  const partition = ({ key }: Message) => (name === "snapshots" ? shardOf(String(key)) : 0);
  const messages = records.map((record) => ({ partition: partition(record), ...record }));
  const [written] = await producer.send({ topic, messages });
  await producer.disconnect();
  const offset = Number(written?.baseOffset) + records.length - 1;
  return `${topic} partition ${written?.partition} offset ${offset}`;
}

function masterDataOf(meterId: string): Buffer {
  const head = { id: "c-1", recordedAtMs: 5, by: "test", reason: "a test" };
  return encodeRegistryChange(sealChange({ ...head, writes: [{ meter: aRecord(meterId), base: null }] }));
}

function flippedSeal(): Message {
  const message = sealMessage({ shard: 1, period: october, size: 3, root: "0f".repeat(32), sealedAtMs: 5 });
  return { ...message, value: flipped(message.value as Buffer) };
}

function damagedMessage(snapshot: Snapshot): Message {
  const message = ledgerMessage(snapshot, shardOf(snapshot.meterId));
  return { ...message, value: flipped(message.value as Buffer) };
}

function flipped(record: Uint8Array): Buffer {
  const changed = Buffer.from(record);
  const at = changed.length >> 1;
  changed[at] = (changed[at] as number) ^ 4;
  return changed;
}
