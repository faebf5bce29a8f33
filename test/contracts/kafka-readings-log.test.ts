import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { unreadableStretches } from "@meterbook/adapters/kafka/client/fetch-protocol";
import { kafkaConnection } from "@meterbook/adapters/kafka/client/kafka-connection";
import { lastingProducer } from "@meterbook/adapters/kafka/client/lasting-producer";
import type { KafkaReadingsLogOptions } from "@meterbook/adapters/kafka/readings-log/kafka-readings-log";
import { openKafkaReadingsLog } from "@meterbook/adapters/kafka/readings-log/kafka-readings-log";
import { checkTopics, topicOf } from "@meterbook/adapters/kafka/topics/kafka-topics";
import type { Damage } from "@meterbook/core/domain/damage/damage";
import type { ReadingsLog } from "@meterbook/core/ports/readings-log";
import { encodeFrame } from "@meterbook/core/records/frame-protobuf";
import { partitionOf } from "@meterbook/sharding/slot";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { kafkaPlaces } from "../support/servers/kafka-place.ts";
import { kafkaIsThere } from "../support/servers/kafka-server.ts";
import { silentKafkaEvents } from "../support/servers/silent-kafka-events.ts";
import { aReport, collector, readingsLogContract, reports, textsOf } from "./readings-log.contract.ts";

const wishes = { partitions: 4, readingsRetentionDays: 7 };

describe.skipIf(!kafkaIsThere())("on Kafka", { timeout: 60_000 }, () => {
  const kafka = kafkaPlaces();

  async function topicsOfItsOwn() {
    const connection = await kafka.place();
    const open = async (over: Partial<KafkaReadingsLogOptions> = {}) => {
      const { partitions } = await checkTopics(connection, wishes);
      return openKafkaReadingsLog({ connection, partitions, events: silentKafkaEvents, ...over });
    };
    return { connection, open };
  }

  readingsLogContract(async () => {
    const { connection, open } = await topicsOfItsOwn();
    return {
      open: (damaged) => open(damaged === undefined ? {} : { damaged }),
      async appendDamaged(log, report, change) {
        const producer = lastingProducer(connection, silentKafkaEvents);
        const value = change(Buffer.from(encodeFrame([report])));
        const partition = partitionOf(report.meterId, log.partitions);
        const headers = { readings: String(report.readings) };
        await producer.send([{ topic: topicOf(connection, "readings"), messages: [{ partition, value, headers }] }]);
        await producer.close();
      },
    };
  });

  test("consumers share the partitions, and one that joins takes some over where the others stood", async () => {
    const { open } = await topicsOfItsOwn();
    const log = await open();
    const handled = new Map<number, number>();
    const twice: string[] = [];
    const seen = new Set<string>();
    const owners: Set<number>[] = [];
    async function join() {
      const own = new Set<number>();
      owners.push(own);
      const member = await open();
      const subscription = await member.consume({
        async assigned(partition) {
          own.add(partition);
          return handled.get(partition) ?? 0;
        },
        async revoked(partition) {
          own.delete(partition);
        },
        async handle({ partition, frames }) {
          for (const text of textsOf(frames)) {
            if (seen.has(text)) twice.push(text);
            seen.add(text);
          }
          handled.set(partition, (frames.at(-1)?.offset ?? 0) + 1);
        },
      });
      onTestFinished(() => member.close());
      return subscription;
    }
    onTestFinished(() => log.close());
    const first = await join();
    await Promise.all(Array.from({ length: 50 }, (_, n) => log.append(aReport(`m-${n}`, "1"))));
    await vi.waitFor(() => expect(seen.size).toBe(50), { timeout: 20_000 });
    await join();
    await vi.waitFor(() => expect(owners.map((own) => own.size)).toEqual([2, 2]), { timeout: 30_000 });
    await Promise.all(Array.from({ length: 50 }, (_, n) => log.append(aReport(`m-${n}`, "2"))));
    await vi.waitFor(() => expect(seen.size).toBe(100), { timeout: 20_000 });
    await first.close();
    await Promise.all(Array.from({ length: 50 }, (_, n) => log.append(aReport(`m-${n}`, "3"))));
    await vi.waitFor(() => expect(seen.size).toBe(150), { timeout: 30_000 });
    expect(twice).toEqual([]);
  });

  test("D07: what came in stays counted when it is deleted unread, for whoever asks later too", async () => {
    const { connection, open } = await topicsOfItsOwn();
    const log = await open();
    const other = await open();
    onTestFinished(() => log.close());
    onTestFinished(() => other.close());
    for (let n = 0; n < 8; n += 1) await (n % 2 ? log : other).append(aReport(`m-${n}`, "x", { readings: 10 }));
    expect(await log.unread(new Map())).toMatchObject({ readings: 80, accepted: 80 });
    const ends = await log.ends();
    const admin = connection.client.admin();
    await admin.connect();
    const topic = topicOf(connection, "readings");
    await admin.fetchTopicMetadata({ topics: [topic] });
    const partitions = [...ends].map(([partition, end]) => ({ partition, offset: String(end) }));
    await admin.deleteTopicRecords({ topic, partitions: partitions.filter(({ offset }) => offset !== "0") });
    await admin.disconnect();
    // One is gone, the other has nothing more to say.
    await other.close();
    const later = await open();
    onTestFinished(() => later.close());
    await expect.poll(async () => (await later.unread(ends)).accepted, { timeout: 10_000 }).toBe(80);
    await later.append(aReport("m-0", "y", { readings: 5 }));
    expect(await later.unread(ends)).toMatchObject({ readings: 5, accepted: 85 });
  });

  test("what waits for a broker is more than a topic takes at once, and all of it is kept", async () => {
    const { open } = await topicsOfItsOwn();
    const log = await open();
    onTestFinished(() => log.close());
    const text = "x".repeat(100_000);
    const kept = Promise.all(Array.from({ length: 300 }, (_, n) => log.append(aReport("m-1", `${n} ${text}`))));
    await expect(kept).resolves.toHaveLength(300);
    const collected = collector();
    await log.consume(collected.consumer);
    expect(await reports(collected, 300)).toHaveLength(300);
  });

  test("a frame that the topic does not take counts for nothing, and what comes after it counts", async () => {
    const { open } = await topicsOfItsOwn();
    const log = await open({ frameBytesMax: 32 * 1024 * 1024 });
    onTestFinished(() => log.close());
    await log.append(aReport("m-1", "one", { readings: 3 }));
    const huge = { ...aReport("m-1", "", { readings: 50 }), report: Buffer.alloc(19 * 1024 * 1024) };
    await expect(log.append(huge)).rejects.toMatchObject({ code: "log_append_failed" });
    await log.append(aReport("m-1", "two", { readings: 4 }));
    expect(await log.unread(new Map())).toMatchObject({ readings: 7, accepted: 7 });
  });

  // The whole fetch failed, of all partitions and for ever.
  test("H07: a compressed batch in which a bit flips on the broker's disk is told, and all else is delivered", async () => {
    const [dataDir] = kafka.server.dataDirs ?? [];
    // A container's files are out of reach.
    if (dataDir === undefined) return;
    const place = await kafka.place();
    const connection = { ...place, settings: { ...place.settings, compression: "gzip" } } as const;
    const damages: Damage[] = [];
    const damaged = (damage: Damage) => void damages.push(damage);
    const log = openKafkaReadingsLog({ connection, partitions: 4, events: silentKafkaEvents, damaged });
    onTestFinished(() => log.close());
    for (let n = 0; n < 3; n += 1) {
      await Promise.all(Array.from({ length: 20 }, (_, m) => log.append(aReport(`m-${m}`, `${n}`, { readings: 2 }))));
    }
    const partition = partitionOf("m-0", 4);
    const path = join(dataDir, `${topicOf(connection, "readings")}-${partition}`, `${"0".repeat(20)}.log`);
    const bytes = await readFile(path);
    // In the middle of what the first batch has packed.
    const at = (61 + 12 + bytes.readInt32BE(8)) >> 1;
    const handle = await open(path, "r+");
    await handle.write(Buffer.from([(bytes[at] as number) ^ 4]), 0, 1, at);
    await handle.close();
    const collected = collector();
    await log.consume(collected.consumer);
    const here = Array.from({ length: 20 }, (_, m) => `m-${m}`).filter(
      (meterId) => partitionOf(meterId, 4) === partition,
    );
    const all = await reports(collected, 60 - here.length);
    expect(all.filter((text) => text.startsWith("m-0:"))).toEqual(["m-0:1", "m-0:2"]);
    expect(damages).toMatchObject([{ place: "readings-log", where: `partition ${partition} offset 0` }]);
  });

  /** Twenty batches, and the length of one is changed on the broker's disk; undefined where that is out of reach. */
  async function withDamagedLength(batch: 0 | 1, bit: number) {
    const [dataDir] = kafka.server.dataDirs ?? [];
    if (dataDir === undefined) return undefined;
    const connection = await kafka.place();
    const damages: Damage[] = [];
    const damaged = (damage: Damage) => void damages.push(damage);
    const log = openKafkaReadingsLog({ connection, partitions: 4, events: silentKafkaEvents, damaged });
    onTestFinished(() => log.close());
    for (let n = 0; n < 20; n += 1) await log.append({ ...aReport("m-0", ""), report: Buffer.alloc(900, n) });
    const [topic, partition] = [topicOf(connection, "readings"), partitionOf("m-0", 4)];
    const path = join(dataDir, `${topic}-${partition}`, `${"0".repeat(20)}.log`);
    const bytes = await readFile(path);
    const at = (batch === 0 ? 0 : 12 + bytes.readInt32BE(8)) + 8;
    const length = Buffer.alloc(4);
    length.writeUInt32BE((bytes.readUInt32BE(at) ^ bit) >>> 0);
    const handle = await open(path, "r+");
    await handle.write(length, 0, 4, at);
    await handle.close();
    return { connection, log, damages, topic, partition };
  }

  /** The offsets that are delivered, from one on. */
  async function offsetsFrom(log: ReadingsLog, partition: number, from: number): Promise<() => number[]> {
    const collected = collector(new Map([[partition, from]]));
    const subscription = await log.consume(collected.consumer);
    onTestFinished(() => subscription.close());
    return () => collected.frames.filter((frame) => frame.partition === partition).map(({ offset }) => offset);
  }

  const upTo20 = (from: number) => Array.from({ length: 20 - from }, (_, n) => from + n);

  // The broker gives nothing of what stands between it and the next entry of its index.
  test.for([
    [0x1, 2],
    [0x40, 1],
    [0x400, 0],
    [0x40_0000, 2],
    [0x8000_0000, 1],
  ] as const)(
    "H07: a batch whose length is damaged (bits %i) costs its own record, wherever a consumer stands (offset %i)",
    async ([bit, from]) => {
      const found = await withDamagedLength(1, bit);
      if (found === undefined) return;
      const { log, damages, partition } = found;
      const offsets = await offsetsFrom(log, partition, from);
      await expect.poll(offsets, { timeout: 30_000 }).toEqual(upTo20(from));
      const where = `partition ${partition} offset 1`;
      expect(damages).toMatchObject(from > 1 ? [] : [{ place: "readings-log", where }]);
    },
  );

  test("H07: where nothing stands before it, it is told from where on can be read, and a setting goes on there", async () => {
    const found = await withDamagedLength(0, 0x8000_0000);
    if (found === undefined) return;
    const { connection, log, topic, partition } = found;
    const offsets = await offsetsFrom(log, partition, 0);
    const told = () => unreadableStretches().filter((one) => one.topic === topic);
    await expect.poll(told, { timeout: 60_000 }).toHaveLength(1);
    const readableFrom = told()[0]?.readableFrom ?? 0;
    expect([told()[0]?.from, offsets()]).toEqual([0, []]);
    expect(readableFrom).toBeGreaterThan(0);
    expect(readableFrom).toBeLessThan(10);
    await log.close();
    const passOver = [{ topic, partition, from: 0, to: readableFrom - 1 }];
    const again = kafkaConnection({ ...connection.settings, passOver }, { clientId: "test", log: () => undefined });
    const damages: Damage[] = [];
    const events = silentKafkaEvents;
    const other = openKafkaReadingsLog({
      ...{ connection: again, partitions: 4, events, damaged: (damage: Damage) => void damages.push(damage) },
    });
    onTestFinished(() => other.close());
    const after = await offsetsFrom(other, partition, 0);
    await expect.poll(after, { timeout: 30_000 }).toEqual(upTo20(0));
    expect(damages.map(({ where }) => where)).toEqual(
      Array.from({ length: readableFrom }, (_, n) => `partition ${partition} offset ${n}`),
    );
  });

  test("says from where to where the log has forgotten what was not read", async () => {
    const { connection, open } = await topicsOfItsOwn();
    const gaps: unknown[] = [];
    const log = await open({ events: { ...silentKafkaEvents, gap: (facts) => gaps.push(facts) } });
    onTestFinished(() => log.close());
    const partition = partitionOf("m-1", 4);
    for (let n = 0; n < 5; n += 1) await log.append(aReport("m-1", `${n}`));
    const admin = connection.client.admin();
    await admin.connect();
    await admin.fetchTopicMetadata({ topics: [topicOf(connection, "readings")] });
    await admin.deleteTopicRecords({
      topic: topicOf(connection, "readings"),
      partitions: [{ partition, offset: "3" }],
    });
    await admin.disconnect();
    const collected = collector();
    await log.consume(collected.consumer);
    expect(await reports(collected, 2)).toEqual(["m-1:3", "m-1:4"]);
    expect(gaps).toEqual([{ partition, from: 0, to: 3 }]);
  });
});
