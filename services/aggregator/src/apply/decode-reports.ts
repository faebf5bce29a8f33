import { frameDamage } from "@meterbook/core/domain/damage/frame-damage";
import type { ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { isReadingCode } from "@meterbook/core/domain/reading/reading";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type { LogFrame, LoggedReport } from "@meterbook/core/ports/readings-log";
import { MalformedMessage } from "@meterbook/core/records/protobuf-cursor";
import { decodeReport } from "@meterbook/intake/decoders/protobuf/meter-report-protobuf";

/**
 * The readings of each report of a frame, in order. A report that cannot be decoded is told and has no readings; those
 * that came with it are taken.
 */
export function decodeReports(
  { partition, offset, reports }: LogFrame,
  damaged: TellDamage,
): readonly (readonly [LoggedReport, readonly ReadingSeries[] | undefined])[] {
  return reports.map((report, number) => {
    try {
      return [report, usable(decodeReport(report.report, report.origin))] as const;
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      const { meterId, readings, receivedAtMs } = report;
      const fault = { code: "record_unreadable", detail: error.message, meterId, lost: readings } as const;
      damaged(frameDamage({ partition, offset, report: number }, fault, receivedAtMs));
      return [report, undefined] as const;
    }
  });
}

/** The range of instants that a store can hold, which intake keeps to; to the year 2060. */
const [earliestAt, latestAt] = [978_307_200, 2_865_744_000];

/** Intake lets nothing else through: whoever else has written the frame stops no partition by it. */
function usable(series: readonly ReadingSeries[]): readonly ReadingSeries[] {
  for (const { channel, at, value, code } of series) {
    if (!Number.isSafeInteger(channel.stepSeconds)) throw new MalformedMessage("an interval has no length");
    for (let i = 0; i < at.length; i += 1) {
      const instant = at[i] as number;
      const amount = value[i] as number;
      // Also where one is NaN.
      const isUsable = instant >= earliestAt && instant < latestAt && amount >= 0 && amount <= Number.MAX_SAFE_INTEGER;
      if (!(isUsable && isReadingCode(code[i] as number))) {
        throw new MalformedMessage("a reading has an instant, a value or a quality that no reading can have");
      }
    }
  }
  return series;
}
