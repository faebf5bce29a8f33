import { setImmediate as nextTurn } from "node:timers/promises";
import type { StandingProblems } from "./standing-problems.ts";

export interface Dependency {
  /** Of the problem while it stands. */
  readonly name: string;
  /** Resolves when the dependency has done something small for us; rejects with what is wrong. */
  readonly probe: () => Promise<void>;
  /** Before the reason in the problem's line, for example `Kafka does not answer`. */
  readonly says: string;
}

export interface WatchTimes {
  readonly everyMs: number;
  /** A probe without an answer after so long is a problem, whatever becomes of it. */
  readonly answerMsMax: number;
  /** So many failures in a row are one: a single one is a leader's election or a connection that was reset. */
  readonly failuresMax: number;
}

const usual: WatchTimes = { everyMs: 1000, answerMsMax: 2500, failuresMax: 2 };

/**
 * Asks a dependency again and again, so that one that refuses or hangs is a standing problem within 5 s, and none when
 * it answers again. One probe at a time: what hangs is not asked a second time.
 */
export function watchDependency(
  standing: Pick<StandingProblems, "raise" | "clear">,
  dependency: Dependency,
  times: WatchTimes = usual,
): { close(): void } {
  const { name, probe, says } = dependency;
  let closed = false;
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;

  function raise(reason: string): void {
    if (!closed) standing.raise(name, `${says}: ${reason}`);
  }

  async function ask(): Promise<void> {
    let answered = false;
    const late = setTimeout(() => {
      // An answer that is here already, but unread because we were busy, is no silence.
      void nextTurn().then(() => {
        if (!answered) raise(`no answer in ${times.answerMsMax} ms`);
      });
    }, times.answerMsMax);
    try {
      await probe();
      failures = 0;
      if (!closed) standing.clear(name);
    } catch (error) {
      failures += 1;
      if (failures >= times.failuresMax) raise(reasonOf(error));
    } finally {
      answered = true;
      clearTimeout(late);
    }
  }

  function askLater(): void {
    if (closed) return;
    timer = setTimeout(() => void ask().then(askLater), times.everyMs);
    timer.unref();
  }

  askLater();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

function reasonOf(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  const reason = cause instanceof Error ? `${message}: ${cause.message}` : message;
  return reason.split("\n", 1)[0] ?? "";
}
