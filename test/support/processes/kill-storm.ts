import type { ServiceProcess } from "./service-process.ts";

export interface KillStorm {
  /** How many were killed so far. */
  readonly kills: number;
  /** Resolves when all that was killed runs again; throws what went wrong. */
  end(): Promise<void>;
}

/** An aggregator that is gone is missed for six seconds, and what it had to do waits so long. */
const pauseMs = { min: 4000, max: 9000 };
const downMs = { min: 100, max: 1000 };

/**
 * SIGKILLs one of `targets()` after the other, at moments that `random` draws, and starts it again; `killsMax` times.
 */
export function startKillStorm(
  targets: () => readonly ServiceProcess[],
  { random, killsMax }: { readonly random: () => number; readonly killsMax: number },
): KillStorm {
  const ended = Promise.withResolvers<void>();
  let isOver = false;
  let kills = 0;

  function wait({ min, max }: typeof pauseMs): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, min + random() * (max - min));
    return Promise.race([promise, ended.promise]).finally(() => clearTimeout(timer));
  }

  async function blow(): Promise<void> {
    while (!isOver && kills < killsMax) {
      await wait(pauseMs);
      if (isOver) return;
      const all = targets();
      const target = all[Math.floor(random() * all.length)];
      if (target === undefined) continue;
      await target.kill();
      kills += 1;
      await wait(downMs);
      await target.start();
    }
  }

  const running = blow();
  running.catch(() => undefined);
  return {
    get kills() {
      return kills;
    },
    async end() {
      isOver = true;
      ended.resolve();
      await running;
    },
  };
}
