import { existsSync, rmSync } from "node:fs";
import { beforeFile, type ViewDatabase } from "../../sqlite-views/file/view-database.ts";
import type { KafkaConnection } from "../client/kafka-connection.ts";
import { followTopics } from "./topic-follower.ts";
import { openViewIntake, type TopicViewOptions, TopicWasPutBack } from "./view-intake.ts";

/** A topic with all its partitions, shown in a SQLite file of this process. */
export interface TopicView {
  readonly database: ViewDatabase["database"];
  /** Waits until what the topic holds now is shown. */
  catchUp(): Promise<void>;
  /** Waits until the record at this offset is shown; of partition 0 where absent. */
  reach(offset: number, partition?: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Others' transactions that are open, or whose owner stands still, hold up what comes after them for so long at most.
 */
export const patienceMs = 60_000;

/** Resolves once it shows what the topic held at the time of the call, however long that takes while it goes on. */
export async function openViewOfTopic<Tables>(
  connection: KafkaConnection,
  options: TopicViewOptions<Tables>,
): Promise<TopicView> {
  const view = await buildView(connection, options, { wasPutBack: false }).catch((error: unknown) => {
    if (error instanceof TopicWasPutBack) return buildView(connection, options, { wasPutBack: true });
    throw error;
  });
  tellPutBack(options, view.database);
  return view;
}

/** Says once what the view showed before its topic was put back. */
export function tellPutBack<Tables>(options: TopicViewOptions<Tables>, database: ViewDatabase["database"]): void {
  const before = beforeFile(options);
  if (!existsSync(before)) return;
  options.putBack?.(database, before);
  rmSync(before, { force: true });
}

async function buildView<Tables>(
  connection: KafkaConnection,
  options: TopicViewOptions<Tables>,
  how: { readonly wasPutBack: boolean },
): Promise<TopicView> {
  const { topic, name, events } = options;
  const { view, otherTopic, position, apply } = await openViewIntake(connection, options, how);
  const follower = await followTopics(connection, [{ topic, position, apply }], { name, events });

  async function close(): Promise<void> {
    await follower.close();
    view.close();
  }

  const catchUp = async () => void (await follower.catchUp(topic, { timeoutMs: patienceMs }));
  await whileItMoves(view, () => Promise.race([otherTopic, catchUp()])).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return {
    database: view.database,
    catchUp,
    reach: (offset, partition = 0) => follower.reach(topic, partition, offset, patienceMs),
    close,
  };
}

/** Goes on for as long as something is taken in. */
export async function whileItMoves(view: ViewDatabase, catchUp: () => Promise<void>): Promise<void> {
  for (;;) {
    const before = view.progress();
    const failure = await catchUp().then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure === undefined) return;
    if (failure instanceof TopicWasPutBack || view.progress() === before) throw failure;
  }
}
