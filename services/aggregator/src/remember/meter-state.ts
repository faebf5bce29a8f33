import type { ReportNumbers } from "@meterbook/core/domain/gap/report-numbers";
import type { Channel } from "@meterbook/core/domain/reading/reading";
import { channelKey } from "@meterbook/core/domain/reading/reading";
import { installationsOf } from "@meterbook/core/domain/registry/installations";
import type { RegisteredMeter } from "@meterbook/core/domain/registry/registered-meter";
import type { Issued } from "@meterbook/core/domain/snapshot/next-revision";
import type { LocalCalendar } from "@meterbook/core/domain/time/local-calendar";
import { localCalendar } from "@meterbook/core/domain/time/local-calendar";
import type { Closings } from "@meterbook/core/domain/valuation/month";
import type { ValuationRules } from "@meterbook/core/domain/valuation/valuation-rules";
import { valuationRules } from "@meterbook/core/domain/valuation/valuation-rules";
import type { StoredMeter } from "@meterbook/core/ports/series-store";
import type { ChannelRow } from "./channel-memory.ts";
import type { ChannelState } from "./channel-state.ts";
import { advance, advanceNewestOnly, channelState, firstOf, forget, newestAtOf, unordered } from "./channel-state.ts";

/** What the aggregator remembers of one meter. */
export interface MeterState {
  readonly meterId: string;
  /** The store's number; -1 while the meter has no readings. */
  no: number;
  channels: readonly ChannelState[];
  /** The record that counts. */
  record: RegisteredMeter | undefined;
  /** The thresholds of its group, or the usual ones. */
  rules: ValuationRules;
  /** Whether there is a record that counts; it may be one that cannot be read. */
  isRegistered: boolean;
  /** Its newest master data cannot be read: until they come again nothing is made of them. */
  recordDamaged: boolean;
  calendar: LocalCalendar;
  /** After a start only the store knows this meter's past: every evaluation asks it. */
  needsStore: boolean;
  /** Of its reports; as after a start where none is known. */
  numbers: ReportNumbers;
  /** The earliest period to recompute; undefined where nothing is pending. */
  pendingFrom: number | undefined;
  /** From where it is to be recomputed once its readings can be read; undefined where nothing holds it back. */
  heldBackFrom: number | undefined;
  /** Which record of the log last made it pending. */
  changedBy: number;
  /** When that was appended, and when what first made it pending was. */
  changedAtMs: number;
  pendingSinceMs: number;
  /** What an operator has decided of its readings since it became pending; undefined where nobody has. */
  cause: string | undefined;
  /** Its place in the order in which meters became pending (issued-up-to.ts). */
  queueNumber: number;
  /** The latest revision of the two newest periods, oldest first; undefined until read from the ledger. */
  issued: readonly IssuedPeriod[] | undefined;
}

export interface IssuedPeriod extends Issued {
  readonly period: number;
  /** Log time. */
  readonly issuedAtMs: number;
  readonly closings: Closings;
  /** How many periods up to this one in a row had nothing to go by. */
  readonly missingRun: number;
  /** A closing was made from intervals, so later intervals can still change it. */
  readonly usesIntervals: boolean;
  /** Readings of later months can still change a closing of it: it was not simply read. */
  readonly isOpen: boolean;
  /** Of its closings that lie between two readings far apart, those readings. */
  readonly shared: readonly SharedBetween[];
  /** It was made while the meter's master data could not be read. */
  readonly withoutMasterData: boolean;
  /** The month was taken back: nothing opens from it. */
  readonly isVoid: boolean;
}

/** Two readings of a register; what was used between them is shared out. */
export interface SharedBetween extends Pick<Channel, "register" | "unit"> {
  readonly beforeAt: number;
  readonly afterAt: number;
}

export const noNumbers: ReportNumbers = { last: 0, missed: undefined };

export function meterState(meterId: string, zone: string, rules: ValuationRules = valuationRules): MeterState {
  return {
    meterId,
    no: -1,
    channels: [],
    record: undefined,
    rules,
    isRegistered: false,
    recordDamaged: false,
    calendar: localCalendar(zone),
    needsStore: false,
    numbers: noNumbers,
    pendingFrom: undefined,
    heldBackFrom: undefined,
    changedBy: 0,
    changedAtMs: 0,
    pendingSinceMs: 0,
    queueNumber: 0,
    cause: undefined,
    issued: undefined,
  };
}

/**
 * Takes over what the store says of the meter's number and channels. New channels have no reading newer than
 * `newestAt`.
 */
export function adopt(meter: MeterState, stored: StoredMeter, newRow: () => ChannelRow, newestAt: number): void {
  meter.no = stored.no;
  const channels = [...meter.channels];
  for (const channel of stored.channels) channels[channel.index] ??= channelState(channel, newRow(), newestAt);
  // A copy has no room to grow, which would be more than what is in it.
  meter.channels = channels.slice();
}

const linearSearchMax = 16;
/** Channels by their key, of the meters that have so many that a search would be long. */
const byKey = new WeakMap<readonly ChannelState[], Map<string, ChannelState>>();

export function channelOf(meter: MeterState, wanted: Channel): ChannelState | undefined {
  if (meter.channels.length > linearSearchMax) return keyed(meter.channels).get(channelKey(wanted));
  for (const state of meter.channels) {
    const { channel } = state;
    if (
      channel.register === wanted.register &&
      channel.kind === wanted.kind &&
      channel.stepSeconds === wanted.stepSeconds &&
      channel.unit === wanted.unit
    ) {
      return state;
    }
  }
  return undefined;
}

function keyed(channels: readonly ChannelState[]): Map<string, ChannelState> {
  let found = byKey.get(channels);
  if (found === undefined) {
    found = new Map(channels.map((state) => [channelKey(state.channel), state]));
    byKey.set(channels, found);
  }
  return found;
}

/** The period in which the meter's months begin; undefined where there is neither a reading nor an installation. */
export function firstPeriodOf(meter: MeterState): number | undefined {
  let first = Number.POSITIVE_INFINITY;
  for (const state of meter.channels) first = Math.min(first, firstPeriodOfChannel(meter, state));
  const installed = meter.record && installationsOf(meter.record)[0]?.installed?.at;
  if (installed !== undefined) first = Math.min(first, meter.calendar.periodOf(installed));
  return first === Number.POSITIVE_INFINITY ? undefined : first;
}

/** An interval belongs to the month in which it begins, a register reading at midnight to the month that begins. */
export function firstPeriodOfChannel(meter: MeterState, state: ChannelState): number {
  return meter.calendar.periodOf(firstOf(state).at - state.channel.stepSeconds);
}

/** Forgets all readings' traces, as after a start: the zone changed, or a batch failed half way. */
export function forgetMeter(meter: MeterState, newestAt: number): void {
  for (const state of meter.channels) forget(state, Math.max(newestAt, newestAtOf(state)));
  meter.needsStore = true;
}

/**
 * Takes a reading newer than all others of its channel. Answers the boundary of which it is the first reading after,
 * 0 where there is none such, `unordered` where memory cannot tell.
 */
export function accept(meter: MeterState, state: ChannelState, at: number, value: number, code: number): number {
  if (!meter.needsStore) return advance(state, at, value, code, meter);
  advanceNewestOnly(state, at);
  return unordered;
}
