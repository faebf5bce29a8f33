import type { Clock, TimeWitnesses } from "@meterbook/core/ports/clock";

/** By the clock by which the log appends: one that is held would take what was appended since for still to come. */
export function appendTime(clock: Clock, witnesses: TimeWitnesses | undefined): () => number {
  return () => (witnesses?.isAsking === true ? witnesses.hostMs() : clock.nowMs());
}
