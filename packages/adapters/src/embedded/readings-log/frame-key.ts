/** The offsets of a partition: 64 partitions of them are whole numbers that a double holds. */
const offsetsMax = 2 ** 44;

/** The keys of a partition's rows: from `first` on, and before `next`. The rows stand together, in order. */
export interface FrameKeys {
  readonly first: number;
  readonly next: number;
}

export function frameKeys(partition: number): FrameKeys {
  return { first: partition * offsetsMax, next: (partition + 1) * offsetsMax };
}

/** Where a frame stands, by the key of its row. */
export function placeOfFrame(key: number): { readonly partition: number; readonly offset: number } {
  return { partition: Math.floor(key / offsetsMax), offset: key % offsetsMax };
}
