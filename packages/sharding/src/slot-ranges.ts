import { slotCount } from "./slot.ts";

/** Slots from `first` to `last`, both included. */
export interface SlotRange {
  readonly first: number;
  readonly last: number;
}

export const allSlots: SlotRange = { first: 0, last: slotCount - 1 };

/** `00-7f` in hexadecimal digits; undefined when it is no range. */
export function slotRange(text: string): SlotRange | undefined {
  const parts = /^([0-9a-f]{2})-([0-9a-f]{2})$/i.exec(text);
  if (parts === null) return undefined;
  const range = { first: Number.parseInt(parts[1] as string, 16), last: Number.parseInt(parts[2] as string, 16) };
  return range.first <= range.last ? range : undefined;
}

/** The two digits of a slot, as the tag `k` and ranges spell them. */
export function slotDigits(slot: number): string {
  return slot.toString(16).padStart(2, "0");
}

/** Why the ranges do not hold each slot exactly once; empty when they do. */
export function rangeProblems(ranges: readonly SlotRange[]): string[] {
  const holders = Array.from(
    { length: slotCount },
    (_, slot) => ranges.filter(({ first, last }) => first <= slot && slot <= last).length,
  );
  return [
    ...stretches(holders, (count) => count === 0).map((stretch) => `slots ${stretch} on no server`),
    ...stretches(holders, (count) => count > 1).map((stretch) => `slots ${stretch} on more than one server`),
  ];
}

function stretches(holders: readonly number[], wanted: (count: number) => boolean): string[] {
  const found: string[] = [];
  let from = -1;
  for (let slot = 0; slot <= holders.length; slot += 1) {
    const isIn = slot < holders.length && wanted(holders[slot] as number);
    if (isIn && from === -1) from = slot;
    if (isIn || from === -1) continue;
    found.push(`${slotDigits(from)}-${slotDigits(slot - 1)}`);
    from = -1;
  }
  return found;
}
