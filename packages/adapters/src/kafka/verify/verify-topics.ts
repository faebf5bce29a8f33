import type { KeptSeal } from "@meterbook/core/domain/seal/seal";
import { AdapterError, messageOf } from "@meterbook/core/ports/adapter-error";
import type { KafkaMessage } from "kafkajs";
import { issuedRevisions } from "../../sqlite-views/ledger/issued-revisions.ts";
import { within } from "../../waiting/within.ts";
import { type AdminAsking, adminAsking } from "../client/admin-asking.ts";
import { stretchText } from "../client/fetch-detours.ts";
import { unreadableStretches } from "../client/fetch-protocol.ts";
import type { KafkaConnection } from "../client/kafka-connection.ts";
import { followTopics } from "../following/topic-follower.ts";
import { whyUnreachable } from "../topics/kafka-start.ts";
import { topicOf, withAdmin } from "../topics/kafka-topics.ts";
import {
  type CheckTopicRecord,
  type RecordFault,
  topicChecks,
  type VerifiedTopic,
  verifiedTopics,
} from "./check-topic-records.ts";
import { topicSeals } from "./topic-seals.ts";

/** A record that is not what it was, or a place where one is missing. */
export interface WrongRecord extends RecordFault {
  readonly topic: string;
  /** Null where the whole topic is meant. */
  readonly partition: number | null;
  readonly offset: number | null;
}

export interface VerifiedTopics {
  readonly records: Readonly<Record<VerifiedTopic, number>>;
  readonly bytes: number;
}

interface Reading {
  readonly connection: KafkaConnection;
  readonly admin: AdminAsking;
  readonly tell: (wrong: WrongRecord) => void;
}

/** What was read of a topic. */
interface Read {
  readonly records: number;
  readonly bytes: number;
}

/** Offsets of these follow each other without a hole: nobody writes them in transactions, and nothing compacts them. */
const withoutHoles: ReadonlySet<VerifiedTopic> = new Set<VerifiedTopic>(["readings", "rejected", "damage"]);
/** The client begins again after each failure, and so often at most without a step forward. */
const failuresMax = 4;
const retry = { initialRetryTime: 100, maxRetryTime: 1000, retries: 3, restartOnFailure: async () => false };
const stepMsMax = 60_000;
const goodByeMsMax = 5000;

/**
 * Reads every record that the topics hold now, and changes nothing. Others may work on them meanwhile. A fault is told
 * as soon as it is met. Memory holds only what was fetched last.
 *
 * @param kept seals that somebody has kept elsewhere
 * @throws AdapterError `servers_unfit` if the cluster cannot be asked; it names the setting.
 */
export async function verifyTopics(
  connection: KafkaConnection,
  tell: (wrong: WrongRecord) => void,
  kept: readonly KeptSeal[] = [],
): Promise<VerifiedTopics> {
  const there = await topicsOf(connection);
  const admin = adminAsking(connection);
  const revisions = issuedRevisions();
  const seals = topicSeals(kept);
  const reading: Reading = { connection, admin, tell };
  try {
    const readings = topicOf(connection, "readings");
    const partitions = there.has(readings) ? (await admin.ends(readings)).size : 1;
    const read = await Promise.all(
      verifiedTopics.map(async (name): Promise<Read> => {
        const check = topicChecks[name]({ partitions, revisions, seals });
        if (there.has(topicOf(connection, name))) return readTopic(name, check, reading);
        tell({ ...wholeTopic(connection, name), code: "records_lost", detail: "the topic is missing" });
        return { records: 0, bytes: 0 };
      }),
    );
    for (const row of revisions.missing())
      tell({ ...wholeTopic(connection, "snapshots"), row, code: "records_lost", detail: "no record is this revision" });
    for (const fault of seals.wrongKept())
      tell({ ...wholeTopic(connection, "snapshots"), ...fault, code: "seal_mismatch" });
    const records = Object.fromEntries(verifiedTopics.map((name, index) => [name, read[index]?.records ?? 0]));
    return {
      records: records as VerifiedTopics["records"],
      bytes: read.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  } finally {
    revisions.close();
    await admin.close();
  }
}

async function topicsOf(connection: KafkaConnection): Promise<ReadonlySet<string>> {
  try {
    return new Set(await withAdmin(connection, (admin) => admin.listTopics()));
  } catch (cause) {
    throw new AdapterError("servers_unfit", { retryable: true, cause, detail: whyUnreachable(connection, cause) });
  }
}

function wholeTopic(connection: KafkaConnection, name: VerifiedTopic) {
  return { topic: topicOf(connection, name), partition: null, offset: null, row: null };
}

/** One batch that cannot be fetched holds up all partitions that are fetched with it; then each is read alone. */
async function readTopic(name: VerifiedTopic, check: CheckTopicRecord, reading: Reading): Promise<Read> {
  const { connection, admin, tell } = reading;
  const topic = topicOf(connection, name);
  const [starts, ends] = await Promise.all([admin.starts(topic), admin.ends(topic)]);
  const walk = topicWalk(name, { ...reading, check, starts, ends });
  if ((await walkTo(connection, topic, walk, ends)) === undefined) {
    for (const [partition, end] of ends) await walk.checkHole(partition, end);
    return walk.read();
  }
  for (const [partition, end] of ends) {
    if (walk.position(partition) >= end) continue;
    const failure = await walkTo(connection, topic, walk, new Map([[partition, end]]));
    if (failure === undefined) await walk.checkHole(partition, end);
    else
      tell({
        topic,
        partition,
        offset: walk.position(partition),
        ...unreadFrom(stretchAt(topic, partition) ?? failure),
      });
  }
  return walk.read();
}

type Walk = ReturnType<typeof topicWalk>;

/** Reads up to these ends; answers why not. Partitions that are not among them are let be. */
async function walkTo(
  connection: KafkaConnection,
  topic: string,
  walk: Walk,
  ends: ReadonlyMap<number, number>,
): Promise<string | undefined> {
  const failing = failureCount();
  const events = {
    followFailed: ({ error }: { readonly error: unknown }) => failing.failed(error),
    // How far it has come is seen by its steps.
    followBehind: () => undefined,
    followCaughtUp: () => undefined,
    followPutBack: () => undefined,
  };
  const following = followTopics(
    connection,
    [
      {
        topic,
        position: (partition) => (ends.has(partition) ? walk.position(partition) : walk.end(partition)),
        async apply(partition, records) {
          await walk.take(partition, records);
          failing.moved();
        },
      },
    ],
    { name: "verify", retry, events },
  );
  try {
    const follower = await Promise.race([failing.tooOften, following]);
    const steps = whileItMoves(() => follower.catchUp(topic, { timeoutMs: stepMsMax }), walk.read);
    await Promise.race([failing.tooOften, steps]);
    return undefined;
  } catch (error) {
    return messageOf(error);
  } finally {
    await within(
      goodByeMsMax,
      following.then((follower) => follower.close()),
    );
  }
}

interface WalkOptions extends Reading {
  readonly check: CheckTopicRecord;
  readonly starts: ReadonlyMap<number, number>;
  readonly ends: ReadonlyMap<number, number>;
}

/** Takes the records of a topic in and looks at each, up to the ends that it had at the beginning. */
function topicWalk(name: VerifiedTopic, { connection, admin, tell, check, starts, ends }: WalkOptions) {
  const topic = topicOf(connection, name);
  const next = new Map(starts);
  let [count, bytes] = [0, 0];
  const position = (partition: number) => next.get(partition) ?? 0;

  async function checkHole(partition: number, to: number): Promise<void> {
    if (!withoutHoles.has(name) || position(partition) >= to) return;
    // What became too old meanwhile is no damage.
    const kept = (await admin.starts(topic)).get(partition) ?? 0;
    const offset = Math.max(position(partition), kept);
    if (offset < to) tell({ topic, partition, offset, ...hole(to) });
  }

  return {
    position,
    checkHole,
    end: (partition: number) => ends.get(partition) ?? 0,
    read: (): Read => ({ records: count, bytes }),
    async take(partition: number, records: readonly KafkaMessage[]): Promise<void> {
      const end = ends.get(partition) ?? 0;
      for (const record of records) {
        const offset = Number(record.offset);
        if (offset >= end) return;
        await checkHole(partition, offset);
        next.set(partition, offset + 1);
        count += 1;
        bytes += record.value?.length ?? 0;
        const fault = check(record, partition);
        if (fault !== undefined) tell({ topic, partition, offset, ...fault });
      }
    },
  };
}

function hole(to: number): RecordFault {
  return { row: null, code: "records_lost", detail: `no record can be had before offset ${to}` };
}

function stretchAt(topic: string, partition: number): string | undefined {
  const found = unreadableStretches().find((one) => one.topic === topic && one.partition === partition);
  return found === undefined ? undefined : stretchText(found);
}

function unreadFrom(why: string): RecordFault {
  const detail = `the records from here on cannot be fetched: ${why}`;
  return { row: null, code: "record_unreadable", detail };
}

/** Goes on for as long as something is read. */
async function whileItMoves(catchUp: () => Promise<unknown>, read: () => Read): Promise<void> {
  for (let before = -1; ; before = read().records) {
    try {
      await catchUp();
      return;
    } catch (error) {
      if (read().records === before) throw error;
    }
  }
}

/** Tells when the client fails again and again at the same place. */
function failureCount() {
  const { promise: tooOften, reject } = Promise.withResolvers<never>();
  tooOften.catch(() => undefined);
  let failures = 0;
  return {
    tooOften,
    moved: () => {
      failures = 0;
    },
    failed(error: unknown): void {
      failures += 1;
      if (failures >= failuresMax) reject(error);
    },
  };
}
