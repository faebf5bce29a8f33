/** So many spans between readings must be known before a meter has a habit. */
const spansMin = 4;
/** A span of the habit may be this much shorter or longer: clocks drift, and local days have 23 to 25 hours. */
const spanTolerance = 0.25;
/** So large a part of all spans must be the habit itself, and so large a part the habit or whole multiples of it. */
const [singleShareMin, habitualShareMin] = [0.5, 0.7];

/**
 * How far apart a meter's readings usually are, in seconds, from the readings themselves: ascending instants. Undefined
 * where there are too few, or no span is usual. Readings that are missing make spans of some multiple, which speak for
 * the habit and not against it.
 */
export function readingHabit(at: readonly number[]): number | undefined {
  const spans: number[] = [];
  for (let i = 1; i < at.length; i += 1) spans.push((at[i] as number) - (at[i - 1] as number));
  if (spans.length < spansMin) return undefined;
  const usual = median(spans);
  if (usual <= 0) return undefined;
  const times = spans.flatMap((span) => timesOf(span, usual) ?? []);
  const single = times.filter((one) => one === 1).length;
  const isHabit = single >= spans.length * singleShareMin && times.length >= spans.length * habitualShareMin;
  return isHabit ? usual : undefined;
}

/** Undefined where it is no whole multiple. */
function timesOf(span: number, usual: number): number | undefined {
  const times = Math.max(1, Math.round(span / usual));
  return Math.abs(span - times * usual) <= usual * spanTolerance ? times : undefined;
}

function median(spans: readonly number[]): number {
  const sorted = spans.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] as number;
}
