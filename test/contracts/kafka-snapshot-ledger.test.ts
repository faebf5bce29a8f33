import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pastElections } from "@meterbook/adapters/kafka/client/admin-asking";
import type { KafkaConnection } from "@meterbook/adapters/kafka/client/kafka-connection";
import {
  openKafkaSnapshotLedgers,
  openKafkaSnapshotView,
} from "@meterbook/adapters/kafka/ledger/kafka-snapshot-ledger";
import { ledgerMessage } from "@meterbook/adapters/kafka/ledger/revision-header";
import { createTopics, topicOf, withAdmin } from "@meterbook/adapters/kafka/topics/kafka-topics";
import { encodeLedgerRecord } from "@meterbook/adapters/sqlite-views/ledger/ledger-record";
import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { SnapshotLedger, SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import { type LedgerPlace, ledgerStart, placeAfter } from "@meterbook/sharding/ledger-place";
import { ConfigResourceTypes } from "kafkajs";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { kafkaPlaces } from "../support/servers/kafka-place.ts";
import { kafkaIsThere } from "../support/servers/kafka-server.ts";
import { silentKafkaEvents } from "../support/servers/silent-kafka-events.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { aSnapshot, snapshotLedgerContract } from "./snapshot-ledger.contract.ts";

const october = 2026 * 12 + 9;

describe.skipIf(!kafkaIsThere())("on Kafka", { timeout: 90_000 }, () => {
  const kafka = kafkaPlaces();

  async function ledgersOn(connection: KafkaConnection, events = silentKafkaEvents) {
    const ledgers = await openKafkaSnapshotLedgers({ connection, dataDir: await temporaryDirectory(), events });
    onTestFinished(() => ledgers.close().catch(() => undefined));
    return ledgers;
  }

  async function viewOn(connection: KafkaConnection, events = silentKafkaEvents, dataDir?: string) {
    const view = await openKafkaSnapshotView({ connection, dataDir: dataDir ?? (await temporaryDirectory()), events });
    onTestFinished(() => view.close().catch(() => undefined));
    return view;
  }

  snapshotLedgerContract(async () => {
    const connection = await kafka.place();
    const ledgers = await ledgersOn(connection);
    return {
      open: (shard = 0) => ledgers.open(shard),
      view: () => viewOn(connection),
      async putDamaged(snapshot) {
        const { value, ...message } = ledgerMessage(snapshot, 0);
        const bytes = Buffer.from(value as Buffer);
        bytes[20] = (bytes[20] ?? 0) ^ 4;
        const producer = connection.client.producer();
        await producer.connect();
        onTestFinished(() => producer.disconnect());
        const messages = [{ ...message, value: bytes }];
        await producer.send({ topic: topicOf(connection, "snapshots"), messages });
      },
    };
  });

  const everything = async (view: SnapshotView) => {
    await view.catchUp();
    const entries = await view.changes({ after: ledgerStart, limit: 100_000 });
    return entries.map(({ shard, sequence, snapshot }) => [
      `${shard}/${sequence}`,
      snapshot.meterId,
      snapshot.revision,
    ]);
  };

  test("who takes a partition over fences the owner before and has all that it issued", async () => {
    const connection = await kafka.place();
    const fenced = vi.fn();
    const [first, second] = [
      await ledgersOn(connection, { ...silentKafkaEvents, fenced }),
      await ledgersOn(connection),
    ];
    const [before, other] = [await first.open(0), await first.open(1)];
    await before.append([aSnapshot("a", october, 1)]);
    const after = await second.open(0);
    expect(await after.find("a", october)).toEqual(aSnapshot("a", october, 1));
    const refusal = await before.append([aSnapshot("a", october, 2)]).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(AdapterError);
    expect(refusal).toMatchObject({ code: "ledger_fenced", retryable: true });
    expect(fenced).toHaveBeenCalledOnce();
    await other.append([aSnapshot("b", october, 1)]);
    await after.append([aSnapshot("a", october, 2, "c0ffee")]);
    expect(await after.find("a", october, 2)).toEqual(aSnapshot("a", october, 2, "c0ffee"));
    expect((await everything(await viewOn(connection))).map(([, meterId, revision]) => [meterId, revision])).toEqual([
      ["a", 1],
      ["a", 2],
      ["b", 1],
    ]);
  });

  test("what an owner had under way when it was taken over never shows", async () => {
    const connection = await kafka.place();
    const stale = connection.client.producer({
      transactionalId: `${connection.settings.topicPrefix}ledger-0`,
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await stale.connect();
    onTestFinished(() => stale.disconnect());
    const underWay = await stale.transaction();
    const record = { key: "a", value: encodeLedgerRecord(aSnapshot("a", october, 1, "bad")), partition: 0 };
    await underWay.send({ topic: topicOf(connection, "snapshots"), messages: [record] });
    const ledger = await (await ledgersOn(connection)).open(0);
    expect(await ledger.find("a", october)).toBeUndefined();
    await expect(underWay.commit()).rejects.toThrow();
    await ledger.append([aSnapshot("a", october, 1)]);
    expect(await everything(await viewOn(connection))).toHaveLength(1);
    expect(await ledger.find("a", october)).toEqual(aSnapshot("a", october, 1));
  });

  test("all views answer the same cursors, also one that is built again", async () => {
    const connection = await kafka.place();
    const ledgers = await ledgersOn(connection);
    const owners = await Promise.all([0, 1, 2, 3].map((partition) => ledgers.open(partition)));
    const early = await viewOn(connection);
    await Promise.all(owners.map((owner, i) => appendAll(owner, `m${i}`, 10)));
    const dataDir = await temporaryDirectory();
    const late = await viewOn(connection, silentKafkaEvents, dataDir);
    const seen = await everything(early);
    expect(seen).toHaveLength(40);
    expect(await everything(late)).toEqual(seen);
    await late.close();
    await rm(dataDir, { recursive: true });
    expect(await everything(await viewOn(connection, silentKafkaEvents, dataDir))).toEqual(seen);
  });

  test.for([
    { name: "and holds less", more: [] },
    { name: "and has grown past what was shown", more: ["c", "d", "e"] },
  ])(
    "D01: a topic that was put back to an older copy $name: shown as it is, and what is gone is told",
    async ({ more }) => {
      const connection = await kafka.place();
      const dataDir = await temporaryDirectory();
      const write = (...meterIds: string[]) =>
        writeStrange(
          connection,
          meterIds.map((meterId) => aSnapshot(meterId, october, 1)),
        );
      await write("a", "b", "b2");
      await (await viewOn(connection, silentKafkaEvents, dataDir)).close();
      await makeAnew(connection);
      await write("a", ...more);
      const told = vi.fn();
      const ears = { tell: told, nowMs: () => 5 };
      const view = await openKafkaSnapshotView({ connection, dataDir, events: silentKafkaEvents, ears });
      onTestFinished(() => view.close().catch(() => undefined));
      expect((await everything(view)).map(([, meterId]) => meterId)).toEqual(["a", ...more]);
      expect(told.mock.calls).toEqual([
        [expect.objectContaining({ place: "ledger", code: "store_behind", where: "shard 0 numbers 2 to 3", lost: 2 })],
      ]);
      await view.close();
      const again = await openKafkaSnapshotView({ connection, dataDir, events: silentKafkaEvents, ears });
      onTestFinished(() => again.close());
      expect((await everything(again)).length).toBe(1 + more.length);
      expect(told).toHaveBeenCalledOnce();
    },
  );

  test("an aggregator views the shards that it has open and no others, and one again that comes back", async () => {
    const connection = await kafka.place();
    const dataDir = await temporaryDirectory();
    const ledgers = await openKafkaSnapshotLedgers({ connection, dataDir, events: silentKafkaEvents });
    onTestFinished(() => ledgers.close().catch(() => undefined));
    const others = await ledgersOn(connection);
    const rows = (partition: number) => {
      const file = new DatabaseSync(join(dataDir, `ledger-${partition}.view.db`), { readOnly: true });
      const count = file.prepare("SELECT count(*) AS rows FROM ledger").get()?.["rows"];
      file.close();
      return count;
    };
    const first = await ledgers.open(1);
    const other = await others.open(2);
    await first.append([aSnapshot("a", october, 1)]);
    await other.append([aSnapshot("b", october, 1), aSnapshot("c", october, 1)]);
    expect(await everything(first)).toEqual([["1/1", "a", 1]]);
    expect(await first.lastPlace()).toEqual([0, 1]);
    await first.close();
    const elsewhere = await others.open(1);
    await elsewhere.append([aSnapshot("a", october, 2)]);
    // As in a rebalance: shard 2 comes, and shard 1 comes back.
    const [taken, again] = await Promise.all([ledgers.open(2), ledgers.open(1)]);
    expect((await everything(taken)).map(([, meterId]) => meterId)).toEqual(["b", "c"]);
    expect((await everything(again)).map(([, , revision]) => revision)).toEqual([1, 2]);
    expect([1, 2].map(rows)).toEqual([2, 2]);
    expect(existsSync(join(dataDir, "ledger-0.view.db"))).toBe(false);
    await again.append([aSnapshot("a", october, 3)]);
    await taken.append([aSnapshot("d", october, 1)]);
    expect(await everything(await viewOn(connection))).toHaveLength(6);
  });

  test("D01: a shard that was put back is built again by itself, and what is gone is told", async () => {
    const connection = await kafka.place();
    const dataDir = await temporaryDirectory();
    const told = vi.fn();
    const open = async () => {
      const ears = { tell: told, nowMs: () => 5 };
      const ledgers = await openKafkaSnapshotLedgers({ connection, dataDir, events: silentKafkaEvents, ears });
      onTestFinished(() => ledgers.close().catch(() => undefined));
      return ledgers;
    };
    await writeStrange(connection, [aSnapshot("a", october, 1), aSnapshot("b", october, 1)]);
    const before = await open();
    const ledgers = await Promise.all([before.open(0), before.open(3)]);
    await Promise.all(ledgers.map((one) => one.close()));
    await before.close();
    await makeAnew(connection);
    await writeStrange(connection, [
      aSnapshot("c", october, 1),
      aSnapshot("d", october, 1),
      aSnapshot("e", october, 1),
    ]);
    const after = await open();
    const [ledger] = await Promise.all([after.open(0), after.open(3)]);
    expect((await everything(ledger)).map(([, meterId]) => meterId)).toEqual(["c", "d", "e"]);
    expect(told.mock.calls).toEqual([
      [expect.objectContaining({ code: "store_behind", where: "shard 0 numbers 1 to 2", lost: 2 })],
    ]);
  });

  test("partitions are added: cursors go on, nothing is missed or repeated, each meter stays in order", async () => {
    const connection = await kafka.place();
    const ledgers = await ledgersOn(connection);
    const view = await viewOn(connection);
    await (await ledgers.open(1)).append([aSnapshot("m", october, 1)]);
    await view.catchUp();
    const before = await view.changes({ after: ledgerStart, limit: 10 });
    const place = before.reduce(placeAfter, ledgerStart);
    const topic = topicOf(connection, "snapshots");
    await withAdmin(connection, (admin) => admin.createPartitions({ topicPartitions: [{ topic, count: 8 }] }));
    await writeStrange(connection, [aSnapshot("m", october, 2)], 1);
    await vi.waitFor(() => writeStrange(connection, [aSnapshot("m", october, 3), aSnapshot("n", october, 1)], 5), {
      timeout: 20_000,
    });
    const later = await viewOn(connection);
    const ids = async (after: LedgerPlace) =>
      (await later.changes({ after, limit: 10 })).map(({ snapshot }) => `${snapshot.meterId}${snapshot.revision}`);
    expect(await ids(place)).toEqual(["m2", "m3", "n1"]);
    expect(await ids(ledgerStart)).toEqual(["m1", "m2", "m3", "n1"]);
  });

  test("of a revision that stands twice the first counts, and another hash is told", async () => {
    const connection = await kafka.place();
    await writeStrange(connection, [
      aSnapshot("a", october, 1),
      aSnapshot("a", october, 1),
      aSnapshot("a", october, 1, "bad"),
    ]);
    const revisionRepeated = vi.fn();
    const view = await viewOn(connection, { ...silentKafkaEvents, revisionRepeated });
    expect(await everything(view)).toEqual([["0/1", "a", 1]]);
    expect(await view.find("a", october)).toEqual(aSnapshot("a", october, 1));
    expect(revisionRepeated.mock.calls).toEqual([[{ id: "a/2026-10/1" }]]);
  });

  test("5 000 large snapshots are one append, seen at once, and one alone takes milliseconds", async () => {
    const connection = await kafka.place();
    await takesAtMost(connection, 1_048_588);
    const ledger = await (await ledgersOn(connection)).open(0);
    const many = Array.from({ length: 5000 }, (_, i) => ({
      ...aSnapshot(`m${i}`, october, 1),
      reason: "x".repeat(1000),
    }));
    const allMs = await timeOf(() => ledger.append(many));
    const aloneMs = await timeOf(() => ledger.append([aSnapshot("one", october, 1)]));
    console.log(`append of 5 000 snapshots: ${allMs} ms, of one: ${aloneMs} ms`);
    expect(await ledger.find("m4999", october)).toEqual(many[4999]);
    expect(allMs).toBeLessThan(10_000);
  });

  test("a second append before the first has ended is a mistake, and costs nobody the right to issue", async () => {
    const ledger = await (await ledgersOn(await kafka.place())).open(0);
    const first = ledger.append([aSnapshot("a", october, 1)]);
    await expect(ledger.append([aSnapshot("b", october, 1)])).rejects.toThrow("one append at a time");
    await first;
    await ledger.append([aSnapshot("b", october, 1)]);
    expect(await everything(ledger)).toHaveLength(2);
  });
});

/** As somebody would who is no ledger. */
async function writeStrange(connection: KafkaConnection, snapshots: readonly Snapshot[], partition = 0): Promise<void> {
  const producer = connection.client.producer();
  await producer.connect();
  const messages = snapshots.map((one) => ({ key: one.meterId, value: encodeLedgerRecord(one), partition }));
  try {
    await producer.send({ topic: topicOf(connection, "snapshots"), messages });
  } finally {
    await producer.disconnect();
  }
}

/** Its offsets begin at 0 again, as those of a copy go on from where it was made. */
async function makeAnew(connection: KafkaConnection): Promise<void> {
  await withAdmin(connection, (admin) => admin.deleteTopics({ topics: [topicOf(connection, "snapshots")] }));
  const wishes = { partitions: 4, readingsRetentionDays: 7 };
  await expect.poll(() => createTopics(connection, wishes).catch(() => []), { timeout: 20_000 }).toHaveLength(1);
  await pastElections(() =>
    withAdmin(connection, (admin) => admin.fetchTopicOffsets(topicOf(connection, "snapshots"))),
  );
}

/** As brokers do where nobody has set it; ours take more. */
function takesAtMost(connection: KafkaConnection, bytes: number): Promise<unknown> {
  const configEntries = [{ name: "max.message.bytes", value: String(bytes) }];
  const topic = { type: ConfigResourceTypes.TOPIC, name: topicOf(connection, "snapshots"), configEntries };
  return withAdmin(connection, (admin) => admin.alterConfigs({ validateOnly: false, resources: [topic] }));
}

async function timeOf(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return Math.round(performance.now() - started);
}

async function appendAll(ledger: SnapshotLedger, meterId: string, revisions: number): Promise<void> {
  for (let revision = 1; revision <= revisions; revision += 1)
    await ledger.append([aSnapshot(meterId, october, revision)]);
}
