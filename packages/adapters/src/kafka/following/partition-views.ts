import type { KafkaConnection } from "../client/kafka-connection.ts";
import { followTopics } from "./topic-follower.ts";
import { openViewIntake, type TopicViewOptions, TopicWasPutBack, type ViewIntake } from "./view-intake.ts";
import { patienceMs, type TopicView, tellPutBack, whileItMoves } from "./view-of-topic.ts";

/** Some partitions of a topic, each in a file of its own: `<name>-<partition>.view.db`. Others are not even fetched. */
export interface PartitionViews {
  /** Resolves once it shows what the partition held at the time of the call. A file of before is gone on from. */
  open(partition: number): Promise<TopicView>;
  close(): Promise<void>;
}

interface Shown {
  readonly intake: ViewIntake;
  users: number;
}

/** Of each: there may be 256. */
const cacheKibibytes = 8192;

/** One consumer for all of them; a partition is followed while somebody has it open. */
export async function openPartitionViews<Tables>(
  connection: KafkaConnection,
  options: TopicViewOptions<Tables>,
): Promise<PartitionViews> {
  const { topic, name, events } = options;
  const shown = new Map<number, Shown>();
  /** Of a partition one is opened or closed at a time. */
  const lines = new Map<number, Promise<unknown>>();
  const follower = await followTopics(
    connection,
    [
      {
        topic,
        follows: (partition) => shown.has(partition),
        position: (partition) => shown.get(partition)?.intake.position(partition) ?? 0,
        apply: (partition, records, next) => shown.get(partition)?.intake.apply(partition, records, next),
      },
    ],
    { name, events },
  );

  function inLine<Answer>(partition: number, work: () => Promise<Answer>): Promise<Answer> {
    const answer = (lines.get(partition) ?? Promise.resolve()).then(work);
    lines.set(
      partition,
      answer.catch(() => undefined),
    );
    return answer;
  }

  const catchUp = async (partition: number) =>
    void (await follower.catchUp(topic, { timeoutMs: patienceMs, partition }));

  async function show(partition: number, wasPutBack = false): Promise<Shown> {
    const own = { ...options, name: `${name}-${partition}`, cacheKibibytes };
    const intake = await openViewIntake(connection, own, { wasPutBack });
    const one = { intake, users: 0 };
    shown.set(partition, one);
    follower.turnTo(topic, partition);
    try {
      await whileItMoves(intake.view, () => Promise.race([intake.otherTopic, catchUp(partition)]));
      tellPutBack(own, intake.view.database);
      return one;
    } catch (error) {
      hide(partition, one);
      if (error instanceof TopicWasPutBack && !wasPutBack) return show(partition, true);
      throw error;
    }
  }

  function hide(partition: number, one: Shown): void {
    if (shown.get(partition) !== one) return;
    shown.delete(partition);
    follower.turnTo(topic, partition);
    one.intake.view.close();
  }

  async function letGo(partition: number, one: Shown): Promise<void> {
    one.users -= 1;
    if (one.users === 0) hide(partition, one);
  }

  return {
    open: (partition) =>
      inLine(partition, async () => {
        const one = shown.get(partition) ?? (await show(partition));
        one.users += 1;
        let closing: Promise<void> | undefined;
        return {
          database: one.intake.view.database,
          catchUp: () => catchUp(partition),
          reach: (offset) => follower.reach(topic, partition, offset, patienceMs),
          close() {
            closing ??= inLine(partition, () => letGo(partition, one));
            return closing;
          },
        };
      }),
    async close() {
      await follower.close();
      for (const [partition, one] of shown) hide(partition, one);
    },
  };
}
