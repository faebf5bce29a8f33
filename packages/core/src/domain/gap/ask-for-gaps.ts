import type { LocalCalendar } from "../time/local-calendar.ts";
import { needOf } from "./gap-periods.ts";
import type { Asking, Gap, MeterGaps } from "./meter-gaps.ts";
import { isOpen } from "./meter-gaps.ts";

export interface AskRules {
  /** So long after a gap was noticed the meter is asked for it: what is late may still come by itself. */
  readonly waitMs: number;
  /** The pause before a meter is asked again; doubled each time. */
  readonly backOffMs: number;
  /** So often in a row a meter is asked of which nothing comes. */
  readonly timesMax: number;
}

/** What is known of a meter beside its gaps. */
export interface AskedMeter {
  readonly calendar: LocalCalendar;
  /**
   * The instant of its newest reading, milliseconds. A meter from which nothing came since it was asked has not heard
   * it.
   */
  readonly newestAtMs: number;
}

/** A pause is never longer. */
const backOffMsMax = 86_400_000;
/** Of one request. */
export const rangesMax = 16;

/**
 * What is to be asked of a meter now: `same` leaves standing what stands, null takes it back. Each is an asking that
 * was not there before.
 */
export function nextAsking(of: MeterGaps, meter: AskedMeter, rules: AskRules, nowMs: number): Asking | null | "same" {
  const { asking } = of;
  const needed = neededGaps(of.gaps, meter.calendar, rules, nowMs).slice(0, rangesMax);
  const [first] = needed;
  if (first === undefined) return asking === null ? "same" : null;
  if (asking === null) return askingFor(of.meterId, needed, { rank: first.rank, times: 1, nowMs });
  const hasNew = needed.some(({ gap }) => gap.asked === null);
  // What came of it says that it was heard, as well.
  const hasHeard = asking.times === 0 || meter.newestAtMs > asking.atMs;
  const isWanted = hasNew || (hasHeard && asking.state === "asked");
  if (!isWanted || nowMs < asking.atMs + pauseMs(asking, rules)) return "same";
  // For what was missing before it has ended; what is new is asked for at the same long pauses.
  if (!hasNew && asking.times >= rules.timesMax) return { ...asking, state: "ended" };
  const times = Math.max(1, Math.min(asking.times + (hasHeard ? 1 : 0), rules.timesMax));
  return askingFor(of.meterId, needed, { rank: first.rank, times, nowMs });
}

function askingFor(
  meterId: string,
  needed: ReturnType<typeof neededGaps>,
  { rank, times, nowMs }: { readonly rank: number; readonly times: number; readonly nowMs: number },
): Asking {
  const ranges = needed.map(({ gap }) => rangeOf(gap));
  return { id: `${meterId}/${nowMs}`, atMs: nowMs, times, rank, ranges, state: "asked" };
}

function pauseMs({ times }: Asking, { backOffMs }: AskRules): number {
  return Math.min(backOffMs * 2 ** Math.max(0, times - 1), Math.max(backOffMsMax, backOffMs));
}

/** Most needed first, then what was asked for least often, newer before older. */
function neededGaps(gaps: readonly Gap[], calendar: LocalCalendar, { waitMs }: AskRules, nowMs: number) {
  return gaps
    .filter((gap) => isOpen(gap) && gap.inOutage !== true && nowMs - gap.sinceMs >= waitMs)
    .flatMap((gap) => {
      const rank = needOf(gap, calendar, nowMs / 1000);
      return rank === undefined ? [] : [{ gap, rank }];
    })
    .sort((a, b) => a.rank - b.rank || timesOf(a.gap) - timesOf(b.gap) || b.gap.to - a.gap.to);
}

function timesOf({ asked }: Gap): number {
  return asked?.times ?? 0;
}

function rangeOf({ register, kind, unit, stepSeconds, from, to, goesOn }: Gap): Asking["ranges"][number] {
  return { register, kind, unit, stepSeconds, from, to, goesOn };
}

/** The same gaps as asked for by this request. */
export function askedGaps(gaps: readonly Gap[], { atMs, ranges }: Asking): readonly Gap[] {
  return gaps.map((gap) => {
    const isAsked = isOpen(gap) && ranges.some((range) => isSameRange(range, gap));
    return isAsked ? { ...gap, asked: { times: (gap.asked?.times ?? 0) + 1, atMs } } : gap;
  });
}

function isSameRange(range: Asking["ranges"][number], gap: Gap): boolean {
  return (
    range.from === gap.from &&
    range.to === gap.to &&
    range.register === gap.register &&
    range.kind === gap.kind &&
    range.unit === gap.unit &&
    range.stepSeconds === gap.stepSeconds
  );
}
