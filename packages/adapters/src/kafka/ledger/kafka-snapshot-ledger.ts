import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import { snapshotId } from "@meterbook/core/domain/snapshot/snapshot";
import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { DamageEars } from "@meterbook/core/ports/damage-log";
import type { SnapshotLedger, SnapshotLedgers, SnapshotView } from "@meterbook/core/ports/snapshot-ledger";
import { checkSeal } from "@meterbook/core/records/seal/seal-protobuf";
import type { Message } from "kafkajs";
import { goneSnapshots } from "../../sqlite-views/ledger/gone-snapshots.ts";
import { ledgerDamage, readLedgerRecord } from "../../sqlite-views/ledger/ledger-record.ts";
import { ledgerSeals } from "../../sqlite-views/ledger/ledger-seals.ts";
import { snapshotReads } from "../../sqlite-views/ledger/snapshot-reads.ts";
import {
  isSameRevision,
  issuedDifferently,
  type SnapshotInserts,
  snapshotInserts,
  snapshotSchema,
} from "../../sqlite-views/ledger/snapshot-view.ts";
import type { KafkaConnection } from "../client/kafka-connection.ts";
import type { WriteEvents } from "../client/lasting-producer.ts";
import { openPartitionViews, type PartitionViews } from "../following/partition-views.ts";
import type { FollowerEvents } from "../following/topic-follower.ts";
import type { TopicViewOptions } from "../following/view-intake.ts";
import { openViewOfTopic, type TopicView } from "../following/view-of-topic.ts";
import { topicOf } from "../topics/kafka-topics.ts";
import { type LedgerProducer, takeLedgerProducer, type WriteWatch } from "./ledger-producer.ts";
import { isSeal, ledgerMessage, revisionOf, sealMessage } from "./revision-header.ts";

export interface LedgerEvents extends FollowerEvents, WriteEvents {
  /**
   * Another owner has taken the right to issue for a partition, or a transaction was refused or has an unknown outcome.
   */
  fenced(facts: { readonly partition: number; readonly error: unknown }): void;
  /** The ledger holds a revision twice with different hashes or lifecycles, which must never be; the first counts. */
  revisionRepeated(facts: { readonly id: string }): void;
}

export interface KafkaLedgerOptions {
  readonly connection: KafkaConnection;
  /** Where the view is kept; a directory of this process. */
  readonly dataDir: string;
  readonly events: LedgerEvents;
  /** Told of records that cannot be read. */
  readonly ears?: DamageEars;
  /** Told `ledger-written`, the moment after a commit at which a process may die. */
  readonly crashPoint?: (name: string) => void;
}

type ClosableView = SnapshotView & { close(): Promise<void> };

/**
 * The ledger for readers, in `<dataDir>/ledger.view.db`. A shard is a partition of the topic and a record's sequence is
 * its offset and one, so every process that reads the topic, whenever it began, answers the same cursors. Of a revision
 * that stands twice the first record counts.
 */
export async function openKafkaSnapshotView(options: KafkaLedgerOptions): Promise<ClosableView> {
  const view = await openViewOfTopic(options.connection, ledgerView(options));
  return { ...snapshotReads(view.database, options.ears).reads, catchUp: view.catchUp, close: view.close };
}

/**
 * The ledger for aggregators: each follows the shards that it has open and no others, in
 * `<dataDir>/ledger-<partition>.view.db`. The right to issue for a partition is a transactional id: whoever takes a
 * partition over fences the owner before, and sees all that it had committed.
 *
 * Why an owner that was stopped, for however long and wherever, does no harm when it wakes: an open transaction of its
 * is undone by the take-over, and what it sends after that bears an epoch that the broker no longer takes. What it had
 * committed was seen before the new owner issued anything, so that no revision is issued twice. Should that ever fail,
 * readers take the first record of a revision and tell when a second one differs.
 *
 * An outage delays an append for as long as its transaction can live. When it lasts longer, or comes between the
 * request to commit and the answer, nobody can know whether we still are the owner and what stands in the ledger. To
 * take over once more would answer that, but could take the partition from its new owner; so it is the caller's to
 * decide, by `ledger_fenced`.
 */
export async function openKafkaSnapshotLedgers(options: KafkaLedgerOptions): Promise<SnapshotLedgers> {
  const { connection } = options;
  const views = await openPartitionViews(connection, ledgerView(options));
  const watch = writeWatch(options.events);
  const topic = topicOf(connection, "snapshots");
  return {
    async open(partition) {
      const transactionalId = `${connection.settings.topicPrefix}ledger-${partition}`;
      const producer = await takeLedgerProducer(connection, { topic, transactionalId, watch });
      const view = await shown(views, partition).catch(async (error: unknown) => {
        await producer.close();
        throw error;
      });
      return ledgerOf(partition, { view, producer, options });
    },
    close: views.close,
  };
}

/** With all that stands in the shard now, also where it was open already. */
async function shown(views: PartitionViews, partition: number): Promise<TopicView> {
  const view = await views.open(partition);
  await view.catchUp().catch(async (error: unknown) => {
    await view.close();
    throw error;
  });
  return view;
}

function writeWatch(events: WriteEvents): WriteWatch {
  let failing = false;
  return {
    failed(error) {
      failing = true;
      events.writeFailed({ error });
    },
    succeeded() {
      if (failing) events.writeRecovered();
      failing = false;
    },
  };
}

function ledgerView({ connection, dataDir, events, ears }: KafkaLedgerOptions): TopicViewOptions<SnapshotInserts> {
  return {
    topic: topicOf(connection, "snapshots"),
    dataDir,
    name: "ledger",
    schema: snapshotSchema,
    version: 9,
    events,
    tables: snapshotInserts,
    ended: (inserts) => inserts.ended(),
    undone: (inserts) => inserts.undone(),
    putBack(database, before) {
      if (ears !== undefined) for (const gone of goneSnapshots(database, before, ears.nowMs())) ears.tell(gone);
    },
    take(inserts, message, { partition, offset }) {
      const body = message.value ?? Buffer.alloc(0);
      const place = { shard: partition, sequence: offset + 1 };
      if (isSeal(message)) {
        const { record, fault } = checkSeal(body);
        if (fault === undefined) inserts.addSeal({ ...record, shard: partition });
        else ears?.tell(ledgerDamage(fault, { place }, ears.nowMs()));
        return;
      }
      const key = revisionOf(message);
      const { snapshot, ...why } = readLedgerRecord(body, key);
      if (snapshot === undefined) {
        // Whoever wrote it: it stops nobody, and what comes after it is shown.
        const record = { place, body: () => body, appendedAtMs: Number(message.timestamp) };
        const at = key !== undefined && inserts.addDamaged(key, record) ? { key } : { place };
        ears?.tell(ledgerDamage(why as Parameters<typeof ledgerDamage>[0], at, ears.nowMs()));
        return;
      }
      if (inserts.add(place, snapshot, () => body) === "differs") events.revisionRepeated({ id: snapshotId(snapshot) });
    },
  };
}

interface LedgerParts {
  readonly view: TopicView;
  readonly producer: LedgerProducer;
  readonly options: KafkaLedgerOptions;
}

function ledgerOf(partition: number, { view, producer, options }: LedgerParts): SnapshotLedger {
  const { reads, findSync } = snapshotReads(view.database, options.ears);
  const seals = ledgerSeals(view.database);
  const { events, crashPoint = () => undefined } = options;
  let isAppending = false;
  let written = -1;

  /** The number of a revision that cannot be read is taken. */
  function issuedAs({ meterId, period, revision }: Snapshot): Snapshot | "unreadable" | undefined {
    try {
      return findSync(meterId, period, revision);
    } catch (error) {
      if (error instanceof AdapterError && error.code === "record_damaged") return "unreadable";
      throw error;
    }
  }

  /** Those that are not issued yet. Throws where one was issued with another hash or lifecycle. */
  function unissued(snapshots: readonly Snapshot[]): Snapshot[] {
    const fresh = new Map<string, Snapshot>();
    for (const snapshot of snapshots) {
      const id = snapshotId(snapshot);
      const issued = fresh.get(id) ?? issuedAs(snapshot);
      if (issued === undefined) fresh.set(id, snapshot);
      else if (issued === "unreadable" || !isSameRevision(issued, snapshot)) {
        throw new AdapterError("store_write_failed", { retryable: true, cause: issuedDifferently(snapshot) });
      }
    }
    return [...fresh.values()];
  }

  async function write(records: readonly Message[]): Promise<void> {
    written = await producer.write(records).catch((error: unknown) => {
      events.fenced({ partition, error });
      throw error;
    });
    crashPoint("ledger-written");
    await view.reach(written);
  }

  async function append(snapshots: readonly Snapshot[]): Promise<void> {
    // An append may have ended with its records written and not yet seen.
    await view.reach(written);
    const fresh = unissued(snapshots);
    if (fresh.length > 0) await write(fresh.map((one) => ledgerMessage(one, partition)));
  }

  async function seal(atMs: number): Promise<void> {
    await view.reach(written);
    const grown = seals.grown(partition).map((one) => sealMessage({ ...one, sealedAtMs: atMs }));
    if (grown.length > 0) await write(grown);
  }

  async function alone(work: () => Promise<void>): Promise<void> {
    if (isAppending) throw new Error("the ledger takes one append at a time");
    isAppending = true;
    try {
      await work();
    } finally {
      isAppending = false;
    }
  }

  return {
    ...reads,
    catchUp: view.catchUp,
    append: (snapshots) => alone(() => append(snapshots)),
    seal: (atMs) => alone(() => seal(atMs)),
    async close() {
      await producer.close();
      await view.close();
    },
  };
}
