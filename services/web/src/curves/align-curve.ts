import type { ZoneClock } from "../time/zone-clock.ts";
import type { Curve } from "./curve.ts";

/**
 * An earlier curve laid over a later one, day by day: its first day over the range's first, each step at its time since
 * midnight. What a longer day has more than the day that it is laid over is left out.
 */
export function alignCurve(
  curve: Curve,
  clock: ZoneClock,
  earlier: number,
  range: { from: number; to: number },
): Curve {
  const kept: number[] = [];
  const from: number[] = [];
  const to: number[] = [];
  let [source, target] = [earlier, range.from];
  let [sourceEnd, targetEnd] = [clock.addDays(source, 1), clock.addDays(target, 1)];
  for (let i = 0; i < curve.from.length; i += 1) {
    const at = curve.from[i] as number;
    while (at >= sourceEnd) {
      [source, target] = [sourceEnd, targetEnd];
      [sourceEnd, targetEnd] = [clock.addDays(source, 1), clock.addDays(target, 1)];
    }
    const shifted = target + (at - source);
    if (shifted >= targetEnd || shifted >= range.to) continue;
    kept.push(i);
    from.push(shifted);
    to.push(Math.min(targetEnd > shifted ? shifted + ((curve.to[i] as number) - at) : shifted, range.to));
  }
  const pick = (values: Float64Array) => Float64Array.from(kept, (i) => values[i] as number);
  return {
    ...curve,
    from: Float64Array.from(from),
    to: Float64Array.from(to),
    value: pick(curve.value),
    quality: Uint8Array.from(kept, (i) => curve.quality[i] as number),
  };
}
