/** An amount over `[from, to)`. */
export interface OracleInterval {
  readonly from: number;
  readonly to: number;
  readonly value: number;
  /** 0 is best. */
  readonly badness: number;
}

export interface OracleCover {
  readonly seconds: number;
  readonly badness: number;
  readonly count: number;
}

/** The best choice of intervals that share no second, found by trying all of them. */
export function bestCover(intervals: readonly OracleInterval[]): OracleCover {
  let best: OracleCover = { seconds: 0, badness: 0, count: 0 };
  for (let choice = 0; choice < 2 ** intervals.length; choice += 1) {
    const chosen = intervals.filter((_, index) => Math.floor(choice / 2 ** index) % 2 === 1);
    if (chosen.some((a, i) => chosen.some((b, j) => j > i && a.from < b.to && b.from < a.to))) continue;
    const seconds = chosen.reduce((sum, { from, to }) => sum + to - from, 0);
    const badness = chosen.reduce((sum, { from, to, badness: of }) => sum + (to - from) * of, 0);
    const found = { seconds, badness, count: chosen.length };
    if (isBetter(found, best)) best = found;
  }
  return best;
}

/** Most seconds, then the better quality, then the finest. */
function isBetter(a: OracleCover, b: OracleCover): boolean {
  if (a.seconds !== b.seconds) return a.seconds > b.seconds;
  if (a.badness !== b.badness) return a.badness < b.badness;
  return a.count > b.count;
}
