import { beginsEarlier, isTooOld } from "@meterbook/core/domain/reading/first-reading";
import type { Channel, Reading, ReadingSeries } from "@meterbook/core/domain/reading/reading";
import { channelKey, readingAt } from "@meterbook/core/domain/reading/reading";
import type { RejectionReason } from "@meterbook/core/domain/validation/rejection-reason";
import type { LogFrame, LoggedReport } from "@meterbook/core/ports/readings-log";
import type { Rejection } from "@meterbook/core/ports/rejected-log";
import { encodeReport } from "@meterbook/intake/decoders/protobuf/meter-report-protobuf";
import type { KnownMeters } from "../remember/known-meters.ts";
import type { MeterState } from "../remember/meter-state.ts";
import { channelOf } from "../remember/meter-state.ts";

/** What a partition takes in at most. Whatever is beyond it is refused with a code, and kept. */
export interface AdmissionLimits {
  /** What becomes of readings of meters without master data. */
  readonly unknownMeters: "accept" | "refuse";
  readonly channelsPerMeterMax: number;
  /** Meters of one partition that have readings. */
  readonly metersMax: number;
}

/** What tests and the bench need that ask for no limit of their own. */
export const usualAdmission: AdmissionLimits = {
  unknownMeters: "accept",
  channelsPerMeterMax: 64,
  metersMax: 2 ** 22 - 1,
};

export interface Admitted {
  readonly meter: MeterState;
  readonly series: readonly ReadingSeries[];
}

export type NewChannel = Channel & { readonly first: Reading };

/** Where a frame stands in the log. The time tells a log that was made anew from the one before. */
type FramePlace = Pick<LogFrame, "partition" | "offset" | "appendedAtMs">;

export interface Admission {
  /**
   * Undefined where nothing of the report is taken.
   *
   * @param index of the frame's reports, from 0
   */
  admit(report: LoggedReport, series: readonly ReadingSeries[], frame: FramePlace, index: number): Admitted | undefined;
  /** Meters and channels that the store has never seen, in the order in which they came. */
  readonly newcomers: ReadonlyMap<MeterState, ReadonlyMap<string, NewChannel>>;
  readonly refused: readonly RefusedReport[];
  /** Reports of meters without master data, taken or not. */
  readonly unknown: number;
}

export interface RefusedReport {
  readonly offset: number;
  /** How many readings of the report are refused. */
  readonly readings: number;
  readonly rejection: Rejection;
}

/**
 * Decides what a batch makes known. Only the order of the log and what the store and the registry hold decide,
 * so that a batch that comes again is decided the same.
 */
export function admission(knownMeters: KnownMeters, limits: AdmissionLimits): Admission {
  const newcomers = new Map<MeterState, Map<string, NewChannel>>();
  const refused: RefusedReport[] = [];
  let newMeters = 0;
  let unknown = 0;

  function refusal(
    isRegistered: boolean,
    known: MeterState | undefined,
  ): readonly [RejectionReason, string] | undefined {
    if (limits.unknownMeters === "refuse" && !isRegistered) {
      return ["meter_unknown", "topic: there is no master data of the meter (METERBOOK_UNKNOWN_METERS=refuse)"];
    }
    if (known !== undefined && (known.no >= 0 || newcomers.has(known))) return undefined;
    if (knownMeters.numbered + newMeters < limits.metersMax) return undefined;
    return ["too_many_meters", `topic: there are ${limits.metersMax} meters already (METERBOOK_METERS_MAX)`];
  }

  function isTaken(meter: MeterState, one: ReadingSeries): boolean {
    if (channelOf(meter, one.channel) !== undefined) return true;
    const fresh = newcomers.get(meter);
    const key = channelKey(one.channel);
    if (fresh?.has(key)) return true;
    if (meter.channels.length + (fresh?.size ?? 0) >= limits.channelsPerMeterMax) return false;
    const channel = { ...one.channel, first: firstOf(one) };
    if (fresh !== undefined) fresh.set(key, channel);
    else {
      newcomers.set(meter, new Map([[key, channel]]));
      if (meter.no < 0) newMeters += 1;
    }
    return true;
  }

  return {
    newcomers,
    refused,
    get unknown() {
      return unknown;
    },
    admit(report, series, frame, index) {
      const { offset } = frame;
      const known = knownMeters.find(report.meterId);
      // Not by `isRegistered`, which looks for the meter once more.
      const isRegistered = known?.isRegistered === true || knownMeters.announced.has(report.meterId);
      if (!isRegistered) unknown += 1;
      const wrong = refusal(isRegistered, known);
      if (wrong !== undefined) {
        const rejection = rejectionOf(report, wrong, report.report, sourceOf(frame, index));
        refused.push({ offset, readings: readingsIn(series), rejection });
        return undefined;
      }
      const meter = known ?? knownMeters.meet(report.meterId);
      const excess = series.filter((one) => !isTaken(meter, one));
      if (excess.length === 0) return { meter, series };
      const payload = encodeReport({ series: excess });
      const rejection = rejectionOf(report, excessOf(excess, limits), payload, sourceOf(frame, index));
      refused.push({ offset, readings: readingsIn(excess), rejection });
      const left = new Set(excess);
      return { meter, series: series.filter((one) => !left.has(one)) };
    },
  };
}

function sourceOf({ partition, offset, appendedAtMs }: FramePlace, index: number): string {
  return `${partition}/${offset}/${index}/${appendedAtMs}`;
}

function readingsIn(series: readonly ReadingSeries[]): number {
  return series.reduce((sum, { at }) => sum + at.length, 0);
}

function excessOf(
  excess: readonly ReadingSeries[],
  { channelsPerMeterMax }: AdmissionLimits,
): readonly [RejectionReason, string] {
  const first = excess[0]?.channel.register;
  const detail = `register: the meter has ${channelsPerMeterMax} channels already (METERBOOK_CHANNELS_PER_METER_MAX); ${excess.length} more, the first ${first}`;
  return ["too_many_channels", detail];
}

/** As a report that holds what was refused and nothing else, so that a replay takes it through intake. */
function rejectionOf(
  { meterId, receivedAtMs }: LoggedReport,
  [reason, detail]: readonly [RejectionReason, string],
  payload: Uint8Array,
  source: string,
): Rejection {
  const topic = `meters/${meterId}/readings`;
  const from = { topic, meterId, clientId: "aggregator", senderName: meterId, receivedAtMs, source };
  return { reason, detail, ...from, payload, truncatedFrom: null, readingIndex: null };
}

/** What the channel begins with. */
function firstOf(series: ReadingSeries): Reading {
  let first = readingAt(series, 0);
  for (let i = 1; isTooOld(first.code) && i < series.at.length; i += 1) {
    const next = readingAt(series, i);
    if (beginsEarlier(next, first)) first = next;
  }
  return first;
}
