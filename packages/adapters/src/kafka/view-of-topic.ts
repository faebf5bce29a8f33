import { setImmediate } from "node:timers/promises";
import type { KafkaMessage } from "kafkajs";
import { openViewDatabase, type ViewDatabase } from "../views/view-database.ts";
import { adminAsking } from "./admin-asking.ts";
import type { KafkaConnection } from "./kafka-connection.ts";
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
}

/** Others' transactions that are open, or whose owner stands still, hold up what comes after them for so long at most. */
const patienceMs = 60_000;

/** Resolves once it shows what the topic held at the time of the call, however long that takes while it goes on. */
export async function openViewOfTopic<Tables>(
  connection: KafkaConnection,
  options: TopicViewOptions<Tables>,
): Promise<TopicView> {
  const { topic, name, events } = options;
  const view = await openView(connection, options);
  const tables = options.tables(view.database);
  const follower = await followTopics(
    connection,
    [
      {
        topic,
        position: view.position,
        async apply(partition, records, next) {
          for (const { turn, to } of turnsOf(records, next, options.recordsPerTurnMax)) {
            view.advance(partition, to, () => {
              for (const record of turn) takeNamed(tables, record, options);
            });
            if (turn.length > 0) options.taken?.();
            if (to < next) await setImmediate();
          }
        },
      },
    ],
    { name, events },
  );

  async function close(): Promise<void> {
    await follower.close();
    view.close();
  }

  async function catchUpAtStart(): Promise<void> {
    for (;;) {
      const before = view.position(0);
      const failure = await follower.catchUp(topic, patienceMs).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure === undefined) return;
      if (view.position(0) === before) throw failure;
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
): Promise<ViewDatabase> {
  const admin = adminAsking(connection);
  try {
    const [clusterId, ends] = await Promise.all([admin.clusterId(), admin.ends(topic)]);
    return openViewDatabase({ dataDir, name, schema, version, source: `${clusterId}/${topic}`, ends });
  } finally {
    await admin.close();
  }
}
