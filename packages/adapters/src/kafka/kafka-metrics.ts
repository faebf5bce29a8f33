import { messageOf } from "@meterbook/core/ports/adapter-error";
import type { Registry } from "prom-client";
import { Counter, Gauge } from "prom-client";
import { within } from "../waiting/within.ts";
import type { WriteEvents } from "./client/lasting-producer.ts";
import type { FollowerEvents } from "./following/topic-follower.ts";
import type { LedgerEvents } from "./ledger/kafka-snapshot-ledger.ts";
import type { GroupEvents, PartitionLag } from "./readings-log/group-consumer.ts";

/** Everything that the Kafka adapters tell. */
export type KafkaEvents = WriteEvents & GroupEvents & FollowerEvents & LedgerEvents;

/** Where the Kafka side says what an operator must read; the process's logger fits. */
export interface KafkaOperatorLog {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

/**
 * What stands wrong until it is cleared, for `/readyz`; a line in the log when it begins and when it ends is its part.
 */
export interface Standing {
  raise(name: string, detail: string): void;
  clear(name: string): void;
  /** Stands until it has not been told for some seconds. */
  recur(name: string, detail: string): void;
  /** What may only follow from something else that stands. */
  suppose(name: string, detail: string): void;
}

/** The events of the Kafka adapters as metrics, log lines and health. */
export function kafkaMetrics(registry: Registry, log: KafkaOperatorLog, standing: Standing): KafkaEvents {
  return {
    ...ledgerMetrics(registry, log),
    ...groupMetrics(registry, log, standing),
    ...followMetrics(registry, standing),
    ...writeMetrics(registry, standing),
  };
}

function writeMetrics(registry: Registry, standing: Standing): WriteEvents {
  const failures = new Counter({
    name: "meterbook_kafka_write_failures_total",
    help: "Writes to Kafka that failed and were tried again.",
    registers: [registry],
  });
  return {
    writeFailed({ error }) {
      failures.inc();
      standing.raise("kafka writes", `Kafka does not take our records: ${messageOf(error)}`);
    },
    writeRecovered: () => standing.clear("kafka writes"),
  };
}

function followMetrics(registry: Registry, standing: Standing): FollowerEvents {
  const failures = new Counter({
    name: "meterbook_kafka_follow_failures_total",
    help: "Times that a topic could not be read and was tried again.",
    registers: [registry],
  });
  return {
    followFailed({ error }) {
      failures.inc();
      standing.recur("views", `a topic cannot be read: ${messageOf(error)}`);
    },
    followBehind: ({ topic, records }) =>
      standing.suppose(`view of ${topic}`, `what this process shows of ${topic} is ${records} records behind`),
    followCaughtUp: ({ topic }) => standing.clear(`view of ${topic}`),
    followPutBack: ({ topic }) =>
      standing.raise(
        `put back ${topic}`,
        `${topic} was put back to an older copy while this process ran: start it again (docs/restore.md)`,
      ),
  };
}

function groupMetrics(registry: Registry, log: KafkaOperatorLog, standing: Standing): GroupEvents {
  const registers = [registry];
  const assigned = new Gauge({
    name: "meterbook_kafka_partitions_assigned",
    help: "Partitions of the readings that this process works on.",
    registers,
  });
  const failures = new Counter({
    name: "meterbook_kafka_consumer_failures_total",
    help: "Times that the consumer of the readings gave up and began again.",
    registers,
  });
  return {
    assigned({ partitions }) {
      assigned.set(partitions.length);
      standing.clear("consumer");
      log.info({ partitions: partitions.join(",") }, "Partitions assigned.");
    },
    consumerFailed({ error }) {
      failures.inc();
      assigned.set(0);
      standing.raise("consumer", `the readings cannot be read from Kafka: ${messageOf(error)}`);
    },
    handleFailed: ({ partition, error }) =>
      standing.recur("partitions", `partition ${partition} cannot be worked on: ${messageOf(error)}`),
    commitFailed: ({ error }) => log.debug({ error: messageOf(error) }, "An offset was not noted for lag monitors."),
    gap({ partition, from, to }) {
      // The store may have them: the aggregator says what is lost.
      log.info({ partition, from, to }, "The readings log no longer holds records that were to be read.");
    },
  };
}

function ledgerMetrics(registry: Registry, log: KafkaOperatorLog): Pick<LedgerEvents, "fenced" | "revisionRepeated"> {
  const fenced = new Counter({
    name: "meterbook_ledger_fenced_total",
    help: "Times that the right to issue for a partition was another aggregator's, or in doubt after an outage.",
    registers: [registry],
  });
  const repeated = new Counter({
    name: "meterbook_ledger_revisions_repeated_total",
    help: "Revisions that stood in the ledger a second time with another hash or lifecycle; the first counts. Alarm above 0.",
    registers: [registry],
  });
  return {
    fenced({ partition, error }) {
      fenced.inc();
      const fields = { partition, error: messageOf(error) };
      log.warn(
        fields,
        "The right to issue for this partition is another's or in doubt; it is taken anew if the partition stays here.",
      );
    },
    revisionRepeated({ id }) {
      repeated.inc();
      log.error({ id }, "A revision stands twice in the ledger with different hashes or lifecycles; the first counts.");
    },
  };
}

/** A scrape waits no longer for the log's ends. */
const askMsMax = 2000;

/** How far behind this process is, asked at each scrape. */
export function kafkaLagMetrics(registry: Registry, lag: () => Promise<readonly PartitionLag[]>): void {
  const registers = [registry];
  let asking: Promise<readonly PartitionLag[]> | undefined;

  /** What cannot be asked is not told. */
  async function asked(): Promise<readonly PartitionLag[]> {
    asking ??= lag().finally(() => {
      asking = undefined;
    });
    let found: readonly PartitionLag[] = [];
    await within(
      askMsMax,
      asking.then((answer) => {
        found = answer;
      }),
    );
    return found;
  }

  new Gauge({
    name: "meterbook_kafka_consumer_lag_records",
    help: "Records of the readings that are appended and not yet in the store, by partition of this process: the log's end minus the position. Absent while the log cannot be asked.",
    labelNames: ["partition"],
    registers,
    async collect() {
      const found = await asked();
      this.reset();
      for (const { partition, records } of found) this.set({ partition }, records);
    },
  });
  new Gauge({
    name: "meterbook_kafka_oldest_unread_seconds",
    help: "Age of the oldest of them, or for how long it is known to wait where it is not fetched yet; 0 when there is none.",
    labelNames: ["partition"],
    registers,
    async collect() {
      const found = await asked();
      this.reset();
      for (const { partition, waitsSinceMs } of found)
        this.set({ partition }, waitsSinceMs === undefined ? 0 : Math.max(0, Date.now() - waitsSinceMs) / 1000);
    },
  });
}
