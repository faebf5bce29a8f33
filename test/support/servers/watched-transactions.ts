import type { KafkaConnection } from "@meterbook/adapters/kafka/client/kafka-connection";
import type { ProducerConfig, Transaction } from "kafkajs";

/** Where a transaction is: before a send, after it, before it is asked to commit, and after the answer. */
export type TransactionStage = "sending" | "sent" | "committing" | "committed";

/** The same cluster; `at` is told where each transaction is, and may throw there or stop the process. */
export function watchedTransactions(
  connection: KafkaConnection,
  at: (stage: TransactionStage) => void,
): KafkaConnection {
  const { client, settings } = connection;
  const watched = Object.create(client) as typeof client;
  watched.producer = (config?: ProducerConfig) => {
    const producer = client.producer(config);
    return { ...producer, transaction: async () => watch(await producer.transaction(), at) };
  };
  return { client: watched, settings };
}

function watch(transaction: Transaction, at: (stage: TransactionStage) => void): Transaction {
  return {
    ...transaction,
    async send(record) {
      at("sending");
      const sent = await transaction.send(record);
      at("sent");
      return sent;
    },
    async commit() {
      at("committing");
      await transaction.commit();
      at("committed");
    },
  };
}
