import { stretchText } from "../client/fetch-detours.ts";
import { unreadableStretches } from "../client/fetch-protocol.ts";
import type { KafkaConnection } from "../client/kafka-connection.ts";
import type { Standing } from "../kafka-metrics.ts";
import { type KafkaStart, type KafkaStartOptions, lookAtTopics } from "./kafka-start.ts";

export interface TopicWatchOptions extends KafkaStartOptions {
  /** How the topics were found at the start. */
  readonly found: Pick<KafkaStart, "partitions" | "notices">;
  readonly everySeconds: number;
  readonly standing: Pick<Standing, "raise" | "clear">;
  readonly notices: Pick<Standing, "raise" | "clear">;
}

/**
 * Checks the topics again and again, because a change while we run can lose records just as a wrong setting at the
 * start can. A setting that may lose records is a notice, because the work goes on. A topic that is gone or has other
 * partitions is a problem.
 */
export function watchTopics(connection: KafkaConnection, options: TopicWatchOptions): { close(): void } {
  const { found, everySeconds, standing, notices } = options;
  const raised = new Set<string>();
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  function say(now: readonly string[]): void {
    for (const gone of [...raised].filter((one) => !now.includes(one))) {
      raised.delete(gone);
      notices.clear(gone);
    }
    for (const one of now) {
      raised.add(one);
      notices.raise(one, one);
    }
  }

  function sayPartitions(partitions: number): void {
    const name = "partitions of the readings";
    if (partitions === found.partitions) return standing.clear(name);
    standing.raise(
      name,
      partitions === 0
        ? "the topic of the readings is gone"
        : `the topic of the readings has ${partitions} partitions, and had ${found.partitions} when this process began: stop all, and make it again`,
    );
  }

  async function look(): Promise<void> {
    const now = await lookAtTopics(connection, options).catch(() => undefined);
    // A cluster that does not answer is another's trouble to tell.
    if (now === undefined || closed) return;
    sayPartitions(now.partitions);
    say([...now.problems.map((problem) => `${problem}; a start refuses it`), ...now.notices]);
  }

  function lookLater(): void {
    if (closed) return;
    timer = setTimeout(() => void look().then(lookLater), everySeconds * 1000);
    timer.unref();
  }

  const stretches = setInterval(() => sayStretches(notices), stretchesMs);
  stretches.unref();
  say(found.notices);
  lookLater();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
      clearInterval(stretches);
    },
  };
}

const stretchesMs = 2000;

/** What no fetch of this process has got past. */
function sayStretches(notices: TopicWatchOptions["notices"]): void {
  const found = unreadableStretches().map(stretchText);
  if (found.length === 0) return notices.clear("stretches");
  notices.raise("stretches", `${found.join("; ")} (docs/damage.md)`);
}
