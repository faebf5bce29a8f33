import { setImmediate } from "node:timers/promises";
import { type AskRules, askedGaps, nextAsking } from "@meterbook/core/domain/gap/ask-for-gaps";
import type { Asking, MeterGaps } from "@meterbook/core/domain/gap/meter-gaps";
import type { MeterState } from "../remember/meter-state.ts";
import { newestOf } from "./suspect-meter.ts";

/** So many are looked at in one go. */
const metersPerTurn = 500;

/** What meters are to be asked now, at most so many of them; what is taken back or ended costs nothing. */
export async function chooseAskings(
  all: Iterable<MeterGaps>,
  meterOf: (meterId: string) => MeterState | undefined,
  rules: AskRules,
  { nowMs, askedMax }: { readonly nowMs: number; readonly askedMax: number },
): Promise<readonly MeterGaps[]> {
  const changed: MeterGaps[] = [];
  const wanted: { readonly gaps: MeterGaps; readonly asking: Asking }[] = [];
  let looked = 0;
  for (const gaps of all) {
    if (++looked % metersPerTurn === 0) await setImmediate();
    const meter = meterOf(gaps.meterId);
    if (meter === undefined) continue;
    const next = nextAsking(gaps, { calendar: meter.calendar, newestAtMs: newestOf(meter) * 1000 }, rules, nowMs);
    if (next === "same") continue;
    if (next === null || next.state === "ended") changed.push({ ...gaps, asking: next });
    else wanted.push({ gaps, asking: next });
  }
  wanted.sort((a, b) => a.asking.rank - b.asking.rank || newestIn(b.asking) - newestIn(a.asking));
  for (const { gaps, asking } of wanted.slice(0, askedMax))
    changed.push({ ...gaps, asking, gaps: askedGaps(gaps.gaps, asking) });
  return changed;
}

function newestIn({ ranges }: Asking): number {
  return Math.max(...ranges.map(({ to }) => to));
}

/** How many may be asked now, so that it is so many a second in the long run and never many at once. */
export function askingBudget(perSecond: number, lookMs: number) {
  const most = Math.max(1, (perSecond * lookMs * 2) / 1000);
  let room = 0;
  let lastMs: number | undefined;
  return {
    room(nowMs: number): number {
      const passedMs = lastMs === undefined ? lookMs : Math.max(0, nowMs - lastMs);
      lastMs = nowMs;
      room = Math.min(most, room + (perSecond * passedMs) / 1000);
      return Math.floor(room);
    },
    spend(asked: number): void {
      room -= asked;
    },
  };
}
