import { bucketCount } from "./bucket.ts";

/** Buckets from `first` to `last`, both included. */
export interface BucketRange {
  readonly first: number;
  readonly last: number;
}

export const allBuckets: BucketRange = { first: 0, last: bucketCount - 1 };

/** `00-7f` in hexadecimal digits; undefined when it is no range. */
export function bucketRange(text: string): BucketRange | undefined {
  const parts = /^([0-9a-f]{2})-([0-9a-f]{2})$/i.exec(text);
  if (parts === null) return undefined;
  const range = { first: Number.parseInt(parts[1] as string, 16), last: Number.parseInt(parts[2] as string, 16) };
  return range.first <= range.last ? range : undefined;
}

/** The two digits of a bucket, as the tag `k` and ranges spell them. */
export function bucketDigits(bucket: number): string {
  return bucket.toString(16).padStart(2, "0");
}

/** Why the ranges do not hold each bucket exactly once; empty when they do. */
export function rangeProblems(ranges: readonly BucketRange[]): string[] {
  const holders = Array.from(
    { length: bucketCount },
    (_, bucket) => ranges.filter(({ first, last }) => first <= bucket && bucket <= last).length,
  );
  return [
    ...stretches(holders, (count) => count === 0).map((stretch) => `buckets ${stretch} on no server`),
    ...stretches(holders, (count) => count > 1).map((stretch) => `buckets ${stretch} on more than one server`),
  ];
}

function stretches(holders: readonly number[], wanted: (count: number) => boolean): string[] {
  const found: string[] = [];
  let from = -1;
  for (let bucket = 0; bucket <= holders.length; bucket += 1) {
    const isIn = bucket < holders.length && wanted(holders[bucket] as number);
    if (isIn && from === -1) from = bucket;
    if (isIn || from === -1) continue;
    found.push(`${bucketDigits(from)}-${bucketDigits(bucket - 1)}`);
    from = -1;
  }
  return found;
}
