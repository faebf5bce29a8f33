import { nextNumber } from "@meterbook/core/domain/gap/report-numbers";
import { outdates } from "@meterbook/core/domain/reading/first-reading";
import type { Channel, ReadingCode, ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { pushReading, readingAt } from "@meterbook/core/domain/reading/reading";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type { LogFrame, LoggedReport } from "@meterbook/core/ports/readings-log";
import type { ChannelWrite, MeterWrite, SeriesBatch } from "@meterbook/core/ports/series-store";
import { noteOfReport } from "@meterbook/intake/report-note";
import { sequenceOfReport } from "@meterbook/intake/report-sequence";
import type { AggregatorOptions } from "../aggregator-options.ts";
import type { TouchedDays } from "../groups/changed-days.ts";
import type { PendingMeters } from "../issue/pending-meters.ts";
import type { ChannelState } from "../remember/channel-state.ts";
import { admitLate, firstOf, isOnlyTooOld, markIrregular, newestAtOf, unordered } from "../remember/channel-state.ts";
import type { KnownMeters } from "../remember/known-meters.ts";
import { accept, channelOf } from "../remember/meter-state.ts";
import type { Admission, AdmissionLimits, RefusedReport } from "./admit-reports.ts";
import { admission } from "./admit-reports.ts";
import type { Candidate, Report } from "./decide-candidates.ts";
import { decisionsOn, grouped } from "./decide-candidates.ts";
import { decodeReports } from "./decode-reports.ts";

/** What a batch did, for counters and for whoever recomputes snapshots. */
export interface BatchResult {
  readings: number;
  stored: number;
  duplicates: number;
  conflicts: number;
  late: number;
  newestAt: number;
  /** Reports of meters without master data. */
  unknown: number;
  /** What is beyond the limits, in the order of the log; to be kept before the batch is committed. */
  refused: readonly RefusedReport[];
}

/** Told what readings change, and of every report in the order of the log. */
export type Waiting = Pick<PendingMeters, "affectedFrom" | "reported">;

/**
 * Takes a batch of the readings log into the store: what is newer than all before goes straight through; anything else
 * is looked up and becomes a late reading, a duplicate or a conflict. The caller commits or abandons.
 */
export async function applyBatch(
  batch: SeriesBatch,
  { knownMeters, limits }: { readonly knownMeters: KnownMeters; readonly limits: AdmissionLimits },
  frames: readonly LogFrame[],
  waiting: Waiting,
  { crashPoint, damaged }: Pick<AggregatorOptions, "crashPoint" | "damaged">,
  days?: TouchedDays,
): Promise<BatchResult> {
  const admitted = admission(knownMeters, limits);
  const reports = frames.flatMap((frame) => reportsOf(frame, admitted, damaged));
  const { refused, unknown } = admitted;
  const counts = { readings: 0, stored: 0, duplicates: 0, conflicts: 0, late: 0, newestAt: 0 };
  const result: BatchResult = { ...counts, unknown, refused };
  await numberNewcomers(batch, knownMeters, admitted);
  const candidates: Candidate[] = [];
  const writes: MeterWrite[] = [];
  for (const report of reports) {
    const series = takeNewer(report, candidates, result, waiting);
    if (series.length > 0) writes.push({ meterNo: report.meter.no, offset: report.frame.offset, series });
    days?.touched(report.series);
  }
  await batch.put(writes);
  crashPoint("batch-half-applied");
  if (candidates.length > 0) await decide(batch, candidates, result, waiting, days);
  if (days !== undefined)
    for (const channels of admitted.newcomers.values())
      for (const { first, stepSeconds } of channels.values()) days.began(first.at - stepSeconds);
  for (const { meter, affects, frame, number, receivedAtMs, note } of reports) {
    if (note !== "") meter.cause = note;
    if (number !== 0) meter.numbers = nextNumber(meter.numbers, number, receivedAtMs);
    waiting.reported(meter, affects, frame);
  }
  return result;
}

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
      const report: Pick<Report, "meter" | "affects"> = { meter, affects: undefined };
      const note = noteOf(logged);
      if (note !== "") meter.cause = note;
      for (const { channel, at } of own) for (const instant of at) affect(report, waiting, channel, instant, unordered);
      waiting.reported(meter, report.affects, frame);
    }
  }
}

/** Only of operators: nothing else of the report is read again. */
function noteOf({ origin, report }: LoggedReport): string {
  return origin === "operator" ? noteOfReport(report) : "";
}

function affect(
  report: Pick<Report, "meter" | "affects">,
  { affectedFrom }: Waiting,
  channel: Channel,
  at: number,
  passedBoundary: number,
): void {
  const from = affectedFrom(report.meter, channel, at, passedBoundary);
  if (from !== undefined) report.affects = Math.min(report.affects ?? from, from);
}

function reportsOf(frame: LogFrame, { admit }: Admission, damaged: TellDamage): Report[] {
  let firstIndex = 0;
  let index = 0;
  const taken: Report[] = [];
  for (const [report, series] of decodeReports(frame, damaged)) {
    const admitted = series === undefined ? undefined : admit(report, series, frame, index);
    index += 1;
    if (admitted !== undefined) {
      const { receivedAtMs } = report;
      const { meter, series: own } = admitted;
      const number = sequenceOfReport(report.report);
      const note = noteOf(report);
      taken.push({ meter, series: own, frame, firstIndex, receivedAtMs, number, note, affects: undefined });
    }
    if (series === undefined) firstIndex += report.readings;
    else for (const { at } of series) firstIndex += at.length;
  }
  return taken;
}

/** Numbers the meters and channels that the store has never seen. */
async function numberNewcomers(batch: SeriesBatch, knownMeters: KnownMeters, { newcomers }: Admission): Promise<void> {
  if (newcomers.size === 0) return;
  const met = await batch.meet(
    [...newcomers].map(([{ meterId }, channels]) => ({ meterId, channels: [...channels.values()] })),
  );
  for (const stored of met) knownMeters.adopt(stored);
}

/** The readings of a report that follow what their channels have; the others become candidates. */
function takeNewer(report: Report, candidates: Candidate[], result: BatchResult, waiting: Waiting): ChannelWrite[] {
  const { meter } = report;
  const writes: ChannelWrite[] = [];
  let index = report.firstIndex - 1;
  for (const one of report.series) {
    const state = channelOf(meter, one.channel) as ChannelState;
    const { at, value, code } = one;
    result.readings += at.length;
    const isOnlyOld = isOnlyTooOld(state) && outdates(readingAt(one, at.length - 1), firstOf(state));
    const newer: ChannelWrite =
      !isOnlyOld && followsOn(one, newestAtOf(state))
        ? { channelIndex: state.channel.index, at, value, code }
        : { channelIndex: state.channel.index, at: [], value: [], code: [] };
    const split = newer.at.length === 0;
    for (let i = 0; i < at.length; i += 1) {
      const instant = at[i] as number;
      index += 1;
      // The store is to know what a channel really begins with.
      if (instant <= newestAtOf(state) || (isOnlyOld && outdates(readingAt(one, i), firstOf(state)))) {
        candidates.push({ ...readingAt(one, i), report, state, index });
        continue;
      }
      const [amount, quality] = [value[i] as number, code[i] as ReadingCode];
      if (split) pushReading(newer, instant, amount, quality);
      const passedBoundary = accept(meter, state, instant, amount, quality);
      affect(report, waiting, one.channel, instant, passedBoundary);
    }
    if (newer.at.length === 0) continue;
    result.stored += newer.at.length;
    result.newestAt = Math.max(result.newestAt, newer.at[newer.at.length - 1] as number);
    writes.push(newer);
  }
  return writes;
}

function followsOn({ at }: ReadingSeries, newestAt: number): boolean {
  let before = newestAt;
  for (const instant of at) {
    if (instant <= before) return false;
    before = instant;
  }
  return true;
}

/** Asks the store for every candidate and sorts them into late readings, duplicates and conflicts. */
async function decide(
  batch: SeriesBatch,
  candidates: readonly Candidate[],
  result: BatchResult,
  waiting: Waiting,
  days: TouchedDays | undefined,
): Promise<void> {
  const found = await batch.find(
    candidates.map(({ report, state, at }) => ({ meterNo: report.meter.no, channelIndex: state.channel.index, at })),
  );
  const { late, replaced, conflicts, duplicates } = decisionsOn(candidates, found);
  await batch.insert(grouped(late.values()));
  await batch.replace(grouped(replaced.values()));
  const fresh = await batch.conflicts(conflicts);
  result.late += late.size;
  result.stored += late.size;
  result.conflicts += fresh;
  // A conflicting value that was recorded before is a repetition.
  result.duplicates += duplicates + conflicts.length - fresh;
  for (const candidate of late.values()) {
    result.newestAt = Math.max(result.newestAt, candidate.at);
    if (candidate.at < firstOf(candidate.state).at) days?.began(candidate.at - candidate.state.channel.stepSeconds);
    admitLate(candidate.state, candidate, candidate.report.meter);
    affect(candidate.report, waiting, candidate.state.channel, candidate.at, unordered);
  }
  for (const { report, state, at } of replaced.values()) {
    markIrregular(state, at - state.channel.stepSeconds, at);
    affect(report, waiting, state.channel, at, unordered);
  }
}
