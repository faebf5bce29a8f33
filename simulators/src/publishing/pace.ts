/** When what happens on the simulated clock may happen on ours. */
export interface Pace {
  /** Resolves at the real time of a simulated instant (seconds UTC), or when stopped; undefined where that is past. */
  until(simulatedAt: number): Promise<void> | undefined;
}

export interface PaceOptions {
  /** The history, seconds UTC on the simulated clock. */
  readonly from: number;
  readonly to: number;
  /** What lies after the history happens when the real clock says so; else at once. */
  readonly live: boolean;
  /** How many simulated seconds a second of the history takes; 0: no waiting. */
  readonly speed: number;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
}

/** Timers cannot be set further ahead, and a machine that slept must notice. */
const waitMsMax = 1000;

export function openPace({ from, to, live, speed, nowMs, signal }: PaceOptions): Pace {
  const beganMs = nowMs();

  function realMs(simulatedAt: number): number {
    if (simulatedAt > to) return live ? simulatedAt * 1000 : 0;
    return speed === 0 ? 0 : beganMs + ((simulatedAt - from) / speed) * 1000;
  }

  async function wait(dueMs: number): Promise<void> {
    for (let left = dueMs - nowMs(); left > 0 && !signal.aborted; left = dueMs - nowMs()) {
      await pause(Math.min(left, waitMsMax), signal);
    }
  }

  return {
    until(simulatedAt) {
      const dueMs = realMs(simulatedAt);
      return dueMs > nowMs() ? wait(dueMs) : undefined;
    },
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end, { once: true });
  });
}
