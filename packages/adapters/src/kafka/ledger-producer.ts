import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { Message, Transaction } from "kafkajs";
import type { KafkaConnection } from "./kafka-connection.ts";

/** The right to write under a transactional id, until another takes it. */
export interface LedgerProducer {
  /**
   * Writes all records in one transaction, answers the offset of the last.
   *
   * @throws AdapterError `ledger_fenced` where another has taken the right, and where the outcome is not known: then only a new
   * take-over tells what stands in the ledger. After that it is of no use.
   */
  write(records: readonly Message[]): Promise<number>;
  close(): Promise<void>;
}

/** kafkajs groups the records of a send in quadratic time. */
const recordsPerSendMax = 1000;
/** After it the broker ends a transaction whose owner stands still; until then readers wait for it. */
const transactionMsMax = 15_000;
/** The broker may be busy with the end of the transaction before; so often, and so long between, it is asked again. */
const busyAttemptsMax = 100;
const busyMs = 10;

/**
 * Takes the right to write under `transactionalId`: from now on the owner before can commit nothing, and what it had under way
 * is undone.
 *
 * @throws AdapterError `store_write_failed` (retryable) where the cluster does not answer.
 */
export async function takeLedgerProducer(
  { client, settings }: KafkaConnection,
  { topic, transactionalId }: { readonly topic: string; readonly transactionalId: string },
): Promise<LedgerProducer> {
  const producer = client.producer({
    transactionalId,
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    transactionTimeout: transactionMsMax,
    retry: { initialRetryTime: 50, maxRetryTime: 1000, retries: 8 },
  });
  const hasGzip = settings.compression === "gzip";
  let lost = false;

  /** The first transaction is what registers us with the coordinator. */
  async function take(): Promise<void> {
    await producer.connect();
    const nothing = await producer.transaction();
    await nothing.abort();
  }

  async function send(transaction: Transaction, messages: Message[]): Promise<number> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const [metadata] = await transaction.send({
          topic,
          messages,
          acks: -1,
          ...(hasGzip ? { compression: 1 } : {}),
        });
        return Number(metadata?.baseOffset) + messages.length - 1;
      } catch (error) {
        if (!isBusy(error) || attempt === busyAttemptsMax) throw error;
        await new Promise((resolve) => setTimeout(resolve, busyMs));
      }
    }
  }

  async function inTransaction(records: readonly Message[]): Promise<number> {
    const transaction = await producer.transaction();
    let last = -1;
    for (let first = 0; first < records.length; first += recordsPerSendMax)
      last = await send(transaction, records.slice(first, first + recordsPerSendMax));
    await transaction.commit();
    return last;
  }

  await take().catch(async (cause: unknown) => {
    await producer.disconnect().catch(() => undefined);
    throw new AdapterError("store_write_failed", { retryable: true, cause });
  });
  return {
    async write(records) {
      if (lost) throw fenced(transactionalId);
      try {
        return await inTransaction(records);
      } catch (cause) {
        lost = true;
        throw fenced(transactionalId, cause);
      }
    },
    async close() {
      lost = true;
      await producer.disconnect().catch(() => undefined);
    },
  };
}

function fenced(transactionalId: string, cause?: unknown): AdapterError {
  const said = cause instanceof Error ? `: ${cause.message}` : "";
  const detail = `${transactionalId} is another's by now, or its last transaction has an outcome that is not known${said}`;
  return new AdapterError("ledger_fenced", { retryable: true, cause, detail });
}

function isBusy(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ((cause as { type?: string }).type === "CONCURRENT_TRANSACTIONS") return true;
  return false;
}
