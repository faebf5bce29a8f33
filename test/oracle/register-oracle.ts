/**
 * What the months of a register must say, computed slowly from what is known of a made-up world: which readings were
 * planted as wrong, and how much was truly counted. It shares no code with the engine; the rules are those of the
 * domain rules, section 4, as a person would carry them out with a pencil.
 */
export interface TrueReading {
  /** Seconds UTC. */
  readonly at: number;
  /** What was truly counted so far, never wrapped. */
  readonly total: number;
  readonly quality: "actual" | "derived" | "estimated";
}

const qualitiesBestFirst = ["actual", "derived", "estimated"] as const;
type Quality = (typeof qualitiesBestFirst)[number];

export interface OracleClosing {
  readonly total: number;
  readonly quality: Quality;
  readonly method: "EXACT" | "LINEAR_SHORT" | "FLAT_BETWEEN";
}

const snapSeconds = 60;
const shortGapSeconds = 7200;

/** A time without supply. */
export interface Dark {
  readonly from: number;
  readonly to: number;
}

/** The closing at a boundary by what can be believed; undefined where one side of it has nothing. */
export function oracleClosing(
  believed: readonly TrueReading[],
  boundary: number,
  dark: readonly Dark[] = [],
): OracleClosing | undefined {
  const measured = byLadder(
    believed.filter(({ quality }) => quality === "actual"),
    boundary,
    dark,
  );
  const all = byLadder(believed, boundary, dark);
  const reported = closest(believed, boundary);
  // Several months may end between the two: then an estimate that closed one of them counts for the others too.
  const actual = believed.filter(({ quality }) => quality === "actual");
  const before = actual.findLast(({ at }) => at <= boundary)?.at ?? 0;
  const after = actual.find(({ at }) => at > boundary)?.at ?? 0;
  const ways = after - before >= 27 * 86_400 ? [all, measured] : [measured, all];
  const best = ways.filter((one) => one !== undefined).sort((a, b) => place(a) - place(b))[0];
  if (reported === undefined) return best;
  const own = { total: reported.total, quality: reported.quality, method: "EXACT" } as const;
  return best === undefined || place(own) <= place(best) ? own : best;
}

function place({ quality }: OracleClosing): number {
  return qualitiesBestFirst.indexOf(quality);
}

/** The reading within a minute of the boundary that is nearest to it; of two as near the earlier. */
function closest(readings: readonly TrueReading[], boundary: number): TrueReading | undefined {
  let best: TrueReading | undefined;
  for (const one of readings) {
    const distance = Math.abs(one.at - boundary);
    if (distance > snapSeconds) continue;
    if (best === undefined || distance < Math.abs(best.at - boundary)) best = one;
  }
  return best;
}

function byLadder(
  readings: readonly TrueReading[],
  boundary: number,
  dark: readonly Dark[],
): OracleClosing | undefined {
  const exact = closest(readings, boundary);
  if (exact !== undefined) return { total: exact.total, quality: exact.quality, method: "EXACT" };
  const before = readings.filter(({ at }) => at <= boundary).at(-1);
  const after = readings.find(({ at }) => at > boundary);
  if (before === undefined || after === undefined) return undefined;
  const gap = after.at - before.at;
  const isShort = gap <= shortGapSeconds;
  const worstInput = Math.max(...[before, after].map(({ quality }) => qualitiesBestFirst.indexOf(quality)));
  const quality = qualitiesBestFirst[Math.max(isShort ? 1 : 2, worstInput)] as Quality;
  const total = onTheLine(before, after, boundary, dark);
  return { total, quality, method: isShort ? "LINEAR_SHORT" : "FLAT_BETWEEN" };
}

/** To the nearest whole unit, a half downwards, in whole numbers of any size. Nothing is used without supply. */
function onTheLine(before: TrueReading, after: TrueReading, at: number, dark: readonly Dark[]): number {
  const lit = (from: number, to: number) => {
    let seconds = to - from;
    for (const one of dark) {
      const [begin, end] = [Math.max(from, one.from), Math.min(to, one.to)];
      if (end > begin) seconds -= end - begin;
    }
    return seconds;
  };
  const isAllDark = lit(before.at, after.at) === 0;
  const time = isAllDark ? (from: number, to: number) => to - from : lit;
  const rise = BigInt(after.total - before.total);
  const [part, gap] = [BigInt(time(before.at, at)), BigInt(time(before.at, after.at))];
  const [whole, rest] = [(rise * part) / gap, (rise * part) % gap];
  return before.total + Number(whole + (rest * 2n > gap ? 1n : 0n));
}

export interface OracleMonth {
  /** Of the register's closing; undefined where nothing can be said. */
  readonly closing: OracleClosing | undefined;
  /** What was counted from the opening to the closing, before the multiplier; null where it cannot be told. */
  readonly counted: number | null;
  readonly opening: number | null;
}

/** Month after month: each opens with the closing before it, the first with the first reading that is believed. */
export function oracleMonths(
  believed: readonly TrueReading[],
  months: readonly { readonly start: number; readonly boundary: number }[],
  dark: readonly Dark[] = [],
): OracleMonth[] {
  let before: number | undefined;
  return months.map(({ start, boundary }) => {
    const closing = oracleClosing(believed, boundary, dark);
    const first = believed.find(({ at }) => at >= start && at <= boundary);
    const atStart = believed.some(({ at }) => at < start) ? oracleClosing(believed, start, dark)?.total : undefined;
    const opening = before ?? atStart ?? first?.total;
    before = closing?.total;
    const counted = closing === undefined || opening === undefined ? null : closing.total - opening;
    return { closing, counted, opening: opening ?? null };
  });
}
