/** Some time, in seconds UTC. What has no end ends at infinity. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** The same times, ascending, and those that touch as one. */
export function joined(times: readonly Stretch[]): readonly Stretch[] {
  const found: { from: number; to: number }[] = [];
  for (const { from, to } of [...times].sort((a, b) => a.from - b.from)) {
    const last = found.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else found.push({ from, to });
  }
  return found;
}

/** What of a time lies within another; empty where they do not meet. */
export function common(a: Stretch, b: Stretch): readonly Stretch[] {
  const [from, to] = [Math.max(a.from, b.from), Math.min(a.to, b.to)];
  return from < to ? [{ from, to }] : [];
}

/** How many seconds of a time lie in others. These are ascending, and none touches another. */
export function secondsWithin(times: readonly Stretch[], { from, to }: Stretch): number {
  let seconds = 0;
  for (let i = firstEndingAfter(times, from); i < times.length; i += 1) {
    const time = times[i] as Stretch;
    if (time.from >= to) break;
    seconds += Math.max(0, Math.min(to, time.to) - Math.max(from, time.from));
  }
  return seconds;
}

function firstEndingAfter(times: readonly Stretch[], at: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] as Stretch).to <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}
