import type { Consumer } from "kafkajs";

/** Where a partition's consumer stands. */
export interface Standing {
  readonly partition: number;
  /** Undefined until it has said. */
  readonly handledTo: number | undefined;
}

/** Notes positions with the group, for lag monitors; what counts is the store's own. */
export interface OffsetNotes {
  /** Never called while an earlier call is pending. */
  note(standings: readonly Standing[]): Promise<void>;
}

export function offsetNotes(
  topic: string,
  current: () => Consumer,
  failed: (facts: { readonly error: unknown }) => void,
): OffsetNotes {
  const noted = new Map<number, number>();

  async function commit(due: ReadonlyMap<number, number>): Promise<void> {
    try {
      await current().commitOffsets(
        [...due].map(([partition, handledTo]) => ({ topic, partition, offset: String(handledTo) })),
      );
      for (const [partition, handledTo] of due) noted.set(partition, handledTo);
    } catch (error) {
      failed({ error });
    }
  }

  function dueOf(standings: readonly Standing[]): Map<number, number> {
    const own = new Set(standings.map(({ partition }) => partition));
    // Another may note what is no longer ours.
    for (const partition of noted.keys()) if (!own.has(partition)) noted.delete(partition);
    return new Map(
      standings.flatMap(({ partition, handledTo = 0 }) =>
        handledTo === (noted.get(partition) ?? 0) ? [] : [[partition, handledTo] as const],
      ),
    );
  }

  return {
    async note(standings) {
      const due = dueOf(standings);
      if (due.size > 0) await commit(due);
    },
  };
}
