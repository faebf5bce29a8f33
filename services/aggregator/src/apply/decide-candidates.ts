import type { Reading, ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { withoutSecondValue } from "@meterbook/core/domain/reading/reading";
import { inEffect as ofTwo } from "@meterbook/core/domain/reading/reading-rank";
import type { Conflict, MeterWrite } from "@meterbook/core/ports/series-store";
import type { ChangedBy } from "../issue/pending-meters.ts";
import type { ChannelState } from "../remember/channel-state.ts";
import type { MeterState } from "../remember/meter-state.ts";

export interface Report {
  readonly meter: MeterState;
  readonly frame: ChangedBy;
  /** How many readings of the frame come before it. */
  readonly firstIndex: number;
  readonly receivedAtMs: number;
  /** Why, where an operator has made it; empty of all others. */
  readonly note: string;
  /** 0 where the meter gave it none. */
  readonly number: number;
  readonly series: readonly ReadingSeries[];
  /** The first period that its readings can change; undefined where they change none that is due. */
  affects: number | undefined;
}

/** A reading that is not newer than what its channel has: the store must be asked. */
export interface Candidate extends Reading {
  readonly report: Report;
  readonly state: ChannelState;
  /** Its place among the frame's readings. */
  readonly index: number;
}

/** What the candidates of a batch came to. */
interface Decisions {
  readonly late: Map<string, Candidate>;
  readonly replaced: Map<string, Candidate>;
  readonly conflicts: Conflict[];
  duplicates: number;
}

/** In the order in which they came: what an earlier one of the batch put into effect, a later one meets. */
export function decisionsOn(candidates: readonly Candidate[], found: readonly (Reading | undefined)[]): Decisions {
  const inEffect = new Map<string, Reading>();
  const decisions: Decisions = { late: new Map(), replaced: new Map(), conflicts: [], duplicates: 0 };
  candidates.forEach((candidate, index) => {
    const key = `${candidate.report.meter.no}/${candidate.state.channel.index}/${candidate.at}`;
    const kept = sortOne(decisions, key, candidate, inEffect.get(key) ?? found[index]);
    if (kept !== undefined) inEffect.set(key, kept);
  });
  return decisions;
}

/** Answers what the store is to hold from now on; undefined where it does. */
function sortOne(
  decisions: Decisions,
  key: string,
  candidate: Candidate,
  stored: Reading | undefined,
): Reading | undefined {
  const { late, replaced, conflicts } = decisions;
  if (stored === undefined) {
    late.set(key, candidate);
    return candidate;
  }
  const kept = ofTwo(stored, candidate);
  const isKept = kept.value === candidate.value;
  if (stored.value === candidate.value) decisions.duplicates += 1;
  else conflicts.push(conflict(candidate, isKept ? candidate : stored, isKept ? stored : candidate));
  if (kept === stored) return undefined;
  // Also of the same value: an estimate that is confirmed counts as measured, in whatever order the two came.
  (late.has(key) ? late : replaced).set(key, { ...candidate, value: kept.value, code: kept.code });
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
    offset: frame.offset,
    index,
  };
}

/** One write per frame, meter and channel, ascending. */
export function grouped(candidates: Iterable<Candidate>): MeterWrite[] {
  const groups = Map.groupBy(
    candidates,
    ({ report: { frame, meter }, state }) => `${frame.offset}/${meter.no}/${state.channel.index}`,
  );
  return [...groups.values()].map((group) => {
    group.sort((a, b) => a.at - b.at);
    const [{ report, state }] = group as [Candidate];
    const { meter, frame } = report;
    const columns = { at: group.map((c) => c.at), value: group.map((c) => c.value), code: group.map((c) => c.code) };
    return { meterNo: meter.no, offset: frame.offset, series: [{ channelIndex: state.channel.index, ...columns }] };
  });
}
