import type { Channel } from "@meterbook/core/domain/reading/reading";
import type { LoggedReport } from "@meterbook/core/ports/readings-log";
import { noteOfReport } from "@meterbook/intake/report-note";
import type { PendingMeters } from "../issue/pending-meters.ts";
import type { MeterState } from "../remember/meter-state.ts";

/** Told what readings change, and of every report in the order of the log. */
export type Waiting = Pick<PendingMeters, "affectedFrom" | "reported">;

export interface AffectedReport {
  readonly meter: MeterState;
  /** The first period that its readings can change; undefined where they change none that is due. */
  affects: number | undefined;
}

/** Only of operators: nothing else of the report is read again. */
export function noteOf({ origin, report }: Pick<LoggedReport, "origin" | "report">): string {
  return origin === "operator" ? noteOfReport(report) : "";
}

export function affect(
  report: AffectedReport,
  { affectedFrom }: Waiting,
  channel: Channel,
  at: number,
  decidesFrom: number,
): void {
  const from = affectedFrom(report.meter, channel, at, decidesFrom);
  if (from !== undefined) report.affects = Math.min(report.affects ?? from, from);
}
