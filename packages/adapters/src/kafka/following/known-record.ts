import { crc32 } from "node:zlib";
import type { KafkaMessage } from "kafkajs";
import type { TakenRecord } from "../../sqlite-views/file/view-database.ts";

/** What a view remembers of the last record that it took in. */
export function takenRecord({ offset, value }: KafkaMessage): TakenRecord {
  return { offset: Number(offset), crc: crc32(value ?? "") };
}

/** Holds what a topic has at a place against what a view took in there. */
export interface KnownRecord {
  /** The place, while it was not looked at. */
  readonly offset: number | undefined;
  /** Looks at the first records that are fetched from the place on. */
  look(records: readonly KafkaMessage[]): "not there yet" | "the same" | "another";
}

/**
 * @param start of the topic: what lies before it may be gone
 * @param isCompacted then any record may be gone
 */
export function knownRecord(
  last: TakenRecord | undefined,
  { start, isCompacted }: { readonly start: number; readonly isCompacted: boolean },
): KnownRecord {
  let known = last !== undefined && last.offset >= start ? last : undefined;
  return {
    get offset() {
      return known?.offset;
    },
    look(records) {
      const first = records[0];
      if (known === undefined || first === undefined) return known === undefined ? "the same" : "not there yet";
      const { offset, crc } = known;
      known = undefined;
      const there = records.find((record) => Number(record.offset) === offset);
      if (there === undefined) return isCompacted ? "the same" : "another";
      return takenRecord(there).crc === crc ? "the same" : "another";
    },
  };
}
