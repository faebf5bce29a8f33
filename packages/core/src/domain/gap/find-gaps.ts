import type { Channel } from "../reading/reading.ts";
import type { MeterRecord } from "../registry/meter-record.ts";
import type { Stretch } from "../time/stretches.ts";
import { readingHabit } from "./reading-habit.ts";

/** A stretch in which readings of a channel were expected and are not there. */
export interface FoundGap extends Channel {
  /**
   * Seconds UTC. Of intervals the first and the last second without one. Of a register the readings on both sides,
   * themselves not missing.
   */
  readonly from: number;
  readonly to: number;
  /** How many readings are missing. */
  readonly missing: number;
  /** Nothing has come since: it goes on. */
  readonly goesOn: boolean;
  /** There was no supply in all of that time: nothing was to be reported, and the meter is not asked for it. */
  readonly inOutage?: boolean | undefined;
}

/** What is there of one channel, within the stretch that is looked at. */
export interface ChannelReadings {
  readonly channel: Channel;
  /** Its earliest reading of all. */
  readonly firstAt: number;
  /** Ascending. */
  readonly at: readonly number[];
}

export interface LookedAt {
  readonly from: number;
  /** Readings of later instants are not expected yet. */
  readonly to: number;
  /** So long after its last reading a meter is silent; until then its newest readings may be on their way. */
  readonly silentSeconds: number;
}

/** What master data say of what a meter is to report. */
export type Expected = Pick<MeterRecord, "registers" | "stepSeconds" | "installed" | "removed" | "outages">;

/**
 * What was expected and is not there, ascending in `from`. Intervals are expected without pause, in whatever steps they
 * come. A register is expected at the step of the master data where its load profile is not intervals, else as the
 * meter usually reports it. Nothing is expected before the installation, or the first reading where none is known, nor
 * after the removal.
 */
export function findGaps(
  channels: readonly ChannelReadings[],
  expected: Expected | undefined,
  looked: LookedAt,
): FoundGap[] {
  const groups = Map.groupBy(channels, ({ channel }) => `${channel.register} ${channel.kind}`);
  const gaps = [...groups.values()].flatMap((group) => gapsOfGroup(group, channels, expected, looked));
  const all = [...gaps, ...neverReported(channels, expected, looked)];
  const told = expected?.outages === undefined ? all : all.map((gap) => explained(gap, expected.outages ?? []));
  return told.sort((a, b) => a.from - b.from || a.to - b.to);
}

function explained(gap: FoundGap, outages: readonly Stretch[]): FoundGap {
  // Of a register what is missing lies between the readings on both sides.
  const margin = gap.kind === "interval" ? 0 : (gap.to - gap.from) / (gap.missing + 1);
  const isLit = gap.kind === "register" && gap.goesOn;
  const missing = { from: gap.from + margin, to: isLit ? gap.to : gap.to - margin };
  const isIn = outages.some(({ from, to }) => from <= missing.from && missing.to <= to);
  return isIn ? { ...gap, inOutage: true } : gap;
}

function gapsOfGroup(
  group: readonly ChannelReadings[],
  all: readonly ChannelReadings[],
  expected: Expected | undefined,
  looked: LookedAt,
): FoundGap[] {
  const [{ channel }] = group as [ChannelReadings];
  const first = Math.min(...group.map(({ channel: { stepSeconds }, firstAt }) => firstAt - stepSeconds));
  const from = Math.max(looked.from, expected?.installed?.at ?? first);
  const to = Math.min(looked.to, expected?.removed?.at ?? looked.to);
  if (from >= to) return [];
  const stretch = { ...looked, from, to };
  if (channel.kind === "interval") return gapsOfIntervals(group, stretch);
  const hasProfile = all.some(({ channel: of }) => of.kind === "interval" && of.register === channel.register);
  return gapsOfRegister(group, stretch, hasProfile ? undefined : expected?.stepSeconds);
}

interface Piece {
  readonly from: number;
  readonly to: number;
  readonly channel: Channel;
}

function gapsOfIntervals(group: readonly ChannelReadings[], stretch: LookedAt): FoundGap[] {
  const pieces = piecesOf(group);
  const gaps: FoundGap[] = [];
  let covered = stretch.from;
  let { channel } = group[0] as ChannelReadings;
  for (const piece of pieces) {
    if (piece.to <= stretch.from) channel = piece.channel;
    if (piece.from > covered) {
      const to = Math.min(piece.from, stretch.to);
      // What comes first has nothing before it, so it tells the step.
      const of = covered === stretch.from ? piece.channel : channel;
      const missing = Math.round((to - covered) / of.stepSeconds);
      if (to > covered && missing > 0) gaps.push({ ...of, from: covered, to, missing, goesOn: false });
    }
    if (piece.to < covered) continue;
    covered = piece.to;
    channel = piece.channel;
  }
  return [...gaps, ...silence(channel, channel.stepSeconds, covered, stretch)];
}

function piecesOf(group: readonly ChannelReadings[]): Piece[] {
  const pieces = group.flatMap(({ channel, at }) =>
    at.map((to): Piece => ({ from: to - channel.stepSeconds, to, channel: fourFields(channel) })),
  );
  return group.length === 1 ? pieces : pieces.sort((a, b) => a.from - b.from || a.to - b.to);
}

function gapsOfRegister(
  group: readonly ChannelReadings[],
  stretch: LookedAt,
  registeredStep: number | undefined,
): FoundGap[] {
  const { channel } = group.reduce((newest, one) => ((one.at.at(-1) ?? 0) > (newest.at.at(-1) ?? 0) ? one : newest));
  const of = fourFields(channel);
  const at = [...new Set(group.flatMap((one) => one.at))].sort((a, b) => a - b);
  const step = registeredStep ?? readingHabit(at);
  if (step === undefined) return [];
  const gaps: FoundGap[] = [];
  let before = stretch.from;
  for (const instant of at) {
    if (instant <= before) continue;
    if (instant > stretch.to) break;
    const missing = Math.round((instant - before) / step) - 1;
    if (missing > 0) gaps.push({ ...of, from: before, to: instant, missing, goesOn: false });
    before = instant;
  }
  return [...gaps, ...silence(of, step, before, stretch)];
}

/** Days of 25 hours and months of 31 days are no gaps. */
const longStepSeconds = 20 * 3600;
const longStepSlack = 0.1;

function silence(channel: Channel, step: number, since: number, { to, silentSeconds }: LookedAt): FoundGap[] {
  const slack = step < longStepSeconds ? 0 : step * longStepSlack;
  const missing = Math.floor((to - since - slack) / step);
  if (missing <= 0 || to - since < silentSeconds) return [];
  return [{ ...channel, from: since, to: since + missing * step, missing, goesOn: true }];
}

/** Registers that the master data name, of a meter that is installed, and of which nothing has ever come. */
function neverReported(
  channels: readonly ChannelReadings[],
  expected: Expected | undefined,
  { from, to, silentSeconds }: LookedAt,
): FoundGap[] {
  const { registers = [], stepSeconds, installed, removed } = expected ?? {};
  if (stepSeconds === undefined || installed === undefined) return [];
  const kind = channels.some(({ channel }) => channel.kind === "interval") ? "interval" : "register";
  const reported = new Set(channels.map(({ channel }) => channel.register));
  const stretch = { from, to: Math.min(to, removed?.at ?? to), silentSeconds };
  const since = Math.max(from, installed.at);
  return registers
    .filter(({ register }) => !reported.has(register))
    .flatMap(({ register, unit }) => {
      const channel = { register, kind, unit, stepSeconds: kind === "interval" ? stepSeconds : 0 } as const;
      return silence(channel, stepSeconds, since, stretch);
    });
}

/** A stored channel has more, which is no part of a gap. */
function fourFields({ register, kind, unit, stepSeconds }: Channel): Channel {
  return { register, kind, unit, stepSeconds };
}
