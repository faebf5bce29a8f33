import type { MeterRecord } from "../registry/meter-record.ts";
import type { RegisterSnapshot } from "../snapshot/snapshot.ts";

/** A month of a meter's calendar: seconds UTC, local midnights. */
export interface Span {
  readonly start: number;
  readonly boundary: number;
}

/** The part of a month in which the meter was in place. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

export function partOf({ start, boundary }: Span, record: MeterRecord | undefined): Part {
  return {
    from: Math.min(boundary, Math.max(start, record?.installed?.at ?? start)),
    to: Math.max(start, Math.min(boundary, record?.removed?.at ?? boundary)),
  };
}

/** The closing of one register, as issued for the month before. */
export type IssuedClosing = Pick<RegisterSnapshot, "register" | "unit" | "value" | "valueQuality">;
/** The closings of the month before; empty where there are none. */
export type Closings = readonly IssuedClosing[];
