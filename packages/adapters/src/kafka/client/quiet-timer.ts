/** Calls back some time after the last of many events, and from time to time while they go on. */
export interface QuietTimer {
  happened(): void;
  /** Calls back no more. */
  end(): void;
}

export interface QuietTimerOptions {
  readonly quietMs: number;
  /** Events that never stop are answered this often. */
  readonly waitMsMax: number;
  readonly nowMs: () => number;
}

export function quietTimer({ quietMs, waitMsMax, nowMs }: QuietTimerOptions, call: () => void): QuietTimer {
  let timer: NodeJS.Timeout | undefined;
  let sinceMs = 0;
  let lastMs = 0;

  function look(): void {
    const now = nowMs();
    if (now - lastMs < quietMs && now - sinceMs < waitMsMax) {
      timer = setTimeout(look, Math.max(1, quietMs - (now - lastMs)));
      return;
    }
    timer = undefined;
    call();
  }

  return {
    happened() {
      lastMs = nowMs();
      if (timer !== undefined) return;
      sinceMs = lastMs;
      timer = setTimeout(look, quietMs);
    },
    end() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
