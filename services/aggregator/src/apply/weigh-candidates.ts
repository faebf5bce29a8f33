import type { Reading } from "@meterbook/core/domain/reading/reading";
import { lowerBound, readingAt, withoutSecondValue } from "@meterbook/core/domain/reading/reading";
import { inEffect as ofTwo } from "@meterbook/core/domain/reading/reading-rank";
import type { LogFrame } from "@meterbook/core/ports/readings-log";
import type { Conflict, Lookup, MeterWrite, SeriesStore } from "@meterbook/core/ports/series-store";
import type { ChannelState } from "../remember/channel-state.ts";
import type { MeterState } from "../remember/meter-state.ts";

/** A reading that is not newer than what its channel has: the store must be asked. */
export interface Candidate<Report extends CandidateReport = CandidateReport> extends Reading {
  readonly report: Report;
  readonly state: ChannelState;
  /** Its place among the frame's readings. */
  readonly index: number;
}

export interface CandidateReport {
  readonly meter: MeterState;
  readonly frame: Pick<LogFrame, "offset">;
  readonly receivedAtMs: number;
}

/** What the candidates of a batch came to. */
export interface Weighed<Report extends CandidateReport> {
  readonly late: ReadonlyMap<string, Candidate<Report>>;
  readonly replacing: ReadonlyMap<string, Candidate<Report>>;
  readonly conflicts: readonly Conflict[];
  readonly duplicates: number;
}

/**
 * Tells apart late readings, readings that replace others, duplicates and conflicts, in the order in which they came.
 * If an earlier one of the batch took effect, later ones are compared with it.
 *
 * @param newer what the batch itself brings besides
 */
export async function weighCandidates<Report extends CandidateReport>(
  store: Pick<SeriesStore, "find">,
  newer: readonly MeterWrite[],
  candidates: readonly Candidate<Report>[],
): Promise<Weighed<Report>> {
  const keys = candidates.map(({ report, state, at }): Lookup => {
    return { meterNo: report.meter.no, channelIndex: state.channel.index, at };
  });
  const found = await findWith(store, newer, keys);
  const inEffect = new Map<string, Reading>();
  const weighed = { late: new Map(), replacing: new Map(), conflicts: [], duplicates: 0 };
  candidates.forEach((candidate, index) => {
    const { meterNo, channelIndex, at } = keys[index] as Lookup;
    const key = `${meterNo}/${channelIndex}/${at}`;
    const kept = weighOne(weighed, key, candidate, inEffect.get(key) ?? found[index]);
    if (kept !== undefined) inEffect.set(key, kept);
  });
  return weighed;
}

/** Answers what the store is to hold from now on; undefined where it does. */
function weighOne<Report extends CandidateReport>(
  weighed: {
    readonly late: Map<string, Candidate<Report>>;
    readonly replacing: Map<string, Candidate<Report>>;
    readonly conflicts: Conflict[];
    duplicates: number;
  },
  key: string,
  candidate: Candidate<Report>,
  stored: Reading | undefined,
): Reading | undefined {
  const { late, replacing, conflicts } = weighed;
  if (stored === undefined) {
    late.set(key, candidate);
    return candidate;
  }
  const kept = ofTwo(stored, candidate);
  const isKept = kept.value === candidate.value;
  if (stored.value === candidate.value) weighed.duplicates += 1;
  else conflicts.push(conflict(candidate, isKept ? candidate : stored, isKept ? stored : candidate));
  if (kept === stored) return undefined;
  // Also of the same value: an estimate that is confirmed counts as measured, in whatever order the two came.
  (late.has(key) ? late : replacing).set(key, { ...candidate, value: kept.value, code: kept.code });
  return kept;
}

function conflict({ report, state, at, index }: Candidate, kept: Reading, refused: Reading): Conflict {
  const { meter, receivedAtMs, frame } = report;
  return {
    meterId: meter.meterId,
    channel: state.channel,
    at,
    kept: { at, value: kept.value, code: withoutSecondValue(kept.code) },
    refused: { at, value: refused.value, code: withoutSecondValue(refused.code) },
    receivedAtMs,
    position: frame.offset,
    index,
  };
}

/** What stands under each key, with what the batch itself brings. */
async function findWith(
  store: Pick<SeriesStore, "find">,
  newer: readonly MeterWrite[],
  keys: readonly Lookup[],
): Promise<(Reading | undefined)[]> {
  const byMeter = Map.groupBy(newer, ({ meterNo }) => meterNo);
  const found = keys.map((key) => findIn(byMeter.get(key.meterNo) ?? [], key));
  const others = [...keys.keys()].filter((index) => found[index] === undefined);
  if (others.length === 0) return found;
  const stored = await store.find(others.map((index) => keys[index] as Lookup));
  others.forEach((index, i) => {
    found[index] = stored[i];
  });
  return found;
}

function findIn(writes: readonly MeterWrite[], { channelIndex, at }: Lookup): Reading | undefined {
  for (const { series } of writes) {
    for (const one of series) {
      if (one.channelIndex !== channelIndex) continue;
      const index = lowerBound(one, at);
      if (one.at[index] === at) return readingAt(one, index);
    }
  }
  return undefined;
}

/** One write per frame, meter and channel, ascending. */
export function writesOf(candidates: Iterable<Candidate>): MeterWrite[] {
  const groups = Map.groupBy(
    candidates,
    ({ report: { frame, meter }, state }) => `${frame.offset}/${meter.no}/${state.channel.index}`,
  );
  return [...groups.values()].map((group) => {
    group.sort((a, b) => a.at - b.at);
    const [{ report, state }] = group as [Candidate];
    const { meter, frame } = report;
    const columns = { at: group.map((c) => c.at), value: group.map((c) => c.value), code: group.map((c) => c.code) };
    return { meterNo: meter.no, position: frame.offset, series: [{ channelIndex: state.channel.index, ...columns }] };
  });
}
