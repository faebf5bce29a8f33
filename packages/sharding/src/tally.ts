/**
 * A frame's place in what its writer has appended to its partition. Each writer counts what it appends, so that it is
 * known how much came, whatever becomes of the frames.
 */
export interface FrameTally {
  /** One life of a process that appends; names sort by when it began. Empty where whoever appended does not count. */
  readonly writer: string;
  /** Readings that this writer has appended to the partition, those of this frame among them. */
  readonly total: number;
  /** Of this frame. */
  readonly readings: number;
}

/** What writers say that they have appended to one partition, as far as its frames were taken in. */
export interface Tally {
  /** By writer: its total as of its newest frame. */
  readonly writers: Readonly<Record<string, number>>;
  /** Readings of all writers whose names sort up to `through`: they are no longer told apart. */
  readonly earlier: { readonly through: string; readonly readings: number };
}

export const noTally: Tally = { writers: {}, earlier: { through: "", readings: 0 } };

/**
 * Writers that began before the newest so many are counted together, so that a tally stays small however often
 * processes start.
 */
export const talliedWritersMax = 64;

/** Takes frames into a tally, in the order of the log; answers those that are not there a second time. */
export function tallyFrames<Frame extends { readonly tally?: FrameTally }>(
  tally: Tally,
  frames: readonly Frame[],
): { readonly tally: Tally; readonly fresh: readonly Frame[] } {
  if (frames.every((frame) => frame.tally === undefined)) return { tally, fresh: frames };
  const writers = { ...tally.writers };
  let { earlier } = tally;
  const fresh = frames.filter((frame) => {
    if (frame.tally === undefined) return true;
    const { writer, total, readings } = frame.tally;
    if (writer <= earlier.through) {
      earlier = { ...earlier, readings: earlier.readings + readings };
      return true;
    }
    // After an outage a producer may write again what it has written: the same frame, with the same total.
    if (total <= (writers[writer] ?? 0)) return false;
    writers[writer] = total;
    return true;
  });
  return { tally: folded(writers, earlier), fresh };
}

function folded(writers: Record<string, number>, earlier: Tally["earlier"]): Tally {
  const names = Object.keys(writers);
  if (names.length <= talliedWritersMax) return { writers, earlier };
  let { through, readings } = earlier;
  for (const name of names.sort().slice(0, names.length - talliedWritersMax)) {
    through = name;
    readings += writers[name] ?? 0;
    delete writers[name];
  }
  return { writers, earlier: { through, readings } };
}

/**
 * Readings that were ever appended to a partition: for each writer its greatest known total. `known` has totals from
 * outside the tally.
 *
 * @param ofEarlier readings of writers up to `earlier.through`, and of writers that do not count, that the tally does
 * not have yet
 */
export function readingsAppended(
  { writers, earlier }: Tally,
  known: Iterable<readonly [writer: string, total: number]>,
  ofEarlier: number,
): number {
  const greatest = new Map(Object.entries(writers));
  for (const [writer, total] of known) {
    if (writer > earlier.through) greatest.set(writer, Math.max(total, greatest.get(writer) ?? 0));
  }
  let sum = earlier.readings + ofEarlier;
  for (const total of greatest.values()) sum += total;
  return sum;
}
