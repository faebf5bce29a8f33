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
  readonly events: BehindEvents;
}

const everyMs = 2000;
/** What was there so long ago is to be taken in by now. */
const behindMsMin = 5000;
/** A broker that was just made leader may say less than it has for a moment. */
const shortLooksMin = 3;

/** Looks whether what a topic holds is taken in. A cluster that does not answer is another's trouble to tell. */
export function watchFollower({ topic, ends, position, events }: FollowerWatchOptions): { close(): void } {
  let mark: { readonly ends: ReadonlyMap<number, number>; readonly atMs: number } | undefined;
  let isBehind = false;
  let isLooking = false;
  let shortLooks = 0;
  let closed = false;

  function missing(of: ReadonlyMap<number, number>): number {
    return [...of].reduce((sum, [partition, end]) => sum + Math.max(0, end - position(partition)), 0);
  }

  async function look(): Promise<void> {
    // What is shown as a view has one partition.
    const taken = position(0);
    const now = { ends: await ends(), atMs: performance.now() };
    if (closed) return;
    shortLooks = (now.ends.get(0) ?? taken) < taken ? shortLooks + 1 : 0;
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
