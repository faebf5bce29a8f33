import {
  byResolution,
  noSteps,
  type RegisterDay,
  type StepSums,
  type SumResolution,
  sumResolutions,
} from "../../domain/group/day-sums.ts";
import { checkedRecord, withChecksum } from "../record-checksum.ts";

/** What of a day's sums somebody asks for. */
export interface SummedSteps {
  readonly expected: number;
  readonly steps: StepSums;
}

/**
 * The sums of a register on a day as bytes: `expected`, then for each resolution the length of its part and the steps,
 * each with `present` and, where somebody is, `estimated` and the amount. Whole numbers in base 128, and a checksum.
 */
export function encodeRegisterDay({ expected, steps }: Pick<RegisterDay, "expected" | "steps">): Buffer {
  const parts = sumResolutions.map((resolution) => partOf(steps[resolution]));
  const out: number[] = [];
  put(out, expected);
  for (const part of parts) {
    put(out, part.length);
    for (const byte of part) out.push(byte);
  }
  return withChecksum(Uint8Array.from(out));
}

function partOf({ consumption, present, estimated }: StepSums): number[] {
  const out: number[] = [];
  put(out, present.length);
  for (let step = 0; step < present.length; step += 1) {
    put(out, present[step] as number);
    if (present[step] === 0) continue;
    put(out, estimated[step] as number);
    put(out, consumption[step] as number);
  }
  return out;
}

/** One resolution of it; undefined where the bytes are not what was written. */
export function readSummedSteps(sealed: Uint8Array, wanted: SumResolution): SummedSteps | undefined {
  const bytes = checkedRecord(sealed);
  if (bytes === undefined) return undefined;
  const place = { bytes, at: 0 };
  const expected = take(place);
  for (const resolution of sumResolutions) {
    const length = take(place);
    if (resolution === wanted) return { expected, steps: stepsAt(place) };
    place.at += length;
  }
  return undefined;
}

/** All of it. */
export function readRegisterDay(sealed: Uint8Array): Pick<RegisterDay, "expected" | "steps"> | undefined {
  const of = byResolution((resolution) => readSummedSteps(sealed, resolution));
  if (of.P1D === undefined) return undefined;
  return { expected: of.P1D.expected, steps: byResolution((resolution) => (of[resolution] as SummedSteps).steps) };
}

function stepsAt(place: Place): StepSums {
  const found = noSteps(take(place));
  for (let step = 0; step < found.present.length; step += 1) {
    const present = take(place);
    if (present === 0) continue;
    found.present[step] = present;
    found.estimated[step] = take(place);
    found.consumption[step] = take(place);
  }
  return found;
}

interface Place {
  readonly bytes: Uint8Array;
  at: number;
}

/** Beyond 32 bits operators of bits are of no use. */
function put(out: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    out.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  out.push(rest);
}

function take(place: Place): number {
  let value = 0;
  let factor = 1;
  for (;;) {
    const byte = place.bytes[place.at] ?? 0;
    place.at += 1;
    value += (byte & 0x7f) * factor;
    if (byte < 0x80) return value;
    factor *= 0x80;
  }
}
