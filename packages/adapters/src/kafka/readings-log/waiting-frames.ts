import type { LogFrame } from "@meterbook/core/ports/readings-log";
import type { FrameTally } from "@meterbook/sharding/tally";
import type { KafkaMessage } from "kafkajs";
import { type DamageTeller, readFrame } from "../../report-batches/read-frame.ts";
import { tallyOf } from "./readings-header.ts";

/** Records of one partition that were fetched and are not handled yet, in order. */
export interface WaitingFrames {
  /** Offset to fetch from. */
  readonly nextOffset: number;
  /** Whether so much waits that nothing more should be fetched. */
  readonly isFull: boolean;
  readonly isEmpty: boolean;
  /** When the oldest was appended. */
  readonly oldestAppendedAtMs: number | undefined;
  /**
   * Takes what was fetched. Answers `ask-again` where it does not begin at `nextOffset`: that is either a fetch from
   * before the last join, or the log has forgotten what lies between, and then the same comes once more.
   */
  offer(messages: readonly KafkaMessage[]): "taken" | "ask-again";
  /** As many as are handled at a time, at least one. A record that is no frame is told and has no reports. */
  first(): LogFrame[];
  /** Those of `first` are handled. */
  drop(count: number): void;
}

const batchBytesMax = 4 * 1024 * 1024;
/**
 * A profile of two bytes a reading becomes twenty times as much in memory, and each partition has a batch in hand. All
 * of it is copied by each collection of young objects that comes while the store takes it: with 50 000 it took the most
 * of an aggregator's time whenever InfluxDB was the slower of the two (docs/figures.md).
 */
const batchReadingsMax = 10_000;
const waitingBytesMax = 4 * 1024 * 1024;

interface Waiting {
  readonly offset: number;
  readonly appendedAtMs: number;
  readonly tally: FrameTally;
  readonly body: Uint8Array;
}

/** @param gap told from where to where the log no longer holds what was not read. */
export function waitingFrames(
  partition: number,
  from: number,
  gap: (facts: { readonly partition: number; readonly from: number; readonly to: number }) => void,
  teller: DamageTeller,
): WaitingFrames {
  let waiting: Waiting[] = [];
  let bytes = 0;
  let nextOffset = from;
  let doubted: number | undefined;

  function take(message: KafkaMessage): void {
    const offset = Number(message.offset);
    if (offset > nextOffset) gap({ partition, from: nextOffset, to: offset });
    nextOffset = offset + 1;
    const body = message.value ?? new Uint8Array();
    waiting.push({ offset, appendedAtMs: Number(message.timestamp), tally: tallyOf(message), body });
    bytes += body.length;
  }

  return {
    get nextOffset() {
      return nextOffset;
    },
    get isFull() {
      return bytes >= waitingBytesMax;
    },
    get isEmpty() {
      return waiting.length === 0;
    },
    get oldestAppendedAtMs() {
      return waiting[0]?.appendedAtMs;
    },
    offer(messages) {
      // What was fetched again after a join waits here or is handled already.
      const fresh = messages.filter(({ offset }) => Number(offset) >= nextOffset);
      const first = fresh[0];
      if (first !== undefined && Number(first.offset) > nextOffset && doubted !== nextOffset) {
        doubted = nextOffset;
        return "ask-again";
      }
      fresh.forEach(take);
      return "taken";
    },
    first() {
      let size = 0;
      let count = 0;
      const beyond = waiting.findIndex(({ body, tally: { readings } }, index) => {
        size += body.length;
        count += readings;
        return index > 0 && (size > batchBytesMax || count > batchReadingsMax);
      });
      return waiting.slice(0, beyond === -1 ? waiting.length : beyond).map(({ offset, appendedAtMs, tally, body }) => {
        const counted = () => (tally.readings === 0 ? undefined : tally.readings);
        return readFrame({ partition, offset, appendedAtMs, body, tally, counted }, teller);
      });
    },
    drop(count) {
      for (const { body } of waiting.slice(0, count)) bytes -= body.length;
      waiting = waiting.slice(count);
    },
  };
}
