import type { Logger } from "../telemetry/telemetry.ts";

/** What is wrong with a process now; `/readyz` tells it, and the log says when each began and ended. */
export interface StandingProblems {
  /** Until it is cleared; raised again it says the newest detail. */
  raise(name: string, detail: string): void;
  clear(name: string): void;
  /**
   * A problem that may only follow from another one: raised if no other stands, and then it stands until it is cleared.
   */
  suppose(name: string, detail: string): void;
  /**
   * Of work that is tried again and whose success is told by nobody: stands until it has not been told for `fadeMs`.
   */
  recur(name: string, detail: string): void;
  /** One line each, in the order in which they arose; none = ready. */
  current(): readonly string[];
}

export interface StandingOptions {
  readonly log?: Pick<Logger, "info" | "warn">;
  /** `notice`: something that an operator should know, beside which the work goes on; `problem` where absent. */
  readonly kind?: "problem" | "notice";
  /** What comes again sooner than this was never over: a line when it begins, one when it ends, none between. */
  readonly calmMs?: number;
  readonly fadeMs?: number;
  /** Told all that stands, whenever that changes. */
  readonly changed?: (problems: readonly string[]) => void;
}

export function standingProblems(options: StandingOptions = {}): StandingProblems {
  const { log, kind = "problem", calmMs = 5000, fadeMs = 15_000, changed } = options;
  const raised = new Map<string, string>();
  const episodes = new Map<string, { readonly sinceMs: number; ending?: NodeJS.Timeout | undefined }>();

  const fading = new Map<string, NodeJS.Timeout>();

  function begin(name: string, detail: string): void {
    const open = episodes.get(name);
    if (open !== undefined) {
      clearTimeout(open.ending);
      open.ending = undefined;
      return;
    }
    episodes.set(name, { sinceMs: performance.now() });
    if (kind === "notice") log?.warn({ notice: name, detail }, "Wants attention; the work goes on.");
    else log?.warn({ problem: name, detail }, "Not ready: something keeps the service from its work.");
  }

  function end(name: string): void {
    const open = episodes.get(name);
    if (open === undefined || open.ending !== undefined) return;
    const clearedAtMs = performance.now();
    open.ending = setTimeout(() => {
      episodes.delete(name);
      log?.info({ [kind]: name, seconds: Math.round((clearedAtMs - open.sinceMs) / 1000) }, "That is over.");
    }, calmMs);
    open.ending.unref();
  }

  function raise(name: string, detail: string): void {
    const isNew = raised.get(name) !== detail;
    raised.set(name, detail);
    if (isNew) changed?.([...raised.values()]);
    // Every process starts: that is no episode.
    if (name !== "start") begin(name, detail);
  }

  function clear(name: string): void {
    if (!raised.delete(name)) return;
    changed?.([...raised.values()]);
    end(name);
  }

  return {
    raise,
    clear,
    suppose(name, detail) {
      if (raised.has(name) || raised.size === 0) raise(name, detail);
    },
    recur(name, detail) {
      raise(name, detail);
      clearTimeout(fading.get(name));
      fading.set(name, setTimeout(() => clear(name), fadeMs).unref());
    },
    current: () => [...raised.values()],
  };
}
