import { setImmediate } from "node:timers/promises";
import { messageOf } from "@meterbook/core/ports/adapter-error";
import type { KafkaMessage } from "kafkajs";
import { openViewDatabase, type ViewDatabase } from "../../sqlite-views/file/view-database.ts";
import { adminAsking } from "../client/admin-asking.ts";
import type { KafkaConnection } from "../client/kafka-connection.ts";
import { type KnownRecord, knownRecord, takenRecord } from "./known-record.ts";
import type { FollowedTopic, FollowerEvents } from "./topic-follower.ts";

/** What is shown of a topic, and how. */
export interface TopicViewOptions<Tables> {
  readonly topic: string;
  readonly dataDir: string;
  /** Of the file, and of the consumer's group. */
  readonly name: string;
  readonly schema: string;
  readonly version: number;
  readonly cacheKibibytes?: number | undefined;
  readonly events: FollowerEvents;
  /** Prepares the statements. */
  readonly tables: (database: ViewDatabase["database"]) => Tables;
  /** Takes one record in, inside the transaction that moves the position. */
  readonly take: (tables: Tables, record: KafkaMessage, place: RecordPlace) => void;
  /** Called inside that transaction when its last record is in. */
  readonly ended?: (tables: Tables) => void;
  /** Called when the transaction was undone. */
  readonly undone?: (tables: Tables) => void;
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

export interface RecordPlace {
  readonly partition: number;
  readonly offset: number;
}

/** Takes records of a topic into a file. */
export interface ViewIntake extends Pick<FollowedTopic, "position" | "apply"> {
  readonly view: ViewDatabase;
  /** Rejects with `TopicWasPutBack` when a record is met that is not the one that was taken in there. */
  readonly otherTopic: Promise<never>;
}

/** The topic has other records than those that the view was built from. */
export class TopicWasPutBack extends Error {}

/** Opens the file and says how it goes on. */
export async function openViewIntake<Tables>(
  connection: KafkaConnection,
  options: TopicViewOptions<Tables>,
  { wasPutBack }: { readonly wasPutBack: boolean },
): Promise<ViewIntake> {
  const { view, starts } = await openView(connection, options, wasPutBack);
  return viewIntake(view, starts, options);
}

async function openView<Tables>(
  connection: KafkaConnection,
  { topic, dataDir, name, schema, version, cacheKibibytes }: TopicViewOptions<Tables>,
  wasPutBack: boolean,
): Promise<{ readonly view: ViewDatabase; readonly starts: ReadonlyMap<number, number> }> {
  const admin = adminAsking(connection);
  try {
    const asked = [admin.clusterId(), admin.starts(topic), admin.ends(topic)] as const;
    const [clusterId, starts, ends] = await Promise.all(asked);
    const source = `${clusterId}/${topic}`;
    const file = { dataDir, name, schema, version, cacheKibibytes };
    return { view: openViewDatabase({ ...file, source, ends, wasPutBack }), starts };
  } finally {
    await admin.close();
  }
}

function viewIntake<Tables>(
  view: ViewDatabase,
  starts: ReadonlyMap<number, number>,
  options: TopicViewOptions<Tables>,
): ViewIntake {
  const tables = options.tables(view.database);
  const known = new Map<number, KnownRecord>();
  let isAnother = false;
  const otherTopic = Promise.withResolvers<never>();
  otherTopic.promise.catch(() => undefined);

  function knownOf(partition: number): KnownRecord {
    const start = starts.get(partition) ?? 0;
    const one =
      known.get(partition) ?? knownRecord(view.last(partition), { start, isCompacted: options.isCompacted ?? false });
    known.set(partition, one);
    return one;
  }

  async function takeIn(partition: number, records: readonly KafkaMessage[], next: number): Promise<void> {
    for (const { turn, to } of turnsOf(records, next, options.recordsPerTurnMax)) {
      const last = turn.at(-1);
      const work = () => {
        for (const record of turn) takeNamed(tables, record, partition, options);
        options.ended?.(tables);
      };
      try {
        view.advance(partition, to, work, last === undefined ? undefined : takenRecord(last));
      } catch (error) {
        options.undone?.(tables);
        throw error;
      }
      if (turn.length > 0) options.taken?.();
      if (to < next) await setImmediate();
    }
  }

  return {
    view,
    otherTopic: otherTopic.promise,
    position: (partition) => Math.min(view.position(partition), knownOf(partition).offset ?? Number.POSITIVE_INFINITY),
    async apply(partition, fetched, next) {
      const found = knownOf(partition).look(fetched);
      isAnother ||= found === "another";
      if (isAnother) otherTopic.reject(new TopicWasPutBack());
      if (isAnother || found !== "the same") return;
      const records = fetched.filter(({ offset }) => Number(offset) >= view.position(partition));
      await takeIn(partition, records, next);
    },
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
function takeNamed<Tables>(
  tables: Tables,
  record: KafkaMessage,
  partition: number,
  { topic, take }: TopicViewOptions<Tables>,
): void {
  try {
    take(tables, record, { partition, offset: Number(record.offset) });
  } catch (cause) {
    const why = messageOf(cause);
    throw new Error(`${topic} partition ${partition} at offset ${record.offset}: ${why}`, { cause });
  }
}
