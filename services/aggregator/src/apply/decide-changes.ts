import { nextNumber } from "@meterbook/core/domain/gap/report-numbers";
import { outdates } from "@meterbook/core/domain/reading/first-reading";
import type { ReadingCode, ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { pushReading, readingAt } from "@meterbook/core/domain/reading/reading";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type { LogFrame } from "@meterbook/core/ports/readings-log";
import type { ChannelWrite, MeterWrite, SeriesChanges, SeriesStore } from "@meterbook/core/ports/series-store";
import { sequenceOfReport } from "@meterbook/intake/report-sequence";
import type { MarkedDays } from "../groups/changed-days.ts";
import type { ChangedBy } from "../issue/pending-meters.ts";
import type { ChannelState } from "../remember/channel-state.ts";
import { admitLate, firstOf, isOnlyTooOld, markIrregular, newestAtOf, unordered } from "../remember/channel-state.ts";
import type { KnownMeters } from "../remember/known-meters.ts";
import { accept, channelOf } from "../remember/meter-state.ts";
import type { Admission, AdmissionLimits, RefusedReport } from "./admit-reports.ts";
import { admission } from "./admit-reports.ts";
import { decodeReports } from "./decode-reports.ts";
import { type AffectedReport, affect, noteOf, type Waiting } from "./waiting-meters.ts";
import { type Candidate, type CandidateReport, type Weighed, weighCandidates, writesOf } from "./weigh-candidates.ts";

/** What a batch comes to, before the store has it. */
export interface Decided {
  readonly changes: SeriesChanges;
  readings: number;
  stored: number;
  duplicates: number;
  late: number;
  newestAt: number;
  /** Reports of meters without master data. */
  readonly unknown: number;
  /** What is beyond the limits, in the order of the log; to be kept before the changes are applied. */
  readonly refused: readonly RefusedReport[];
}

/** Who is told of what changes. */
export interface Told {
  readonly waiting: Waiting;
  /** What is to be summed again; absent where nobody sums. */
  readonly days?: MarkedDays | undefined;
}

interface Report extends AffectedReport, CandidateReport {
  readonly frame: ChangedBy;
  /** How many readings of the frame come before it. */
  readonly firstIndex: number;
  /** 0 where the meter gave it none. */
  readonly number: number;
  /** Why, where an operator has made it; empty of all others. */
  readonly note: string;
  readonly series: readonly ReadingSeries[];
}

/**
 * Decides what a batch of the readings log changes: what is newer than all before goes straight through; anything else
 * is looked up and becomes a late reading, a duplicate or a conflict. Memory has it at once. If the store does not take
 * the changes, memory begins again.
 */
export async function decideChanges(
  store: Pick<SeriesStore, "find">,
  { knownMeters, limits }: { readonly knownMeters: KnownMeters; readonly limits: AdmissionLimits },
  frames: readonly LogFrame[],
  told: Told,
  damaged: TellDamage,
): Promise<Decided> {
  const { waiting, days } = told;
  const admitted = admission(knownMeters, limits);
  const reports = frames.flatMap((frame) => reportsOf(frame, admitted, damaged));
  const { newcomers, refused, unknown } = admitted;
  const met = Array.from(newcomers, ([meter, channels]) => knownMeters.number(meter, channels.values()));
  const newer: MeterWrite[] = [];
  const candidates: Candidate<Report>[] = [];
  const counts = { readings: 0, stored: 0, duplicates: 0, late: 0, newestAt: 0 };
  for (const report of reports) {
    const series = takeNewer(report, candidates, counts, waiting);
    if (series.length > 0) newer.push({ meterNo: report.meter.no, position: report.frame.offset, series });
    days?.mark(report.series);
  }
  const changes: Partial<SeriesChanges> = candidates.length > 0 ? await takeRest() : {};
  for (const { channels } of met) for (const { first, stepSeconds } of channels) days?.began(first.at - stepSeconds);
  for (const { meter, affects, frame, number, receivedAtMs, note } of reports) {
    if (note !== "") meter.cause = note;
    if (number !== 0) meter.numbers = nextNumber(meter.numbers, number, receivedAtMs);
    waiting.reported(meter, affects, frame);
  }
  return { ...counts, changes: { met, newer, late: [], conflicts: [], ...changes }, unknown, refused };

  async function takeRest(): Promise<Pick<SeriesChanges, "late" | "conflicts">> {
    const weighed = await weighCandidates(store, newer, candidates);
    counts.late += weighed.late.size;
    counts.stored += weighed.late.size;
    counts.duplicates += weighed.duplicates;
    remember(weighed, counts, told);
    const { late, replacing, conflicts } = weighed;
    return { late: [...writesOf(late.values()), ...writesOf(replacing.values())], conflicts };
  }
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

type Counts = Pick<Decided, "readings" | "stored" | "newestAt">;

/** The readings of a report that follow what their channels have; the others become candidates. */
function takeNewer(report: Report, candidates: Candidate<Report>[], counts: Counts, waiting: Waiting): ChannelWrite[] {
  const { meter } = report;
  const writes: ChannelWrite[] = [];
  let index = report.firstIndex - 1;
  for (const one of report.series) {
    const state = channelOf(meter, one.channel) as ChannelState;
    const { at, value, code } = one;
    counts.readings += at.length;
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
      const decidesFrom = accept(meter, state, instant, amount, quality);
      affect(report, waiting, one.channel, instant, decidesFrom);
    }
    if (newer.at.length === 0) continue;
    counts.stored += newer.at.length;
    counts.newestAt = Math.max(counts.newestAt, newer.at[newer.at.length - 1] as number);
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

function remember({ late, replacing }: Weighed<Report>, counts: Counts, { waiting, days }: Told): void {
  for (const candidate of late.values()) {
    counts.newestAt = Math.max(counts.newestAt, candidate.at);
    if (candidate.at < firstOf(candidate.state).at) days?.began(candidate.at - candidate.state.channel.stepSeconds);
    admitLate(candidate.state, candidate, candidate.report.meter);
    affect(candidate.report, waiting, candidate.state.channel, candidate.at, unordered);
  }
  for (const { report, state, at } of replacing.values()) {
    markIrregular(state, at - state.channel.stepSeconds, at);
    affect(report, waiting, state.channel, at, unordered);
  }
}
