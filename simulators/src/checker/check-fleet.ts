import { localDays, monthName } from "../meters/local-days.ts";
import { compareReadings } from "./compare-readings.ts";
import type { Month } from "./compare-snapshots.ts";
import { compareSnapshots } from "./compare-snapshots.ts";
import type { EstimateScore } from "./estimate-score.ts";
import { estimateScore } from "./estimate-score.ts";
import { compareCounts, expectedConflicts } from "./expected-counts.ts";
import type { Findings } from "./findings.ts";
import { openFindings } from "./findings.ts";
import type { MeterbookApi, Snapshot, Status } from "./meterbook-api.ts";
import type { MeterTruth, Truth } from "./read-truth.ts";

export interface CheckOptions {
  /** How long to wait for the server to settle. */
  readonly deadlineMs: number;
  /** Others send to the same server: its counts and its other meters are not looked at. */
  readonly shared: boolean;
  /** A broker stands between the meters and the server, and may deliver a message more than once. */
  readonly redelivered: boolean;
  readonly nowMs: () => number;
}

export interface CheckResult {
  readonly status: Status;
  readonly findings: Findings;
  readonly score: EstimateScore;
}

/** Snapshots are issued an hour after the month's end; a little later they must be there. */
const issuedAfterSeconds = 3600 + 120;

/** Compares all that the API says with what the fleet sent and with what is true. */
export async function checkFleet(truth: Truth, api: MeterbookApi, options: CheckOptions): Promise<CheckResult> {
  const findings = openFindings();
  const score = estimateScore();
  const status = await api.settled(options.deadlineMs);
  findings.looked("settled");
  if (!status.settled)
    findings.differs(
      "settled",
      "/v1/status",
      `not settled after ${options.deadlineMs / 1000} s: ${JSON.stringify(status)}`,
    );
  compareCounts(truth, status, findings, options);
  const months = monthsOf(truth, options.nowMs() / 1000);
  const snapshots = await snapshotsByMeter(truth, api, months, findings, options.shared);
  for (const meter of truth.meters.values()) {
    const readings = compareReadings(truth, meter, await api.readings(meter.meterId), findings);
    await compareConflicts(truth, meter, api, findings);
    compareSnapshots({
      meter,
      readings,
      months,
      snapshots: snapshots.get(meter.meterId) ?? new Map(),
      findings,
      score,
    });
  }
  return { status, findings, score };
}

/** The months from the first reading that was sent to the last that must have been issued by now. */
function monthsOf(truth: Truth, now: number): Month[] {
  let first = Number.POSITIVE_INFINITY;
  for (const { registers } of truth.meters.values()) {
    for (const { at } of registers.values()) for (const instant of at) first = Math.min(first, instant);
  }
  const calendar = localDays(truth.zone);
  const months: Month[] = [];
  if (first === Number.POSITIVE_INFINITY) return months;
  for (
    let period = calendar.dayAt(first).period;
    calendar.monthStart(period + 1) + issuedAfterSeconds <= now;
    period += 1
  ) {
    months.push({
      period: monthName(period),
      start: calendar.monthStart(period),
      boundary: calendar.monthStart(period + 1),
    });
  }
  return months;
}

async function snapshotsByMeter(
  truth: Truth,
  api: MeterbookApi,
  months: readonly Month[],
  findings: Findings,
  shared: boolean,
): Promise<Map<string, Map<string, Snapshot>>> {
  const byMeter = new Map<string, Map<string, Snapshot>>();
  for (const { period } of months) {
    for (const snapshot of await api.snapshots(period)) {
      const ofMeter = byMeter.get(snapshot.meterId) ?? new Map<string, Snapshot>();
      byMeter.set(snapshot.meterId, ofMeter);
      if (ofMeter.has(period)) findings.differs("snapshot", `${snapshot.meterId} ${period}`, "is listed twice");
      ofMeter.set(period, snapshot);
      findings.looked("phantom");
      if (shared || truth.meters.has(snapshot.meterId)) continue;
      findings.differs("phantom", snapshot.id, "a snapshot of a meter that does not exist");
    }
  }
  return byMeter;
}

async function compareConflicts(truth: Truth, meter: MeterTruth, api: MeterbookApi, findings: Findings): Promise<void> {
  const expected = expectedConflicts(truth, meter);
  if (expected.length === 0) return;
  const listed = new Set(
    (await api.conflicts(meter.meterId)).map(({ register, at, refused }) => `${register} ${at} ${refused.value}`),
  );
  for (const { register, at, value } of expected) {
    findings.looked("conflict");
    if (listed.has(`${register} ${at} ${value}`)) continue;
    findings.differs("conflict", `${meter.meterId} ${register} ${at}`, `the refused value ${value} is not listed`);
  }
}
