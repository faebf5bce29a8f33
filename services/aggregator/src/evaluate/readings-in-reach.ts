import type { ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { valuationRules } from "@meterbook/core/domain/valuation/valuation-rules";
import type { SeriesReader } from "@meterbook/core/ports/series-store";
import type { MeterState } from "../remember/meter-state.ts";
import { remember } from "../remember/rebuild-memory.ts";
import { doubtedBefore } from "./month-of-meter.ts";

/** What the months from one to another can depend on. */
export function rangeOf(
  { calendar }: MeterState,
  fromPeriod: number,
  lastPeriod: number,
): { from: number; to: number } {
  return {
    from: calendar.startOf(fromPeriod) - valuationRules.reachSecondsMax,
    to: calendar.boundaryOf(lastPeriod) + valuationRules.reachSecondsMax,
  };
}

/** The meter's readings in reach of the periods, read at most once and only when memory does not suffice. */
export function storedReadings(
  source: Pick<SeriesReader, "read">,
  meter: MeterState,
  { from, last }: { readonly from: number; readonly last: number },
) {
  const range = rangeOf(meter, from, last);
  let series: Promise<readonly ReadingSeries[]> | undefined;
  return {
    read() {
      series ??= source.read(meter.meterId, range);
      return series;
    },
    /** The first month whose bill what is doubted before `from` can change; undefined if there is none. */
    async doubtedPeriod(): Promise<number | undefined> {
      if (series === undefined) return undefined;
      const at = doubtedBefore(meter, await series, meter.calendar.startOf(from));
      return at === undefined ? undefined : meter.calendar.periodOf(at) - 1;
    },
    /** What was read of a meter of which memory tells nothing is remembered. */
    async rebuild(nowMs: number): Promise<void> {
      if (series === undefined || !meter.needsStore || range.to * 1000 < nowMs + aheadMsMax) return;
      remember(meter, await series, range.from);
    },
  };
}

/** No reading lies further ahead of log time. */
const aheadMsMax = 2 * 86_400_000;
