import type { MeterState } from "../remember/meter-state.ts";

/** Meters of a month's end, which are issued in parts: in order of their ids, so that a part can be named by an id. */
export interface SweptMeters {
  readonly size: number;
  add(meters: readonly MeterState[]): void;
  delete(meter: MeterState): void;
  /** Those whose ids sort up to this one; all where it is null. */
  through(id: string | null): MeterState[];
  /** Up to which id a part of about so many goes; null where there are no more. */
  part(max: number): string | null;
  /** The same as the meters of another memory. */
  moveTo(moved: (meter: MeterState) => MeterState): void;
}

/** A part costs what it holds: those before it are gone, and those behind it are not looked at. */
export function sweptMeters(): SweptMeters {
  let inOrder: MeterState[] = [];
  let first = 0;
  const waiting = new Set<MeterState>();

  return {
    get size() {
      return waiting.size;
    },
    add(meters) {
      for (const meter of meters) waiting.add(meter);
      inOrder = [...inOrder.slice(first), ...meters].sort((a, b) => (a.meterId < b.meterId ? -1 : 1));
      first = 0;
    },
    delete(meter) {
      waiting.delete(meter);
      while (first < inOrder.length && !waiting.has(inOrder[first] as MeterState)) first += 1;
    },
    through(id) {
      const found: MeterState[] = [];
      for (let at = first; at < inOrder.length; at += 1) {
        const meter = inOrder[at] as MeterState;
        if (id !== null && meter.meterId > id) break;
        if (waiting.has(meter)) found.push(meter);
      }
      return found;
    },
    part: (max) => (waiting.size <= max ? null : (inOrder[first + max - 1]?.meterId ?? null)),
    moveTo(moved) {
      inOrder = inOrder
        .slice(first)
        .filter((meter) => waiting.has(meter))
        .map(moved);
      first = 0;
      waiting.clear();
      for (const meter of inOrder) waiting.add(meter);
    },
  };
}
