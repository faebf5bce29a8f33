import type { Part } from "../month.ts";

/** How many seconds between two instants lie in outages. These are ascending, and none touches another. */
export function outageSeconds(outages: readonly Part[], from: number, to: number): number {
  let seconds = 0;
  for (const outage of outages) seconds += Math.max(0, Math.min(to, outage.to) - Math.max(from, outage.from));
  return seconds;
}

/** The same times, ascending, and those that touch as one. */
export function joined(times: readonly Part[]): readonly Part[] {
  const found: { from: number; to: number }[] = [];
  for (const { from, to } of [...times].sort((a, b) => a.from - b.from)) {
    const last = found.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else found.push({ from, to });
  }
  return found;
}
