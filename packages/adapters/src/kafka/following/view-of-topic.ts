import { existsSync, rmSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import type { KafkaMessage } from "kafkajs";
import { beforeFile, openViewDatabase, type ViewDatabase } from "../../sqlite-views/file/view-database.ts";
import { adminAsking } from "../client/admin-asking.ts";
import type { KafkaConnection } from "../client/kafka-connection.ts";
import { knownRecord, takenRecord } from "./known-record.ts";
import { type FollowerEvents, followTopics } from "./topic-follower.ts";

/** A topic of one partition, shown in a SQLite file of this process. */
export interface TopicView {
  readonly database: ViewDatabase["database"];
  /** Waits until what the topic holds now is shown. */
  catchUp(): Promise<void>;
  /** Waits until the record at this offset is shown. */
  reach(offset: number): Promise<void>;
  close(): Promise<void>;
}

export interface TopicViewOptions<Tables> {
  readonly topic: string;
  readonly dataDir: string;
  /** Of the file, and of the consumer's group. */
  readonly name: string;
  readonly schema: string;
  readonly version: number;
  readonly events: FollowerEvents;
  /** Prepares the statements. */
  readonly tables: (database: ViewDatabase["database"]) => Tables;
  /** Takes one record in, inside the transaction that moves the position. */
  readonly take: (tables: Tables, record: KafkaMessage, offset: number) => void;
  /** So many are one transaction, and others have their turn after it; all that were fetched together where absent. */
  readonly recordsPerTurnMax?: number;
  /** Told after a transaction that took records in. */
  readonly taken?: () => void;
  /** Whether records may be gone from the middle of the topic. */
  readonly isCompacted?: boolean;
  /**
   * Told at the start, when all is taken in: the topic was put back to an older copy since it was shown last. `before`
   * is the file with what was shown.
   */
  readonly putBack?: (database: ViewDatabase["database"], before: string) => void;
}

/** Others' transactions that are open, or whose owner stands still, hold up what comes after them for so long at most. */
const patienceMs = 60_000;

/** The topic has other records than those that the view was built from. */
class TopicWasPutBack extends Error {}

/** Resolves once it shows what the topic held at the time of the call, however long that takes while it goes on. */
export async function openViewOfTopic<Tables>(
  connection: KafkaConnection,
  options: TopicViewOptions<Tables>,
): Promise<TopicView> {
  const view = await buildView(connection, options, { wasPutBack: false }).catch((error: unknown) => {
    if (error instanceof TopicWasPutBack) return buildView(connection, options, { wasPutBack: true });
    throw error;
  });
  const before = beforeFile(options);
  if (existsSync(before)) {
    options.putBack?.(view.database, before);
    rmSync(before, { force: true });
  }
  return view;
}

async function buildView<Tables>(
  connection: KafkaConnection,
  options: TopicViewOptions<Tables>,
  { wasPutBack }: { readonly wasPutBack: boolean },
): Promise<TopicView> {
  const { topic, name, events } = options;
  const { view, start } = await openView(connection, options, wasPutBack);
  const tables = options.tables(view.database);
  const known = knownRecord(view.last(0), { start, isCompacted: options.isCompacted ?? false });
  const otherTopic = Promise.withResolvers<never>();
  otherTopic.promise.catch(() => undefined);
  const follower = await followTopics(
    connection,
    [
      {
        topic,
        position: (partition) => Math.min(view.position(partition), known.offset ?? Number.POSITIVE_INFINITY),
        async apply(partition, fetched, next) {
          const found = known.look(fetched);
          if (found === "another") otherTopic.reject(new TopicWasPutBack());
          if (found !== "the same") return otherTopic.promise;
          const records = fetched.filter(({ offset }) => Number(offset) >= view.position(partition));
          await takeIn(partition, records, next);
        },
      },
    ],
    { name, events },
  );

  async function takeIn(partition: number, records: readonly KafkaMessage[], next: number): Promise<void> {
    for (const { turn, to } of turnsOf(records, next, options.recordsPerTurnMax)) {
      const last = turn.at(-1);
      const work = () => {
        for (const record of turn) takeNamed(tables, record, options);
      };
      view.advance(partition, to, work, last === undefined ? undefined : takenRecord(last));
      if (turn.length > 0) options.taken?.();
      if (to < next) await setImmediate();
    }
  }

  async function close(): Promise<void> {
    await follower.close();
    view.close();
  }

  async function catchUpAtStart(): Promise<void> {
    for (;;) {
      const before = view.position(0);
      const failure = await Promise.race([otherTopic.promise, follower.catchUp(topic, patienceMs)]).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure === undefined) return;
      if (failure instanceof TopicWasPutBack || view.position(0) === before) throw failure;
    }
  }

  await catchUpAtStart().catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return {
    database: view.database,
    catchUp: async () => void (await follower.catchUp(topic, patienceMs)),
    reach: (offset) => follower.reach(topic, 0, offset, patienceMs),
    close,
  };
}

function turnsOf(records: readonly KafkaMessage[], next: number, max = Math.max(1, records.length)) {
  const turns: { turn: readonly KafkaMessage[]; to: number }[] = [];
  for (let first = 0; first + max < records.length; first += max)
    turns.push({ turn: records.slice(first, first + max), to: Number(records[first + max]?.offset) });
  turns.push({ turn: records.slice(turns.length * max), to: next });
  return turns;
}

/** What cannot be taken in is named by its place. */
function takeNamed<Tables>(tables: Tables, record: KafkaMessage, { topic, take }: TopicViewOptions<Tables>): void {
  try {
    take(tables, record, Number(record.offset));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${topic} at offset ${record.offset}: ${why}`, { cause });
  }
}

async function openView<Tables>(
  connection: KafkaConnection,
  { topic, dataDir, name, schema, version }: TopicViewOptions<Tables>,
  wasPutBack: boolean,
): Promise<{ readonly view: ViewDatabase; readonly start: number }> {
  const admin = adminAsking(connection);
  try {
    const asked = [admin.clusterId(), admin.starts(topic), admin.ends(topic)] as const;
    const [clusterId, starts, ends] = await Promise.all(asked);
    const source = `${clusterId}/${topic}`;
    const view = openViewDatabase({ dataDir, name, schema, version, source, ends, wasPutBack });
    return { view, start: starts.get(0) ?? 0 };
  } finally {
    await admin.close();
  }
}
