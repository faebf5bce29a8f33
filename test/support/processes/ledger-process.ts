// A process that issues snapshots and stands still in the middle of it, or that builds a view and dies in the middle of
// it.
import { readFileSync, writeSync } from "node:fs";
import { kafkaConnection } from "@meterbook/adapters/kafka/client/kafka-connection";
import {
  openKafkaSnapshotLedgers,
  openKafkaSnapshotView,
} from "@meterbook/adapters/kafka/ledger/kafka-snapshot-ledger";
import type { Snapshot } from "@meterbook/core/domain/snapshot/snapshot";
import type { Consumer, ConsumerConfig } from "kafkajs";
import { silentKafkaEvents } from "../servers/silent-kafka-events.ts";
import { type TransactionStage, watchedTransactions } from "../servers/watched-transactions.ts";

/** Read from standard input. */
export interface LedgerProcessTask {
  readonly brokers: readonly string[];
  readonly topicPrefix: string;
  readonly dataDir: string;
  /** Issued in one append to partition 0, which stands still at this stage. */
  readonly issue?: { readonly snapshots: readonly Snapshot[]; readonly stopAt: TransactionStage };
  /** The view is built until this offset is being taken in. */
  readonly dieAtOffset?: number;
}

const task = JSON.parse(readFileSync(0, "utf8")) as LedgerProcessTask;
const { brokers, topicPrefix, dataDir } = task;
const connection = kafkaConnection(
  { brokers, topicPrefix, compression: "none" },
  { clientId: "ledger-process", log: () => undefined },
);
if (task.issue !== undefined) await issue(task.issue);
else await follow(task.dieAtOffset ?? Number.POSITIVE_INFINITY);
process.exit(0);

async function issue({ snapshots, stopAt }: NonNullable<LedgerProcessTask["issue"]>): Promise<void> {
  let hasStopped = false;
  const watched = watchedTransactions(connection, (stage) => {
    if (stage !== stopAt || hasStopped) return;
    hasStopped = true;
    writeSync(1, "stopped\n");
    process.kill(process.pid, "SIGSTOP");
  });
  const ledgers = await openKafkaSnapshotLedgers({ connection: watched, dataDir, events: silentKafkaEvents });
  const ledger = await ledgers.open(0);
  const outcome = await ledger.append(snapshots).then(
    () => "appended",
    (error: { code?: string }) => error.code ?? "failed",
  );
  writeSync(1, `${outcome}\n`);
}

async function follow(dieAtOffset: number): Promise<void> {
  const client = Object.create(connection.client) as typeof connection.client;
  client.consumer = (config: ConsumerConfig) => dying(connection.client.consumer(config), dieAtOffset);
  await openKafkaSnapshotView({ connection: { ...connection, client }, dataDir, events: silentKafkaEvents });
}

/** Reading the value of this record is death: others of its batch have been taken in, and the transaction is open. */
function dying(consumer: Consumer, offset: number): Consumer {
  return {
    ...consumer,
    async run({ eachBatch, ...config } = {}) {
      await consumer.run({
        ...config,
        async eachBatch(payload) {
          const message = payload.batch.messages.find((one) => Number(one.offset) === offset);
          if (message !== undefined)
            Object.defineProperty(message, "value", { get: () => process.kill(process.pid, "SIGKILL") });
          await eachBatch?.(payload);
        },
      });
    },
  };
}
