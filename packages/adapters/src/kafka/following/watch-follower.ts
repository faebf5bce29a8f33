export interface BehindEvents {
  /** Told every two seconds while what a topic held some seconds ago is not taken in. */
  followBehind(facts: { readonly topic: string; readonly records: number }): void;
  /** It is, again. */
  followCaughtUp(facts: { readonly topic: string }): void;
  /** The topic ends before what was taken in: it was put back to an older copy. Told once; only a start helps. */
  followPutBack(facts: { readonly topic: string }): void;
}

export interface FollowerWatchOptions {
  readonly topic: string;
  readonly ends: () => Promise<ReadonlyMap<number, number>>;
  /** The offset to take in next. */
  readonly position: (partition: number) => number;
  readonly follows: (partition: number) => boolean;
  readonly events: BehindEvents;
}

const everyMs = 2000;
/** What was there so long ago is to be taken in by now. */
const behindMsMin = 5000;
/** A broker that was just made leader may say less than it has for a moment. */
const shortLooksMin = 3;

/** Looks whether what a topic holds is taken in. A cluster that does not answer is another's trouble to tell. */
export function watchFollower({ topic, ends, position, follows, events }: FollowerWatchOptions): { close(): void } {
  let mark: { readonly ends: ReadonlyMap<number, number>; readonly atMs: number } | undefined;
  let isBehind = false;
  let isLooking = false;
  let shortLooks = 0;
  let closed = false;

  function missing(of: ReadonlyMap<number, number>): number {
    const followed = [...of].filter(([partition]) => follows(partition));
    return followed.reduce((sum, [partition, end]) => sum + Math.max(0, end - position(partition)), 0);
  }

  async function look(): Promise<void> {
    // Not more than was taken in before the ends are asked for can lie behind them.
    const taken = new Map([...(mark?.ends.keys() ?? [0])].map((partition) => [partition, position(partition)]));
    const now = { ends: await ends(), atMs: performance.now() };
    if (closed) return;
    const isShort = [...now.ends].some(([partition, end]) => follows(partition) && end < (taken.get(partition) ?? 0));
    shortLooks = isShort ? shortLooks + 1 : 0;
    if (shortLooks === shortLooksMin) events.followPutBack({ topic });
    mark ??= now;
    if (missing(mark.ends) === 0) {
      mark = now;
      if (isBehind) events.followCaughtUp({ topic });
      isBehind = false;
    } else if (now.atMs - mark.atMs >= behindMsMin) {
      isBehind = true;
      events.followBehind({ topic, records: missing(now.ends) });
    }
  }

  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    void look()
      .catch(() => undefined)
      .finally(() => {
        isLooking = false;
      });
  }, everyMs);
  timer.unref();
  return {
    close() {
      closed = true;
      clearInterval(timer);
    },
  };
}
