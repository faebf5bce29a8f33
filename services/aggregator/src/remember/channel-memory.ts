import type { Reading } from "@meterbook/core/domain/reading/reading";
import { bareCode, bareCodesMax } from "@meterbook/core/domain/reading/reading";

/**
 * What is remembered of a channel, as a row of numbers. Rows stand in blocks that the garbage collector does not look
 * into: millions of channels as objects that point to readings are what it would go through each time
 * (docs/figures.md).
 */
export interface ChannelRow {
  readonly block: Float64Array;
  /** Where the row begins in its block. */
  readonly base: number;
}

/** As much as two lines of a processor's cache. */
export const fieldsPerRow = 16;
const rowsPerBlock = 512;

/** Answers a row of zeros each time. A block goes when no channel has a row in it any more. */
export function channelRows(): () => ChannelRow {
  let block = new Float64Array(0);
  let next = 0;
  return () => {
    if (next === block.length) {
      block = new Float64Array(rowsPerBlock * fieldsPerRow);
      next = 0;
    }
    const base = next;
    next += fieldsPerRow;
    return { block, base };
  };
}

export function get({ block, base }: ChannelRow, field: number): number {
  return block[base + field] as number;
}

export function set({ block, base }: ChannelRow, field: number, value: number): void {
  block[base + field] = value;
}

// A reading takes two fields: its instant (seconds since 1970, never 0: none is older than 2001) and code in one
// number, and its value. Its revision is left out: only the store is asked which of two readings is in effect.

/** The reading in `field` and the next; undefined where none was put there. */
export function getReading(row: ChannelRow, field: number): Reading | undefined {
  const stamp = get(row, field);
  if (stamp === 0) return undefined;
  const at = Math.floor(stamp / bareCodesMax);
  return { at, value: get(row, field + 1), code: stamp - at * bareCodesMax };
}

export function setReading(row: ChannelRow, field: number, { at, value, code }: Reading): void {
  set(row, field, at * bareCodesMax + bareCode(code));
  set(row, field + 1, value);
}

export function clearReading(row: ChannelRow, field: number): void {
  set(row, field, 0);
  set(row, field + 1, 0);
}
