import { AdapterError } from "@meterbook/core/ports/adapter-error";
import type { Message, Transaction } from "kafkajs";
import kafkajs from "kafkajs";
import { backOff } from "../../waiting/back-off.ts";
import { within } from "../../waiting/within.ts";
import type { KafkaConnection } from "../client/kafka-connection.ts";

/** The right to write under a transactional id, until another takes it. */
export interface LedgerProducer {
  /**
   * Writes all records in one transaction, answers the offset of the last. One call at a time; an outage of some
   * seconds only delays it.
   *
   * @throws AdapterError `ledger_fenced` where another has taken the right, where the records were refused, and where
   * the outcome is not known: only a new take-over tells what stands in the ledger then, and this producer is of no use
   * any more.
   */
  write(records: readonly Message[]): Promise<number>;
  /** What is under way is undone. */
  close(): Promise<void>;
}

/** Tells failures, and the first success after them; one for all the ledgers of a process. */
export interface WriteWatch {
  failed(error: unknown): void;
  succeeded(): void;
}

export interface LedgerProducerOptions {
  readonly topic: string;
  readonly transactionalId: string;
  readonly watch: WriteWatch;
}

/** kafkajs groups the records of a send in quadratic time, and a topic takes a mebibyte at once. */
const recordsPerSendMax = 1000;
const bytesPerSendMax = 512 * 1024;
/**
 * After it the broker ends a transaction whose owner stands still; until then readers wait for it. As long it is tried
 * to go on over an outage.
 */
const transactionMsMax = 15_000;
const goodByeMsMax = 2000;

/**
 * Takes the right to write under `transactionalId`: from now on the owner before can commit nothing, and what it had
 * under way is undone.
 *
 * @throws AdapterError `store_write_failed` (retryable) where the cluster does not answer.
 */
export async function takeLedgerProducer(
  { client, settings }: KafkaConnection,
  { topic, transactionalId, watch }: LedgerProducerOptions,
): Promise<LedgerProducer> {
  const producer = client.producer({
    transactionalId,
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    transactionTimeout: transactionMsMax,
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 3 },
  });
  const compression = settings.compression === "gzip" ? kafkajs.CompressionTypes.GZIP : kafkajs.CompressionTypes.None;
  const pause = backOff({ firstMs: 5, maxMs: 500 });
  let lost = false;
  let writing: Promise<number> | undefined;

  /** The first transaction is what registers us with the coordinator. */
  async function take(): Promise<void> {
    await producer.connect();
    const nothing = await producer.transaction();
    await nothing.abort();
  }

  /**
   * Always the same records under the same sequence numbers and the same epoch: the broker knows what it has already,
   * and refuses us if it was another's turn meanwhile.
   */
  async function send(transaction: Transaction, messages: Message[], endMs: number): Promise<number> {
    for (;;) {
      try {
        const [metadata] = await transaction.send({ topic, messages, acks: -1, compression });
        pause.reset();
        return Number(metadata?.baseOffset) + messages.length - 1;
      } catch (error) {
        const what = meaningOf(error);
        if (lost || what === "no" || performance.now() > endMs) throw error;
        if (what === "away") watch.failed(error);
        await pause.wait();
      }
    }
  }

  async function inTransaction(records: readonly Message[]): Promise<number> {
    const transaction = await producer.transaction();
    const endMs = performance.now() + transactionMsMax;
    let last = -1;
    try {
      for (const messages of slices(records)) last = await send(transaction, messages, endMs);
      // kafkajs asks for it once: without an answer nobody knows whether it came to it.
      await transaction.commit();
    } catch (error) {
      // So that readers need not wait until the broker does it.
      await within(goodByeMsMax, transaction.abort());
      throw error;
    }
    return last;
  }

  await take().catch(async (cause: unknown) => {
    watch.failed(cause);
    await within(goodByeMsMax, producer.disconnect());
    throw new AdapterError("store_write_failed", { retryable: true, cause });
  });
  watch.succeeded();
  return {
    async write(records) {
      if (lost) throw fenced(transactionalId);
      try {
        writing = inTransaction(records);
        const last = await writing;
        watch.succeeded();
        return last;
      } catch (cause) {
        lost = true;
        throw fenced(transactionalId, cause);
      }
    },
    async close() {
      lost = true;
      pause.end();
      if (writing !== undefined) await within(goodByeMsMax, writing);
      await within(goodByeMsMax, producer.disconnect());
    },
  };
}

function* slices(records: readonly Message[]): Generator<Message[]> {
  let slice: Message[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = record.value?.length ?? 0;
    if (slice.length > 0 && (slice.length === recordsPerSendMax || bytes + size > bytesPerSendMax)) {
      yield slice;
      slice = [];
      bytes = 0;
    }
    slice.push(record);
    bytes += size;
  }
  if (slice.length > 0) yield slice;
}

/**
 * The cluster is away, or busy with the end of the transaction before, or it has said no; kafkajs wraps what it says.
 */
function meaningOf(error: unknown): "away" | "busy" | "no" {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (!(cause instanceof kafkajs.KafkaJSProtocolError)) continue;
    if (cause.type === "CONCURRENT_TRANSACTIONS") return "busy";
    return cause.retriable ? "away" : "no";
  }
  return "away";
}

function fenced(transactionalId: string, cause?: unknown): AdapterError {
  const said = cause instanceof Error ? `: ${cause.message}` : "";
  const detail = `${transactionalId} is another's by now, or its last transaction has an outcome that is not known${said}`;
  return new AdapterError("ledger_fenced", { retryable: true, cause, detail });
}
