import { setImmediate } from "node:timers/promises";

/**
 * Runs tasks one after the other, in the order of the calls. Before each the event loop has its turn: work that never
 * waits for anything outside would otherwise keep health checks, metrics and a stop from being heard.
 */
export interface TaskQueue {
  run<Answer>(task: () => Promise<Answer>): Promise<Answer>;
  /** Whether somebody waits besides the task that runs. */
  isBusy(): boolean;
}

export function taskQueue(): TaskQueue {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return {
    run(task) {
      waiting += 1;
      const started = last
        .then(() => setImmediate())
        .then(() => {
          waiting -= 1;
          return task();
        });
      last = started.catch(() => undefined);
      return started;
    },
    isBusy: () => waiting > 0,
  };
}
