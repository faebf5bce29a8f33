import { wireUnitNames } from "@meterbook/core/domain/quantity/amount";
import type { Fault } from "@meterbook/core/domain/validation/rejection-reason";
import { MalformedMessage } from "@meterbook/core/records/protobuf-cursor";
import type { RegisterName } from "@meterbook/core/records/register-names";

/**
 * A report as it stands in the bytes of a message, nothing judged yet: what each decoder makes. The fields are those of
 * `meterbook.v1.MeterReport` (proto/meterbook/v1/meter_report.proto). Numbers that are not safe integers are NaN; enums
 * are numbers, known or not.
 */
export interface WireReport {
  meterId: string;
  sequence: number;
  /** Seconds UTC by the meter's clock; 0 where it did not say. */
  sentAt: number;
  /** What the meter says of itself, as marks of all its readings (`marksOf`). */
  marks: number;
  readonly readings: WireReading[];
  readonly profiles: WireProfile[];
  /** Readings and profiles together. */
  count: number;
  /** The bytes before this index are the meter id and nothing else, so that it can be cut off. */
  bodyStart: number;
}

/** What a reading and a profile have in common. */
export interface WireFields {
  register: RegisterName;
  /** Index into `unitNames`. */
  unit: number;
  exponent: number;
  kind: number;
  stepSeconds: number;
  quality: number;
  revision: number;
  /** Only in a report of the log: what the door found, and flags of reports that were put together. */
  marks: number;
}

export interface WireReading extends WireFields {
  at: number;
  value: number;
}

export interface WireProfile extends WireFields {
  start: number;
  base: number;
  readonly deltas: number[];
  /** Ascending, without overlaps. */
  readonly exceptions: QualityRun[];
}

export interface QualityRun {
  readonly first: number;
  readonly count: number;
  readonly quality: number;
}

/** What a decoder makes of a message. */
export interface Decoded {
  readonly report: WireReport;
  /** By the readings' indexes: what their form has wrong in a way that no protobuf can. They hold nothing of use. */
  readonly faults: ReadonlyMap<number, Fault>;
}

/** By their numbers on the wire; 0 is not a unit. */
export const unitNames = [undefined, ...wireUnitNames] as const;

/** A message holds more readings than allowed. */
export class TooManyReadings extends MalformedMessage {}

export function emptyReport(): WireReport {
  return { meterId: "", sequence: 0, sentAt: 0, marks: 0, readings: [], profiles: [], count: 0, bodyStart: 0 };
}
