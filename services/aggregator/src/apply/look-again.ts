import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type { LogFrame } from "@meterbook/core/ports/readings-log";
import { unordered } from "../remember/channel-state.ts";
import type { KnownMeters } from "../remember/known-meters.ts";
import { channelOf } from "../remember/meter-state.ts";
import { decodeReports } from "./decode-reports.ts";
import { type AffectedReport, affect, noteOf, type Waiting } from "./waiting-meters.ts";

/**
 * Looks through frames that are in the store already for what they changed: their owner may have ended before issuing
 * it.
 */
export function lookAgain(
  knownMeters: KnownMeters,
  frames: readonly LogFrame[],
  waiting: Waiting,
  damaged: TellDamage,
): void {
  for (const frame of frames) {
    for (const [logged, series = []] of decodeReports(frame, damaged)) {
      const meter = knownMeters.find(logged.meterId);
      // What was refused has no channel.
      const own = meter === undefined ? [] : series.filter(({ channel }) => channelOf(meter, channel) !== undefined);
      if (meter === undefined || own.length === 0) continue;
      const report: AffectedReport = { meter, affects: undefined };
      for (const { channel, at } of own) for (const instant of at) affect(report, waiting, channel, instant, unordered);
      const note = noteOf(logged);
      if (note !== "") meter.cause = note;
      waiting.reported(meter, report.affects, frame);
    }
  }
}
