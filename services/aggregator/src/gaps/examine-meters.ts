import { findGaps } from "@meterbook/core/domain/gap/find-gaps";
import { type MeterGaps, withFound } from "@meterbook/core/domain/gap/meter-gaps";
import { addMissed } from "@meterbook/core/domain/gap/report-numbers";
import { channelKey } from "@meterbook/core/domain/reading/reading";
import type { SeriesReader } from "@meterbook/core/ports/series-store";
import { firstOf } from "../remember/channel-state.ts";
import type { MeterState } from "../remember/meter-state.ts";

export interface Examining {
  readonly series: Pick<SeriesReader, "readMany">;
  /** Readings of later instants are not expected yet, seconds. */
  readonly dueAt: number;
  readonly silentSeconds: number;
  readonly nowMs: number;
}

/** The gaps of this month and the one before, by what the store has of some meters, and what was known of them. */
export async function examineMeters(
  meters: readonly MeterState[],
  knownOf: (meterId: string) => MeterGaps | undefined,
  { series, dueAt, silentSeconds, nowMs }: Examining,
): Promise<readonly MeterGaps[]> {
  const starts = meters.map(({ calendar }) => calendar.startOf(calendar.periodOf(dueAt) - 1));
  const range = { from: Math.min(...starts), to: dueAt + longestStepSeconds };
  const read = await series.readMany(
    meters.map(({ meterId }) => meterId),
    range,
  );
  return meters.map((meter, index) => {
    const at = new Map((read[index] ?? []).map((one) => [channelKey(one.channel), one.at]));
    const channels = meter.channels.map((state) => ({
      channel: state.channel,
      firstAt: firstOf(state).at,
      at: at.get(channelKey(state.channel)) ?? [],
    }));
    const looked = { from: starts[index] as number, to: dueAt, silentSeconds };
    const found = findGaps(channels, meter.record, looked);
    const known = withFound(knownOf(meter.meterId) ?? nothingKnown(meter), found, nowMs);
    return { ...known, sequence: addMissed(known.sequence, meter.numbers.missed) };
  });
}

/** An interval that ends behind the stretch may begin within it. */
const longestStepSeconds = 32 * 86_400;

function nothingKnown({ meterId, record, calendar }: MeterState): MeterGaps {
  const usagePointId = record?.usagePointId ?? meterId;
  return { meterId, usagePointId, zone: calendar.zone, gaps: [], asking: null, sequence: null };
}
