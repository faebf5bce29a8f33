import { frameDamage } from "@meterbook/core/domain/damage/frame-damage";
import type { TellDamage } from "@meterbook/core/ports/damage-log";
import type { LogFrame } from "@meterbook/core/ports/readings-log";
import { checkFrame } from "@meterbook/core/records/frame-protobuf";
import type { FrameTally } from "@meterbook/sharding/tally";

/** A record of the readings log as it lies there. */
export interface RawFrame {
  readonly partition: number;
  readonly offset: number;
  readonly appendedAtMs: number;
  readonly body: Uint8Array;
  readonly tally?: FrameTally;
  /** How many readings the log counted for it; undefined where it does not say. */
  readonly counted: () => number | undefined;
}

/** For who meets damage in the readings log: `nowMs` is when. */
export interface DamageTeller {
  readonly damaged: TellDamage;
  readonly nowMs: () => number;
}

/** What cannot be used of it is told and left out; the frame keeps its place, so that its partition moves on. */
export function readFrame(
  { partition, offset, appendedAtMs, body, tally, counted }: RawFrame,
  teller: DamageTeller,
): LogFrame {
  const { reports, faults, barrier } = checkFrame(body);
  faults.forEach((fault, report) => {
    const place = fault.meterId === null ? { partition, offset } : { partition, offset, report };
    const told = fault.lost === null ? { ...fault, lost: counted() ?? null } : fault;
    teller.damaged(frameDamage(place, told, teller.nowMs()));
  });
  const more = { ...(tally === undefined ? {} : { tally }), ...(barrier === undefined ? {} : { barrier }) };
  return { partition, offset, appendedAtMs, reports, ...more };
}
